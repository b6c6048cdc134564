//===- AttnInterfaces.td - What masks have in common -------*- tablegen -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_DIALECTS_ATTN_ATTNINTERFACES_TD
#define FOVEA_DIALECTS_ATTN_ATTNINTERFACES_TD

include "mlir/IR/OpBase.td"

def Attn_MaskInterface : AttrInterface<"MaskInterface"> {
  let cppNamespace = "::fovea::attn";
  let description = [{
    Which keys a query row may see. Positions are counted over the whole
    operation, never over a tile: `i` in [0, M) and `j` in [0, K2), where K2 is
    the sum of the keys of all sources. A mask may read captures of the
    operation; it names them by their position in `captures`.

    Everything that tiles attention asks these methods and never switches on a
    kind of mask, so a new kind is one new attribute.
  }];
  let methods = [
    InterfaceMethod<[{
        Whether row `i` sees key `j`, or nothing where that is known only at run
        time.
      }],
      "std::optional<bool>", "visible",
      (ins "int64_t":$i, "int64_t":$j, "::fovea::attn::StaticExtents":$extents)>,
    InterfaceMethod<[{
        What is known when compiling about rows [i0, i1) and keys [j0, j1).
        `Partial` is always a right answer.
      }],
      "::fovea::attn::TileClass", "classify",
      (ins "::fovea::attn::StaticTile":$tile,
           "::fovea::attn::StaticExtents":$extents)>,
    InterfaceMethod<[{
        Emits an i1: whether the row and key at `point` are visible.
      }],
      "::mlir::Value", "emit",
      (ins "::mlir::OpBuilder &":$builder, "::mlir::Location":$loc,
           "const ::fovea::attn::MaskPoint &":$point)>,
    InterfaceMethod<[{
        Emits the interval outside which no row of `tile` sees a key, and the
        interval inside which every row sees every key. The second may be
        empty; it need not lie in the first when it is. Neither is clamped to
        [0, K2).
      }],
      "::fovea::attn::MaskBounds", "bounds",
      (ins "::mlir::OpBuilder &":$builder, "::mlir::Location":$loc,
           "const ::fovea::attn::MaskTile &":$tile)>,
    InterfaceMethod<[{
        Whether loops over the interval that `bounds` gives visit little more
        than what a tile of neighbouring rows sees. Otherwise tiling asks for
        every key, where the mask and the sizes are known.
      }],
      "bool", "isInterval", (ins), "", "return false;">,
    InterfaceMethod<[{
        Appends the positions of the captures that the mask reads.
      }],
      "void", "appendCaptures",
      (ins "::llvm::SmallVectorImpl<unsigned> &":$captures)>,
    InterfaceMethod<[{
        The same mask reading capture `positions[c]` wherever it read `c`.
      }],
      "::fovea::attn::MaskInterface", "withCaptures",
      (ins "::llvm::ArrayRef<unsigned>":$positions)>,
    InterfaceMethod<[{
        Reports through `emitError` a capture that is absent or of a type that
        the mask cannot read.
      }],
      "::llvm::LogicalResult", "verifyCaptures",
      (ins "::llvm::function_ref<::mlir::InFlightDiagnostic()>":$emitError,
           "::llvm::ArrayRef<::mlir::Type>":$elementTypes)>
  ];
}

#endif // FOVEA_DIALECTS_ATTN_ATTNINTERFACES_TD
