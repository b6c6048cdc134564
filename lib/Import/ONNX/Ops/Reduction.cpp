//===- Reduction.cpp - ONNX reductions ------------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arith.h"
#include "Families.h"
#include "RuntimeAxes.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace fovea::frontend;
using namespace fovea::frontend::element;

namespace {

enum class Combine { Sum, Prod, Max, Min };

/// How a Reduce op works: what is done to each element, how elements combine,
/// and what is done to the result.
struct Reduction {
  Combine combine = Combine::Sum;
  bool squares = false, absolutes = false;
  bool mean = false, root = false, log = false;
};

} // namespace

/// Binds what `reduce` gives for the axes of the node: an attribute, an input,
/// or all of them.
static LogicalResult
alongAxes(NodeImporter &n,
          function_ref<FailureOr<Value>(ArrayRef<int64_t>)> reduce) {
  SmallVector<int64_t> all = llvm::to_vector(llvm::seq<int64_t>(0, n.rank(0)));
  auto choose = [&](ArrayRef<int64_t> axes) -> FailureOr<Value> {
    if (axes.empty() && !n.attrInt("noop_with_empty_axes", 0))
      return reduce(all);
    return reduce(axes);
  };
  if (n.input(1))
    return n.bindOutput(0, withAxes(n, 1, n.rank(0), choose), n.dtype(0));
  SmallVector<int64_t> axes;
  if (auto given = n.attrInts("axes")) {
    auto normalized = n.normalizeAxes(*given, n.rank(0));
    if (failed(normalized))
      return failure();
    axes = *normalized;
    llvm::sort(axes);
  }
  return n.bindOutput(0, choose(axes), n.dtype(0));
}

static Value initialValue(TensorBuilder &b, Combine combine, Type type,
                          bool isUnsigned) {
  switch (combine) {
  case Combine::Sum:
    return b.scalar(type, 0);
  case Combine::Prod:
    return b.scalar(type, 1);
  case Combine::Max:
    return lowest(b, type, isUnsigned);
  case Combine::Min:
    return highest(b, type, isUnsigned);
  }
  llvm_unreachable("all combinations are covered");
}

static Value combineElements(TensorBuilder &b, Combine combine, Value x,
                             Value y, bool isUnsigned) {
  switch (combine) {
  case Combine::Sum:
    return element::add(b, y, x);
  case Combine::Prod:
    return element::mul(b, y, x);
  case Combine::Max:
    return element::max(b, y, x, isUnsigned);
  case Combine::Min:
    return element::min(b, y, x, isUnsigned);
  }
  llvm_unreachable("all combinations are covered");
}

static Value prepare(TensorBuilder &b, const Reduction &how, Value x, Type sum,
                     bool isUnsigned) {
  x = b.castScalar(x, sum, isUnsigned, isUnsigned);
  if (how.absolutes)
    x = element::abs(b, x, isUnsigned);
  return how.squares ? mul(b, x, x) : x;
}

/// What follows the reduction; null where nothing does.
static FailureOr<Value> finish(NodeImporter &n, const Reduction &how,
                               Value result, ArrayRef<int64_t> axes) {
  TensorBuilder &b = n.b();
  Type type = b.elementType(n.input(0)), sum = b.elementType(result);
  if (!how.mean && !how.root && !how.log)
    return b.castTo(result, type);
  Value count = how.mean ? b.countAlong(n.input(0), axes, sum) : Value();
  bool isUnsigned = n.isUnsigned(0);
  return b.elementwise({result}, type, [&](TensorBuilder &b, ValueRange args) {
    Value x = args[0];
    if (how.mean)
      x = element::div(b, x, count, isUnsigned);
    Value f = isFloat(x) ? x : b.castScalar(x, b.getF64Type(), isUnsigned);
    if (how.root)
      f = b.createOrFold<math::SqrtOp>(f);
    if (how.log)
      f = b.createOrFold<math::LogOp>(f);
    return b.castScalar(how.root || how.log ? f : x, type, isUnsigned,
                        isUnsigned);
  });
}

/// Reduces a tiny tensor of known scalars in place.
static Value reduceScalars(NodeImporter &n, const Reduction &how,
                           ArrayRef<Value> elements, bool keepDims) {
  TensorBuilder &b = n.b();
  Type type = b.elementType(n.input(0));
  bool isUnsigned = n.isUnsigned(0);
  Value result = initialValue(b, how.combine, type, isUnsigned);
  for (Value element : elements)
    result = combineElements(b, how.combine,
                             prepare(b, how, element, type, isUnsigned), result,
                             isUnsigned);
  SmallVector<int64_t> sizes(keepDims ? n.rank(0) : 0, 1);
  return b.fromScalars({result}, RankedTensorType::get(sizes, type));
}

static FailureOr<Value> reduceAlong(NodeImporter &n, const Reduction &how,
                                    ArrayRef<int64_t> axes) {
  TensorBuilder &b = n.b();
  Value input = n.input(0);
  Type type = b.elementType(input);
  bool keepDims = n.attrInt("keepdims", 1);
  bool isUnsigned = n.isUnsigned(0);
  bool plain = !how.mean && !how.root && !how.log;
  if (isa<IntegerType>(type) && plain && int64_t(axes.size()) == n.rank(0))
    if (auto elements = b.scalars(input))
      return reduceScalars(n, how, *elements, keepDims);
  // Sums of narrow floats are taken in f32.
  Type sum = mathType(type);
  Value result;
  if (axes.empty()) {
    auto same =
        b.elementwise({input}, sum, [&](TensorBuilder &b, ValueRange args) {
          return prepare(b, how, args[0], sum, isUnsigned);
        });
    if (failed(same))
      return failure();
    result = *same;
  } else {
    Value init = initialValue(b, how.combine, sum, isUnsigned);
    result = b.reduce(input, axes, /*keepDims=*/false, init,
                      [&](TensorBuilder &b, ValueRange args) {
                        Value x = prepare(b, how, args[0], sum, isUnsigned);
                        return combineElements(b, how.combine, x, args[1],
                                               isUnsigned);
                      });
  }
  auto finished = finish(n, how, result, axes);
  if (failed(finished) || !keepDims)
    return finished;
  return b.unsqueeze(*finished, axes);
}

static LogicalResult importReduction(NodeImporter &n, const Reduction &how) {
  return alongAxes(
      n, [&](ArrayRef<int64_t> axes) { return reduceAlong(n, how, axes); });
}

template <Combine combine> static LogicalResult importPlain(NodeImporter &n) {
  return importReduction(n, {combine});
}

static LogicalResult importMean(NodeImporter &n) {
  Reduction how;
  how.mean = true;
  return importReduction(n, how);
}

static LogicalResult importL1(NodeImporter &n) {
  Reduction how;
  how.absolutes = true;
  return importReduction(n, how);
}

static LogicalResult importL2(NodeImporter &n) {
  Reduction how;
  how.squares = how.root = true;
  return importReduction(n, how);
}

static LogicalResult importSumSquare(NodeImporter &n) {
  Reduction how;
  how.squares = true;
  return importReduction(n, how);
}

static LogicalResult importLogSum(NodeImporter &n) {
  Reduction how;
  how.log = true;
  return importReduction(n, how);
}

/// log(sum(exp(x))), taken relative to the maximum so that nothing overflows.
static FailureOr<Value> logSumExp(NodeImporter &n, ArrayRef<int64_t> axes) {
  TensorBuilder &b = n.b();
  Value input = n.input(0);
  Type type = b.elementType(input), sum = mathType(type);
  if (axes.empty())
    return input;
  Value top =
      b.reduce(input, axes, /*keepDims=*/true, lowest(b, sum),
               [&](TensorBuilder &b, ValueRange args) {
                 return element::max(b, args[1], b.castScalar(args[0], sum));
               });
  // An infinite maximum cannot be subtracted.
  auto shift = b.elementwise({top}, sum, [](TensorBuilder &b, ValueRange args) {
    Type type = args[0].getType();
    Value infinite =
        compare(b, Relation::Equal, b.createOrFold<math::AbsFOp>(args[0]),
                highest(b, type));
    return element::select(b, infinite, b.scalar(type, 0), args[0]);
  });
  auto powers = b.elementwise(
      {input, *shift}, sum, [&](TensorBuilder &b, ValueRange args) -> Value {
        Value x = element::sub(b, b.castScalar(args[0], sum), args[1]);
        return b.createOrFold<math::ExpOp>(x);
      });
  if (failed(powers))
    return failure();
  Value total = b.reduce(*powers, axes, /*keepDims=*/true, b.scalar(sum, 0),
                         [](TensorBuilder &b, ValueRange args) {
                           return element::add(b, args[1], args[0]);
                         });
  auto result = b.elementwise(
      {total, *shift}, type, [&](TensorBuilder &b, ValueRange args) {
        Value log = b.createOrFold<math::LogOp>(args[0]);
        return b.castScalar(element::add(b, log, args[1]), type);
      });
  if (failed(result) || n.attrInt("keepdims", 1))
    return result;
  return b.squeeze(*result, axes);
}

static LogicalResult importLogSumExp(NodeImporter &n) {
  if (!isa<FloatType>(n.b().elementType(n.input(0))))
    return n.fail("integer inputs are not supported");
  return alongAxes(n,
                   [&](ArrayRef<int64_t> axes) { return logSumExp(n, axes); });
}

//===----------------------------------------------------------------------===//
// ArgMax, ArgMin
//===----------------------------------------------------------------------===//

/// True where `x` replaces the best element so far. The first NaN wins.
static Value isBetter(TensorBuilder &b, Value x, Value best, bool isMax,
                      bool takesLast, bool isUnsigned) {
  if (!isFloat(x)) {
    Relation relation =
        isMax ? (takesLast ? Relation::GreaterOrEqual : Relation::Greater)
              : (takesLast ? Relation::LessOrEqual : Relation::Less);
    return compare(b, relation, x, best, isUnsigned);
  }
  using P = arith::CmpFPredicate;
  P predicate =
      isMax ? (takesLast ? P::UGE : P::UGT) : (takesLast ? P::ULE : P::ULT);
  Value better = b.createOrFold<arith::CmpFOp>(predicate, x, best);
  Value known = b.createOrFold<arith::CmpFOp>(P::ORD, best, best);
  return b.createOrFold<arith::AndIOp>(better, known);
}

template <bool isMax> static LogicalResult importArg(NodeImporter &n) {
  TensorBuilder &b = n.b();
  Value input = n.input(0);
  int64_t rank = n.rank(0);
  auto axis = n.attrAxis("axis", 0, rank);
  if (failed(axis))
    return failure();
  bool takesLast = n.attrInt("select_last_index", 0);
  bool isUnsigned = n.isUnsigned(0);
  Type type = b.elementType(input), i64 = b.getI64Type();
  Dims kept;
  SmallVector<AffineExpr> exprs;
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  iterators[*axis] = utils::IteratorType::reduction;
  for (int64_t i = 0; i < rank; ++i)
    if (i != *axis) {
      kept.push_back(b.dim(input, i));
      exprs.push_back(b.getAffineDimExpr(i));
    }
  Value worst =
      isMax ? lowest(b, type, isUnsigned) : highest(b, type, isUnsigned);
  Value values = b.fill(worst, kept);
  Value positions = b.fill(b.scalar(i64, 0), kept);
  AffineMap map = AffineMap::get(rank, 0, exprs, b.getContext());
  auto op = linalg::GenericOp::create(
      b, TypeRange{values.getType(), positions.getType()}, input,
      ValueRange{values, positions},
      ArrayRef<AffineMap>{b.getMultiDimIdentityMap(rank), map, map}, iterators,
      [&](OpBuilder &nested, Location /*loc*/, ValueRange args) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPoint(nested.getInsertionBlock(),
                            nested.getInsertionPoint());
        Value better =
            isBetter(b, args[0], args[1], isMax, takesLast, isUnsigned);
        Value at = b.castScalar(linalg::IndexOp::create(b, *axis), i64);
        Value value = element::select(b, better, args[0], args[1]);
        Value position = element::select(b, better, at, args[2]);
        linalg::YieldOp::create(b, ValueRange{value, position});
      });
  Value result = op.getResult(1);
  if (n.attrInt("keepdims", 1))
    result = b.unsqueeze(result, {*axis});
  return n.bindOutput(0, result, onnx::TensorProto::INT64);
}

//===----------------------------------------------------------------------===//
// Running sums
//===----------------------------------------------------------------------===//

/// Adds (or multiplies) row after row along the axis.
static FailureOr<Value> accumulate(NodeImporter &n, Combine combine,
                                   int64_t axis) {
  TensorBuilder &b = n.b();
  Value input = n.input(0);
  bool exclusive = n.attrInt("exclusive", 0), reverse = n.attrInt("reverse", 0);
  bool isUnsigned = n.isUnsigned(0);
  Type type = b.elementType(input);
  Dims dims = b.shape(input), row = dims;
  row[axis] = b.attr(1);
  Value size = b.toValue(dims[axis]);
  Value running = b.fill(initialValue(b, combine, type, isUnsigned), row);
  Value result = b.empty(dims, type);
  auto loop = scf::ForOp::create(b, b.index(0), size, b.index(1),
                                 ValueRange{result, running});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value step = loop.getInductionVar();
  if (reverse)
    step = b.createOrFold<arith::SubIOp>(
        b.createOrFold<arith::SubIOp>(size, b.index(1)), step);
  Dims offsets(dims.size(), b.attr(0)), strides(dims.size(), b.attr(1));
  // Names the sizes of the carried row, which its type may not hold.
  Value sofar = tensor::ExtractSliceOp::create(b, loop.getRegionIterArgs()[1],
                                               offsets, row, strides);
  Value current = b.sliceAxis(input, axis, step, b.attr(1));
  auto next = b.elementwise(
      {current, sofar}, type, [&](TensorBuilder &b, ValueRange args) {
        return combineElements(b, combine, args[0], args[1], isUnsigned);
      });
  if (failed(next))
    return failure();
  offsets[axis] = step;
  Value written = tensor::InsertSliceOp::create(b, exclusive ? sofar : *next,
                                                loop.getRegionIterArgs()[0],
                                                offsets, row, strides);
  scf::YieldOp::create(b, ValueRange{written, *next});
  return loop.getResult(0);
}

static LogicalResult importCumulative(NodeImporter &n, Combine combine) {
  auto build = [&](ArrayRef<int64_t> axes) -> FailureOr<Value> {
    if (axes.size() != 1)
      return n.fail("'axis' has to be one number");
    return accumulate(n, combine, axes[0]);
  };
  return n.bindOutput(0, withAxes(n, 1, n.rank(0), build), n.dtype(0));
}

static LogicalResult importCumSum(NodeImporter &n) {
  return importCumulative(n, Combine::Sum);
}

static LogicalResult importCumProd(NodeImporter &n) {
  return importCumulative(n, Combine::Prod);
}

void fovea::frontend::registerReductionOps(OpRegistry &registry) {
  registry.add("ReduceSum", importPlain<Combine::Sum>);
  registry.add("ReduceProd", importPlain<Combine::Prod>);
  registry.add("ReduceMax", importPlain<Combine::Max>);
  registry.add("ReduceMin", importPlain<Combine::Min>);
  registry.add("ReduceMean", importMean);
  registry.add("ReduceL1", importL1);
  registry.add("ReduceL2", importL2);
  registry.add("ReduceSumSquare", importSumSquare);
  registry.add("ReduceLogSum", importLogSum);
  registry.add("ReduceLogSumExp", importLogSumExp);
  registry.add("ArgMax", importArg<true>);
  registry.add("ArgMin", importArg<false>);
  registry.add("CumSum", importCumSum);
  registry.add("CumProd", importCumProd);
}
