//===- ViewTrace.cpp - Tensors as views over an iteration space -----------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/passes/Recognize/ViewTrace.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace fovea;

DimSize fovea::sizeOfAxis(Value value, unsigned axis) {
  DimSize size;
  size.constant = cast<RankedTensorType>(value.getType()).getDimSize(axis);
  size.value = value;
  size.axis = axis;
  return size;
}

unsigned IterationSpace::addDim(Value value, unsigned axis) {
  Dim dim;
  dim.size = sizeOfAxis(value, axis);
  dims.push_back(dim);
  return dims.size() - 1;
}

AxisDims IterationSpace::leaves(ArrayRef<unsigned> axis) const {
  AxisDims result;
  for (unsigned dim : axis) {
    if (dims[dim].parts.empty())
      result.push_back(dim);
    else
      llvm::append_range(result, leaves(dims[dim].parts));
  }
  return result;
}

AxisDims IterationSpace::merged(ArrayRef<unsigned> axis) const {
  AxisDims list = leaves(axis), result;
  for (unsigned i = 0; i < list.size();) {
    unsigned whole = root(list[i]);
    AxisDims parts = leaves({whole});
    bool isWhole = isPartOfWhole(list[i]) &&
                   ArrayRef<unsigned>(list).drop_front(i).take_front(
                       parts.size()) == ArrayRef<unsigned>(parts);
    result.push_back(isWhole ? whole : list[i]);
    i += isWhole ? parts.size() : 1;
  }
  return result;
}

unsigned IterationSpace::root(unsigned dim) const {
  while (dims[dim].parent != ~0u)
    dim = dims[dim].parent;
  return dim;
}

bool IterationSpace::mayBeSplit(unsigned dim, bool required) const {
  // What is repeated is smaller on the other side of the repetition.
  if (dims[dim].isRepeated)
    return false;
  return required || !dims[root(dim)].isProtected;
}

AxisDims IterationSpace::split(unsigned dim, ArrayRef<DimSize> sizes) {
  AxisDims parts;
  for (const DimSize &size : sizes) {
    Dim part;
    part.size = size;
    part.parent = dim;
    parts.push_back(dims.size());
    dims.push_back(part);
  }
  dims[dim].parts = parts;
  return parts;
}

/// Whether the two sizes are equal beyond doubt.
static bool sameSize(const DimSize &a, const DimSize &b) {
  if (a.isStatic() || b.isStatic())
    return a.constant == b.constant;
  return a.value == b.value && a.axis == b.axis;
}

namespace {
/// The state of one partition: what is left of the list and of the sizes.
/// Static sizes are matched from the right, then from the left; what remains
/// in the middle belongs to the last size.
class Partition {
public:
  Partition(ArrayRef<unsigned> list, ArrayRef<DimSize> sizes)
      : list(list), sizes(sizes), pieces(sizes.size()), right(sizes.size()) {}

  AxisDims list;
  ArrayRef<DimSize> sizes;
  SmallVector<AxisDims> pieces;
  unsigned left = 0, right;
};
} // namespace

/// Take dimensions of a static size off one end of `p.list`. `splitAt(dim,
/// need)` splits a dimension so that the part at that end has size `need`, or
/// fails.
template <typename SplitFn>
static LogicalResult takeStatic(Partition &p, bool fromRight,
                                const IterationSpace &space, SplitFn splitAt) {
  unsigned position = fromRight ? p.right - 1 : p.left;
  int64_t need = p.sizes[position].constant;
  AxisDims piece;
  while (need != 1) {
    if (p.list.empty() || need == 0)
      return failure();
    unsigned dim = fromRight ? p.list.back() : p.list.front();
    int64_t extent = space.size(dim).constant;
    if (ShapedType::isDynamic(extent) || extent == 0 || need % extent != 0) {
      FailureOr<std::pair<unsigned, unsigned>> parts = splitAt(dim, need);
      if (failed(parts))
        return failure();
      // The list holds (outer, inner) in place of the dimension.
      if (fromRight) {
        p.list.back() = parts->first;
        p.list.push_back(parts->second);
      } else {
        p.list.front() = parts->second;
        p.list.insert(p.list.begin(), parts->first);
      }
      continue;
    }
    need /= extent;
    if (fromRight) {
      piece.insert(piece.begin(), dim);
      p.list.pop_back();
    } else {
      piece.push_back(dim);
      p.list.erase(p.list.begin());
    }
  }
  p.pieces[position] = piece;
  fromRight ? --p.right : ++p.left;
  return success();
}

FailureOr<SmallVector<AxisDims>>
IterationSpace::partition(ArrayRef<unsigned> list, ArrayRef<DimSize> sizes,
                          bool required) {
  Partition p(leaves(list), sizes);
  if (sizes.empty())
    return p.list.empty() ? FailureOr<SmallVector<AxisDims>>(p.pieces)
                          : FailureOr<SmallVector<AxisDims>>(failure());
  while (p.right - p.left > 1) {
    // One dimension against several sizes: they are its parts, whatever their
    // run-time values are.
    if (p.list.size() == 1 && mayBeSplit(p.list[0], required) &&
        !llvm::any_of(sizes.slice(p.left, p.right - p.left),
                      [](const DimSize &s) { return s.constant == 1; })) {
      AxisDims parts = split(p.list[0], sizes.slice(p.left, p.right - p.left));
      for (auto [index, part] : llvm::enumerate(parts))
        p.pieces[p.left + index] = {part};
      return p.pieces;
    }
    bool fromRight = sizes[p.right - 1].isStatic();
    if (fromRight || sizes[p.left].isStatic()) {
      auto splitAt =
          [&](unsigned dim,
              int64_t need) -> FailureOr<std::pair<unsigned, unsigned>> {
        int64_t extent = dims[dim].size.constant;
        if (ShapedType::isDynamic(extent) || extent == 0 ||
            extent % need != 0 || !mayBeSplit(dim, required))
          return failure();
        DimSize end, rest;
        end.constant = need;
        rest.constant = extent / need;
        SmallVector<DimSize, 2> order = {rest, end};
        if (!fromRight)
          std::swap(order[0], order[1]);
        AxisDims parts = split(dim, order);
        return std::make_pair(parts[0], parts[1]);
      };
      if (failed(takeStatic(p, fromRight, *this, splitAt)))
        return failure();
      continue;
    }
    if (p.list.empty() ||
        !sameSize(dims[p.list.back()].size, sizes[p.right - 1]))
      return failure();
    p.pieces[--p.right] = {p.list.pop_back_val()};
  }
  // The product over all pieces is the same on both sides, so what is left
  // belongs to the last size.
  if (p.right - p.left == 1)
    p.pieces[p.left] = p.list;
  return p.pieces;
}

bool fovea::isPureCopy(linalg::LinalgOp op) {
  if (op.getNumDpsInputs() != 1 || op.getNumDpsInits() != 1 ||
      op->getNumResults() != 1 ||
      op.getNumParallelLoops() != op.getNumLoops() ||
      !isa<RankedTensorType>(op.getDpsInputOperand(0)->get().getType()))
    return false;
  if (!op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isPermutation())
    return false;
  Block *body = op.getBlock();
  auto yield = dyn_cast<linalg::YieldOp>(body->getTerminator());
  if (!yield || yield.getNumOperands() != 1 ||
      yield.getOperand(0) != body->getArgument(0))
    return false;
  AffineMap map = op.getMatchingIndexingMap(op.getDpsInputOperand(0));
  return llvm::all_of(map.getResults(), [](AffineExpr expr) {
    auto constant = dyn_cast<AffineConstantExpr>(expr);
    return isa<AffineDimExpr>(expr) || (constant && constant.getValue() == 0);
  });
}

Value fovea::viewSource(Value value) {
  Operation *op = value.getDefiningOp();
  if (isa_and_nonnull<scf::IfOp>(op)) {
    std::optional<BranchRepeat> repeat = matchRepeat(value);
    return repeat ? repeat->source : Value();
  }
  if (auto cast = dyn_cast_or_null<tensor::CastOp>(op))
    return isa<RankedTensorType>(cast.getSource().getType()) ? cast.getSource()
                                                             : Value();
  if (auto expand = dyn_cast_or_null<tensor::ExpandShapeOp>(op))
    return expand.getSrc();
  if (auto collapse = dyn_cast_or_null<tensor::CollapseShapeOp>(op))
    return collapse.getSrc();
  if (auto generic = dyn_cast_or_null<linalg::LinalgOp>(op))
    if (isPureCopy(generic))
      return generic.getDpsInputOperand(0)->get();
  return Value();
}

bool fovea::isViewOfAnother(Value value) {
  return viewSource(value) != Value();
}

/// Through a linalg operation that copies: the lists of the loops, read by
/// the input's map.
static SmallVector<AxisDims> axesThroughCopy(linalg::LinalgOp op,
                                             ArrayRef<AxisDims> axes) {
  AffineMap out = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  AffineMap in = op.getMatchingIndexingMap(op.getDpsInputOperand(0));
  SmallVector<AxisDims> loops(op.getNumLoops());
  for (auto [position, expr] : llvm::enumerate(out.getResults()))
    loops[cast<AffineDimExpr>(expr).getPosition()] = axes[position];
  SmallVector<AxisDims> result;
  for (AffineExpr expr : in.getResults()) {
    auto dim = dyn_cast<AffineDimExpr>(expr);
    result.push_back(dim ? loops[dim.getPosition()] : AxisDims());
  }
  return result;
}

bool IterationSpace::stepThroughBranch(View &view) {
  std::optional<BranchRepeat> found = matchRepeat(view.value);
  Repeat repeat;
  repeat.branch = view.value.getDefiningOp<scf::IfOp>().getCondition();
  for (auto [axis, oneSize, size] :
       llvm::zip(view.axes, found->oneSize, found->sizes)) {
    AxisDims list = leaves(axis);
    if (list.size() != 1 || root(list[0]) != list[0]) {
      // Parts of an axis have no size of their own before the repetition.
      if (oneSize)
        return false;
      for (unsigned dim : list)
        repeat.axes.push_back({dim, {}, {}});
      continue;
    }
    repeat.axes.push_back({list[0], oneSize, size});
  }
  for (const Repeat::Axis &axis : repeat.axes)
    if (axis.oneSize && !dims[axis.dim].isRepeated) {
      // The first repetition seen from the space gives the full size.
      dims[axis.dim].isRepeated = true;
      if (auto value = dyn_cast<Value>(axis.size))
        dims[axis.dim].size.value = value;
    }
  // One branch reached twice is one repetition.
  auto known = llvm::find_if(repeats, [&](const Repeat &other) {
    return other.branch == repeat.branch &&
           llvm::equal(other.axes, repeat.axes,
                       [](const Repeat::Axis &a, const Repeat::Axis &b) {
                         return a.dim == b.dim && a.oneSize == b.oneSize;
                       });
  });
  view.repeats.push_back(known - repeats.begin());
  if (known == repeats.end())
    repeats.push_back(repeat);
  view.value = found->source;
  return true;
}

bool IterationSpace::stepToSource(View &view, bool required) {
  Value source = viewSource(view.value);
  if (!source)
    return false;
  Operation *op = view.value.getDefiningOp();
  if (isa<scf::IfOp>(op))
    return stepThroughBranch(view);
  if (isa<tensor::CastOp>(op)) {
    view.value = source;
    return true;
  }
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op)) {
    SmallVector<AxisDims> axes;
    for (const ReassociationIndices &group : expand.getReassociationIndices()) {
      AxisDims axis;
      for (int64_t position : group)
        llvm::append_range(axis, view.axes[position]);
      axes.push_back(axis);
    }
    view.value = source;
    view.axes = axes;
    return true;
  }
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
    unsigned rank = collapse.getSrcType().getRank();
    SmallVector<AxisDims> axes(rank);
    for (auto [position, group] :
         llvm::enumerate(collapse.getReassociationIndices())) {
      SmallVector<DimSize> sizes;
      for (int64_t axis : group)
        sizes.push_back(sizeOfAxis(source, axis));
      FailureOr<SmallVector<AxisDims>> pieces =
          partition(view.axes[position], sizes, required);
      if (failed(pieces))
        return false;
      for (auto [axis, piece] : llvm::zip(group, *pieces))
        axes[axis] = piece;
    }
    view.value = source;
    view.axes = axes;
    return true;
  }
  view.axes = axesThroughCopy(cast<linalg::LinalgOp>(op), view.axes);
  view.value = source;
  return true;
}

/// The sizes of the axes `group` of the result of `expand`.
static SmallVector<DimSize> resultSizes(tensor::ExpandShapeOp expand,
                                        ArrayRef<int64_t> group) {
  SmallVector<OpFoldResult> shape = expand.getMixedOutputShape();
  SmallVector<DimSize> sizes;
  for (int64_t axis : group) {
    DimSize size;
    size.constant = expand.getResultType().getDimSize(axis);
    if (auto value = dyn_cast<Value>(shape[axis]))
      size.value = value;
    sizes.push_back(size);
  }
  return sizes;
}

bool IterationSpace::stepToUser(View &view, Operation *user) {
  if (isa<tensor::CastOp>(user)) {
    if (!isa<RankedTensorType>(user->getResult(0).getType()))
      return false;
    view.value = user->getResult(0);
    return true;
  }
  SmallVector<AxisDims> axes;
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(user)) {
    if (expand.getSrc() != view.value)
      return false;
    for (auto [position, group] :
         llvm::enumerate(expand.getReassociationIndices())) {
      FailureOr<SmallVector<AxisDims>> pieces = partition(
          view.axes[position], resultSizes(expand, group), /*required=*/false);
      if (failed(pieces))
        return false;
      llvm::append_range(axes, *pieces);
    }
  } else if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(user)) {
    for (const ReassociationIndices &group :
         collapse.getReassociationIndices()) {
      axes.emplace_back();
      for (int64_t axis : group)
        llvm::append_range(axes.back(), view.axes[axis]);
    }
  } else {
    auto copy = dyn_cast<linalg::LinalgOp>(user);
    if (!copy || !isPureCopy(copy) ||
        copy.getDpsInputOperand(0)->get() != view.value)
      return false;
    AffineMap in = copy.getMatchingIndexingMap(copy.getDpsInputOperand(0));
    AffineMap out = copy.getMatchingIndexingMap(copy.getDpsInitOperand(0));
    if (!in.isPermutation())
      return false;
    SmallVector<AxisDims> loops(copy.getNumLoops());
    for (auto [position, expr] : llvm::enumerate(in.getResults()))
      loops[cast<AffineDimExpr>(expr).getPosition()] = view.axes[position];
    for (AffineExpr expr : out.getResults())
      axes.push_back(loops[cast<AffineDimExpr>(expr).getPosition()]);
  }
  view = {user->getResult(0), axes};
  return true;
}
