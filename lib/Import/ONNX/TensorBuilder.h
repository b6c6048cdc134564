//===- TensorBuilder.h - Builds tensor programs -----------------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_LIB_IMPORT_ONNX_TENSORBUILDER_H
#define FOVEA_LIB_IMPORT_ONNX_TENSORBUILDER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"

#include <optional>
#include <stdexcept>
#include <string>

namespace fovea::frontend {

class TensorBuilder;

/// Builds one element of an elementwise operation. It is called inside a
/// linalg.generic body or directly on scalars; with createOrFold in it,
/// constant scalars fold on the spot.
using ElementFn =
    llvm::function_ref<mlir::Value(TensorBuilder &, mlir::ValueRange)>;

/// What a model asks for that no machine can give, or that makes no sense; ends
/// the import.
struct ImportError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// `text` without line breaks and other controls: errors quote names and
/// strings of models.
std::string oneLine(llvm::StringRef text);

/// Dimension list of a tensor: attributes where static, index values otherwise.
/// How many there are is up to the model, so that asking for one that is not
/// there ends the import; the node that did is named on the way.
class Dims : public llvm::SmallVector<mlir::OpFoldResult> {
  using Base = llvm::SmallVector<mlir::OpFoldResult>;

public:
  using Base::Base;
  Dims(const Base &dims) : Base(dims) {}
  Dims(Base &&dims) : Base(std::move(dims)) {}

  // Taking the place of the unchecked access of the base is the purpose.
  // NOLINTBEGIN(bugprone-derived-method-shadowing-base-method)
  mlir::OpFoldResult &operator[](size_t i) { return begin()[checked(i)]; }
  const mlir::OpFoldResult &operator[](size_t i) const {
    return begin()[checked(i)];
  }
  mlir::OpFoldResult &front() { return (*this)[0]; }
  const mlir::OpFoldResult &front() const { return (*this)[0]; }
  mlir::OpFoldResult &back() { return (*this)[size() - 1]; }
  const mlir::OpFoldResult &back() const { return (*this)[size() - 1]; }
  // NOLINTEND(bugprone-derived-method-shadowing-base-method)

private:
  size_t checked(size_t i) const {
    if (i >= size())
      throw std::out_of_range("a tensor of rank " + std::to_string(size()) +
                              " has too few dimensions for the operator");
    return i;
  }
};

/// A builder for value-semantics tensor code. All tensors are ranked; every
/// function keeps static sizes static. What can go wrong because of the model
/// (and not of the caller) returns a failure after reporting it.
///
/// Every function checks the tensors, ranks, axes and static sizes that it
/// gets, and raises an error where they do not fit: what a handler of an
/// operator did not think of ends the import there, in one message that names
/// the node.
class TensorBuilder : public mlir::ImplicitLocOpBuilder {
public:
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;

  // Errors. ---------------------------------------------------------------
  /// Reports `reason` for the node being imported.
  mlir::InFlightDiagnostic error(const llvm::Twine &reason);
  /// Ends the import with `reason` for the node being imported: for sizes that
  /// are absurd, which may come up anywhere below the handler of an operator.
  [[noreturn]] void raise(const llvm::Twine &reason);
  /// Raises an error where a tensor of `type` could never be in memory, so that
  /// no arithmetic on sizes can overflow afterwards.
  void checkSize(mlir::RankedTensorType type);
  /// What errors are prefixed with: "node 'x' (Add, opset 17): ".
  std::string errorContext;
  /// Whether an error has been reported; one is enough for a model.
  bool hasFailed() const { return failedBefore; }

  // Constants and scalars. -----------------------------------------------
  mlir::Value index(int64_t value);
  /// A scalar constant of integer, index or float type.
  mlir::Value scalar(mlir::Type type, double value);
  mlir::Value scalar(mlir::Type type, int64_t value);
  mlir::Value scalar(mlir::Type type, int value) {
    return scalar(type, int64_t(value));
  }
  /// The value as an SSA index.
  mlir::Value toValue(mlir::OpFoldResult value);
  /// An integer or index scalar as a dimension: an attribute where constant.
  mlir::OpFoldResult toDim(mlir::Value integer);
  /// An index (or attribute) as an integer scalar of `type`.
  mlir::Value fromDim(mlir::OpFoldResult dim, mlir::Type type);
  mlir::OpFoldResult attr(int64_t value) { return getIndexAttr(value); }

  // Index arithmetic that folds. -------------------------------------------
  mlir::OpFoldResult add(mlir::OpFoldResult a, mlir::OpFoldResult b);
  mlir::OpFoldResult sub(mlir::OpFoldResult a, mlir::OpFoldResult b);
  mlir::OpFoldResult mul(mlir::OpFoldResult a, mlir::OpFoldResult b);
  mlir::OpFoldResult divUp(mlir::OpFoldResult a, mlir::OpFoldResult b);
  /// Rounds toward zero; operands are expected to be non-negative.
  mlir::OpFoldResult div(mlir::OpFoldResult a, mlir::OpFoldResult b);
  mlir::OpFoldResult max(mlir::OpFoldResult a, mlir::OpFoldResult b);
  mlir::OpFoldResult min(mlir::OpFoldResult a, mlir::OpFoldResult b);
  mlir::OpFoldResult product(llvm::ArrayRef<mlir::OpFoldResult> dims);
  /// True where both are known to be equal at compile time.
  bool same(mlir::OpFoldResult a, mlir::OpFoldResult b);
  /// Number of elements of `input` along `axes`, as a scalar of `type`.
  mlir::Value countAlong(mlir::Value input, llvm::ArrayRef<int64_t> axes,
                         mlir::Type type);
  /// True where `factor` is known to divide `product`.
  bool divides(mlir::OpFoldResult factor, mlir::OpFoldResult product);

  // Shapes. ------------------------------------------------------------------
  /// Size of dimension `i`. Equal dynamic sizes give the same SSA value as far
  /// as they can be traced (results to destinations, casts, slices).
  mlir::OpFoldResult dim(mlir::Value tensor, int64_t i);
  Dims shape(mlir::Value tensor);
  /// States that dimension `i` of `tensor` is `size` at run time.
  void setDim(mlir::Value tensor, int64_t i, mlir::OpFoldResult size);
  /// Drops what is known about values inside `op`, which is about to be erased.
  void forgetInside(mlir::Operation *op);
  /// Raises an error where there is no tensor: an input that is missing, or the
  /// result of something that failed.
  mlir::RankedTensorType type(mlir::Value tensor);
  mlir::RankedTensorType typeFor(llvm::ArrayRef<mlir::OpFoldResult> dims,
                                 mlir::Type elementType);
  int64_t rank(mlir::Value tensor) { return type(tensor).getRank(); }
  mlir::Type elementType(mlir::Value tensor) {
    return type(tensor).getElementType();
  }
  /// Numpy broadcasting of the shapes. Where two dynamic sizes may differ at
  /// run time, the result selects the one that is not 1 and a run-time check
  /// guards it.
  mlir::FailureOr<Dims> broadcastShape(llvm::ArrayRef<Dims> shapes);
  /// Fails the run with `message` unless `condition` (i1) holds.
  void runtimeCheck(mlir::Value condition, const llvm::Twine &message);

  // Tensors.
  // -------------------------------------------------------------------
  mlir::Value empty(llvm::ArrayRef<mlir::OpFoldResult> dims,
                    mlir::Type elementType);
  mlir::Value fill(mlir::Value scalar, llvm::ArrayRef<mlir::OpFoldResult> dims);
  mlir::Value zeros(llvm::ArrayRef<mlir::OpFoldResult> dims,
                    mlir::Type elementType);
  /// A constant tensor; stored as a resource when large.
  mlir::Value constant(mlir::RankedTensorType type, llvm::ArrayRef<char> data);
  /// tensor<Nxi64>.
  mlir::Value intTensor(llvm::ArrayRef<int64_t> values);
  /// tensor<NxT> (or the rank-0/other static `type`) from scalars; a constant
  /// when all are constant.
  mlir::Value fromScalars(llvm::ArrayRef<mlir::Value> scalars,
                          mlir::RankedTensorType type);
  /// The single element of a tensor with one element (any rank).
  mlir::Value extractScalar(mlir::Value tensor);

  /// One linalg.generic over the broadcast shape of the inputs. Where all
  /// inputs are tiny and known as scalars, evaluates element by element, unless
  /// `usesIndices` says that the body contains linalg.index. Splat constants
  /// become scalars of the body.
  mlir::FailureOr<mlir::Value> elementwise(llvm::ArrayRef<mlir::Value> inputs,
                                           mlir::Type resultElementType,
                                           ElementFn body,
                                           bool usesIndices = false);
  /// `input` with the sizes of `to` (right-aligned), and for each of its
  /// dimensions the position in `to`. Dimensions of size 1 that are larger in
  /// `to` are dropped; those that may be 1 at run time are repeated there.
  struct Operand {
    mlir::Value value;
    llvm::SmallVector<int64_t> positions;
  };
  mlir::FailureOr<Operand> broadcastOperand(mlir::Value input, const Dims &to);
  /// A linalg.generic with one result; the body gets the inputs and the
  /// accumulator.
  mlir::Value generic(llvm::ArrayRef<mlir::Value> inputs, mlir::Value init,
                      llvm::ArrayRef<mlir::AffineMap> maps,
                      llvm::ArrayRef<mlir::utils::IteratorType> iterators,
                      ElementFn body);
  /// Elementwise over index positions only: result[i...] = body(i...).
  mlir::Value generate(llvm::ArrayRef<mlir::OpFoldResult> dims,
                       mlir::Type elementType, ElementFn body);
  /// Reduces `axes` (normalised, may be empty). `body` gets (element,
  /// accumulator).
  mlir::Value reduce(mlir::Value input, llvm::ArrayRef<int64_t> axes,
                     bool keepDims, mlir::Value init, ElementFn body);
  /// Contraction sum over the loops absent from `resultMap`, in f32 for f16
  /// and bf16; the result has the element type of the first operand.
  mlir::Value contract(llvm::ArrayRef<mlir::Value> operands,
                       llvm::ArrayRef<mlir::AffineMap> operandMaps,
                       mlir::AffineMap resultMap,
                       llvm::ArrayRef<mlir::OpFoldResult> loops,
                       bool isUnsigned = false);
  mlir::Value transpose(mlir::Value input, llvm::ArrayRef<int64_t> perm);
  /// Same elements in row-major order under another shape, whose element count
  /// is the caller's responsibility.
  mlir::Value reshape(mlir::Value input,
                      llvm::ArrayRef<mlir::OpFoldResult> dims);
  mlir::Value unsqueeze(mlir::Value input, llvm::ArrayRef<int64_t> axes);
  mlir::Value squeeze(mlir::Value input, llvm::ArrayRef<int64_t> axes);
  mlir::FailureOr<mlir::Value>
  broadcastTo(mlir::Value input, llvm::ArrayRef<mlir::OpFoldResult> dims);
  mlir::Value slice(mlir::Value input,
                    llvm::ArrayRef<mlir::OpFoldResult> offsets,
                    llvm::ArrayRef<mlir::OpFoldResult> sizes,
                    llvm::ArrayRef<mlir::OpFoldResult> strides);
  /// A unit-stride slice of one axis.
  mlir::Value sliceAxis(mlir::Value input, int64_t axis,
                        mlir::OpFoldResult offset, mlir::OpFoldResult size);
  mlir::Value concat(llvm::ArrayRef<mlir::Value> inputs, int64_t axis);
  /// Writes `source` into `dest` at `offsets` with unit strides.
  mlir::Value insert(mlir::Value source, mlir::Value dest,
                     llvm::ArrayRef<mlir::OpFoldResult> offsets);
  mlir::Value pad(mlir::Value input, llvm::ArrayRef<mlir::OpFoldResult> low,
                  llvm::ArrayRef<mlir::OpFoldResult> high, mlir::Value value);
  /// Refines or forgets static sizes.
  mlir::Value castShape(mlir::Value input, mlir::RankedTensorType type);

  // Element types.
  // -------------------------------------------------------------
  /// ONNX Cast on one scalar: float to integer truncates, anything to i1 is
  /// "!= 0". Signedness concerns integers on either side.
  mlir::Value castScalar(mlir::Value scalar, mlir::Type to,
                         bool fromUnsigned = false, bool toUnsigned = false);
  mlir::FailureOr<mlir::Value> castTo(mlir::Value tensor, mlir::Type to,
                                      bool fromUnsigned = false,
                                      bool toUnsigned = false);

  // Compile-time knowledge.
  // ------------------------------------------------------
  /// Elements of a tiny tensor as scalar values: constants, from_elements, and
  /// (with `extract`) any small static tensor by tensor.extract.
  std::optional<llvm::SmallVector<mlir::Value>> scalars(mlir::Value tensor,
                                                        bool extract = false);
  /// Integer (or bool) elements where all are known at compile time.
  std::optional<llvm::SmallVector<int64_t>> constantInts(mlir::Value tensor);
  std::optional<llvm::SmallVector<double>> constantFloats(mlir::Value tensor);
  /// Elements of a 1-D (or rank 0) integer tensor as dimensions; extracts them
  /// where they are only known at run time. Nothing where the tensor's own
  /// length is dynamic or over 256.
  std::optional<Dims> dimsFrom(mlir::Value tensor);

  /// Evaluation at import stays in proportion to the constants of the model:
  /// takes `work`, about a byte of results each, and says whether it was left.
  bool spend(int64_t work);
  void grant(int64_t work);

  /// A function-level constant (shared).
  mlir::Value sharedConstant(mlir::TypedAttr attr);
  /// Where shared constants go: the entry block of @main.
  mlir::Block *constantBlock = nullptr;
  /// Sets the insertion point where `value` is defined and all shared constants
  /// so far are, too.
  void setInsertionPointAfterDefinition(mlir::Value value);

  /// The value or type itself; raises an error where there is none.
  mlir::Value given(mlir::Value value);
  mlir::Type given(mlir::Type type);

private:
  /// Raises an error unless each is a dimension of `tensor`.
  void checkAxes(mlir::Value tensor, llvm::ArrayRef<int64_t> axes);
  /// Raises an error unless there is one of `count` for each dimension.
  void checkRank(mlir::Value tensor, size_t count);
  /// Raises an error where a box known at compile time leaves `tensor`.
  void checkBox(mlir::Value tensor, llvm::ArrayRef<mlir::OpFoldResult> offsets,
                llvm::ArrayRef<mlir::OpFoldResult> sizes,
                llvm::ArrayRef<mlir::OpFoldResult> strides);
  /// Raises an error unless each tensor has as many dimensions as its map.
  void checkMaps(llvm::ArrayRef<mlir::Value> tensors,
                 llvm::ArrayRef<mlir::AffineMap> maps);

  bool failedBefore = false;
  int64_t workLeft = int64_t(1) << 29;
  mlir::Operation *lastConstant = nullptr;
  mlir::FailureOr<mlir::Value> alignForBroadcast(mlir::Value input,
                                                 const Dims &to);

  llvm::DenseMap<std::pair<mlir::Value, int64_t>, mlir::Value> dimCache;
  llvm::DenseMap<mlir::Attribute, mlir::Value> constantCache;
  llvm::DenseMap<std::pair<mlir::Value, int64_t>, mlir::Value> elementCache;
};

/// Most elements a tensor may have to be evaluated element by element.
inline constexpr int64_t maxScalarElements = 256;

} // namespace fovea::frontend

#endif // FOVEA_LIB_IMPORT_ONNX_TENSORBUILDER_H
