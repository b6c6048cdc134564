//===- Grouping.h - Which operations share a kernel -------------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_GROUP_GROUPING_H
#define FOVEA_PASSES_GROUP_GROUPING_H

#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Support/LLVM.h"

namespace mlir {
class Block;
} // namespace mlir

namespace fovea {

/// What the root operation of a kernel does; it is part of the kernel's name.
enum class GroupKind { Contraction, Attention, Rows, Elementwise, Other };

/// Operations that become one kernel, in the order of their block. Only the
/// last one, the tail, has users outside.
struct KernelGroup {
  GroupKind kind;
  mlir::SmallVector<mlir::Operation *> ops;

  mlir::DestinationStyleOpInterface getTail() const {
    return mlir::cast<mlir::DestinationStyleOpInterface>(ops.back());
  }
};

/// The word for `kind` in a kernel's name, such as "rows".
llvm::StringRef groupKindName(GroupKind kind);

/// Whether `op` is work for a kernel: a structured operation on tensors that
/// writes into a destination. Fills are not, they belong to their users.
bool isKernelWork(mlir::Operation *op);

/// Partitions the kernel work directly inside `block` into groups.
///
/// A group starts at its tail and takes in a producer when every user of the
/// producer is already inside and both walk over the same leading parallel
/// dimensions ("rows"), so that one parallel loop over the rows computes all of
/// it. At most one contraction or attention is in a group, and then only
/// elementwise operations follow it, on the same iteration space.
mlir::SmallVector<KernelGroup> formGroups(mlir::Block &block);

} // namespace fovea

#endif // FOVEA_PASSES_GROUP_GROUPING_H
