//===- TreeEnsemble.cpp - Decision trees of ai.onnx.ml --------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Checks.h"
#include "../ConstantElements.h"
#include "../ScalarCode.h"
#include "Families.h"

#include <cmath>

using namespace mlir;
using namespace fovea::frontend;

namespace {

/// Trees as tables: where a row goes from each node. Every row finds its leaf
/// of each tree; then the leaves of one target are put together.
struct TreeEnsemble {
  NodeImporter &node;
  TensorBuilder &b;

  explicit TreeEnsemble(NodeImporter &node) : node(node), b(node.b()) {}
  LogicalResult read();
  Value build();

private:
  /// All comparisons are one of three; the others swap the ways.
  enum Test : int64_t { AtMost, Below, Same };
  struct Node {
    Test test;
    double split;
    int64_t feature;
    /// The next node; leaf i is -1 - i.
    int64_t yes, no, onNaN;
  };
  struct Attributes {
    SmallVector<int64_t> features, yes, no, yesIsLeaf, noIsLeaf, tracks, roots;
    SmallVector<double> splits, modes, members;
  };
  LogicalResult readAttributes(Attributes &all);
  LogicalResult readNode(const Attributes &all, size_t i, size_t &member);
  LogicalResult readRoots(const Attributes &all);
  LogicalResult checkTrees();
  Value findLeaves();
  FailureOr<SmallVector<double>> tensorAttr(StringRef name);
  Value table(ArrayRef<double> values);
  Value column(function_ref<int64_t(const Node &)> get);

  std::vector<Node> nodes;
  SmallVector<int64_t> roots, targets;
  SmallVector<double> weights;
  int64_t outputs = 0, combine = 1, features = 0;
  Type type;
};

} // namespace

/// The numbers of a tensor attribute; none where it is absent.
FailureOr<SmallVector<double>> TreeEnsemble::tensorAttr(StringRef name) {
  SmallVector<double> result;
  const onnx::TensorProto *tensor = node.attrTensor(name);
  if (!tensor)
    return result;
  auto constant = node.importer().constant(*tensor, name);
  if (failed(constant))
    return failure();
  auto elements = constantElements(constant->value);
  if (!elements || isCarriedAsBits(elements->type.getElementType()))
    return node.fail("the attribute " + name +
                     " has a type that is not "
                     "supported");
  bool isFloat = isa<FloatType>(elements->type.getElementType());
  for (int64_t i = 0; i < elements->type.getNumElements(); ++i) {
    ConstantSlot slot = elements->read(i);
    result.push_back(isFloat ? slot.f : static_cast<double>(slot.i));
  }
  return result;
}

LogicalResult TreeEnsemble::readAttributes(Attributes &all) {
  auto ints = [&](StringRef name) {
    return node.attrInts(name).value_or(SmallVector<int64_t>());
  };
  all.features = ints("nodes_featureids");
  all.yes = ints("nodes_truenodeids");
  all.no = ints("nodes_falsenodeids");
  all.yesIsLeaf = ints("nodes_trueleafs");
  all.noIsLeaf = ints("nodes_falseleafs");
  all.tracks = ints("nodes_missing_value_tracks_true");
  all.roots = ints("tree_roots");
  targets = ints("leaf_targetids");
  auto splits = tensorAttr("nodes_splits"), modes = tensorAttr("nodes_modes"),
       members = tensorAttr("membership_values"),
       leaves = tensorAttr("leaf_weights");
  if (failed(splits) || failed(modes) || failed(members) || failed(leaves))
    return failure();
  all.splits = *splits;
  all.modes = *modes;
  all.members = *members;
  weights = *leaves;
  size_t count = all.features.size();
  for (size_t size : {all.yes.size(), all.no.size(), all.yesIsLeaf.size(),
                      all.noIsLeaf.size(), all.splits.size(), all.modes.size()})
    if (size != count)
      return node.fail("the attributes of the nodes differ in length");
  if ((!all.tracks.empty() && all.tracks.size() != count) ||
      targets.size() != weights.size() || all.roots.empty())
    return node.fail("the attributes of nodes, leaves and roots do not fit");
  return success();
}

/// Appends what is needed for node `i`; nodes keep their numbers, and those
/// that are added come behind all of them.
LogicalResult TreeEnsemble::readNode(const Attributes &all, size_t i,
                                     size_t &member) {
  int64_t count = all.features.size(), leaves = weights.size();
  auto way = [&](int64_t to, bool isLeaf) {
    return to < 0 || to >= (isLeaf ? leaves : count) ? INT64_MIN
           : isLeaf                                  ? -1 - to
                                                     : to;
  };
  int64_t yes = way(all.yes[i], all.yesIsLeaf[i] != 0),
          no = way(all.no[i], all.noIsLeaf[i] != 0);
  if (yes == INT64_MIN || no == INT64_MIN || all.features[i] < 0)
    return node.fail("node " + Twine(i) + " of the trees is out of range");
  features = std::max(features, all.features[i] + 1);
  bool tracks = !all.tracks.empty() && all.tracks[i] != 0;
  int64_t onNaN = tracks ? yes : no;
  auto set = [&](Test test, bool swap) {
    nodes[i] = {
        test, all.splits[i], all.features[i], swap ? no : yes, swap ? yes : no,
        onNaN};
  };
  auto mode = static_cast<int64_t>(all.modes[i]);
  if (mode < 6 && std::isnan(all.splits[i]))
    return node.fail("node " + Twine(i) + " compares with NaN");
  switch (mode) {
  case 0:
    set(AtMost, false);
    return success();
  case 1:
    set(Below, false);
    return success();
  case 2:
    set(Below, true);
    return success();
  case 3:
    set(AtMost, true);
    return success();
  case 4:
    set(Same, false);
    return success();
  case 5:
    // NaN differs from everything.
    set(Same, true);
    nodes[i].onNaN = yes;
    return success();
  case 6:
    break;
  default:
    return node.fail("nodes_modes has the unknown value " + Twine(mode));
  }
  // One of several values, up to the next NaN: a chain of comparisons.
  size_t at = i;
  nodes[i] = {Below, -INFINITY, all.features[i], no, no, onNaN};
  for (bool first = true;; first = false) {
    if (member >= all.members.size())
      return node.fail("membership_values end before the nodes do");
    double value = all.members[member++];
    if (std::isnan(value))
      return success();
    if (!first) {
      nodes[at].no = nodes.size();
      at = nodes.size();
      nodes.emplace_back();
    }
    nodes[at] = {Same, value, all.features[i], yes, no, onNaN};
  }
}

LogicalResult TreeEnsemble::readRoots(const Attributes &all) {
  int64_t count = all.features.size();
  for (int64_t root : all.roots) {
    if (root < 0 || root >= count)
      return node.fail("tree_roots are out of range");
    roots.push_back(root);
  }
  outputs = node.attrInt("n_targets", 1);
  if (outputs < 1 || outputs > (1 << 24))
    return node.fail("n_targets is out of range");
  for (int64_t target : targets)
    if (target < 0 || target >= outputs)
      return node.fail("leaf_targetids are out of range");
  combine = node.attrInt("aggregate_function", 1);
  if (combine < 0 || combine > 3)
    return node.fail("unknown aggregate_function " + Twine(combine));
  if (node.attrInt("post_transform", 0) != 0)
    return node.fail("a post_transform is not supported");
  return success();
}

/// A row follows no cycle: an edge to a node that is being visited closes one.
LogicalResult TreeEnsemble::checkTrees() {
  enum State : char { New, Open, Done };
  std::vector<State> states(nodes.size(), New);
  for (int64_t root : roots) {
    SmallVector<int64_t> stack = {root};
    while (!stack.empty()) {
      int64_t at = stack.back();
      if (states[at] != New) {
        states[at] = Done;
        stack.pop_back();
        continue;
      }
      states[at] = Open;
      for (int64_t next : {nodes[at].yes, nodes[at].no, nodes[at].onNaN}) {
        if (next < 0 || states[next] == Done)
          continue;
        if (states[next] == Open)
          return node.fail("the nodes of a tree form a cycle");
        stack.push_back(next);
      }
    }
  }
  return success();
}

LogicalResult TreeEnsemble::read() {
  type = b.elementType(node.input(0));
  if (failed(requireRank(node, 0, 2)))
    return failure();
  if (!isa<FloatType>(type))
    return node.fail("the input has to be floats");
  Attributes all;
  if (failed(readAttributes(all)) || failed(readRoots(all)))
    return failure();
  nodes.resize(all.features.size());
  size_t member = 0;
  for (size_t i = 0; i < all.features.size(); ++i)
    if (failed(readNode(all, i, member)))
      return failure();
  if (failed(checkTrees()))
    return failure();
  return requireAtMost(node, b.attr(features), b.dim(node.input(0), 1),
                       "features");
}

Value TreeEnsemble::table(ArrayRef<double> values) {
  SmallVector<Attribute> elements;
  for (double value : values)
    elements.push_back(b.getFloatAttr(type, value));
  return b.sharedConstant(DenseElementsAttr::get(
      RankedTensorType::get({static_cast<int64_t>(values.size())}, type),
      elements));
}

Value TreeEnsemble::column(function_ref<int64_t(const Node &)> get) {
  SmallVector<int64_t> values;
  for (const Node &node : nodes)
    values.push_back(get(node));
  return b.intTensor(values);
}

/// The leaf of each row in each tree.
Value TreeEnsemble::findLeaves() {
  SmallVector<double> splits;
  for (const Node &node : nodes)
    splits.push_back(node.split);
  Value split = table(splits);
  Value test = column([](const Node &n) { return int64_t(n.test); }),
        feature = column([](const Node &n) { return n.feature; }),
        yes = column([](const Node &n) { return n.yes; }),
        no = column([](const Node &n) { return n.no; }),
        onNaN = column([](const Node &n) { return n.onNaN; });
  Value root = b.intTensor(roots), x = node.input(0);
  Dims shape = {b.dim(x, 0), b.attr(roots.size())};
  return b.generate(
      shape, b.getI64Type(), [&](TensorBuilder &inner, ValueRange at) {
        ScalarCode s(inner);
        Type i64 = inner.getI64Type();
        Value leaf = s.whileLoop(
            {s.extract(root, at[1])},
            [&](ValueRange values) {
              return s.le(s.constant(i64, 0), values[0]);
            },
            [&](ValueRange values) {
              Value place = s.toIndex(values[0]);
              Value element =
                  s.extract(x, {at[0], s.toIndex(s.extract(feature, place))});
              Value limit = s.extract(split, place),
                    kind = s.extract(test, place);
              auto is = [&](Test test) {
                return s.eq(kind, s.constant(i64, static_cast<double>(test)));
              };
              Value holds = s.select(is(AtMost), s.le(element, limit),
                                     s.select(is(Below), s.lt(element, limit),
                                              s.eq(element, limit)));
              Value next =
                  s.select(holds, s.extract(yes, place), s.extract(no, place));
              return ScalarCode::Values{
                  s.select(s.isNaN(element), s.extract(onNaN, place), next)};
            })[0];
        return s.sub(s.constant(i64, -1), leaf);
      });
}

Value TreeEnsemble::build() {
  Value leaves = findLeaves(), target = b.intTensor(targets),
        weight = table(weights);
  // Average, sum, minimum, maximum.
  Type sumType = combine < 2 ? accumulatorType(type) : type;
  auto floatType = cast<FloatType>(type);
  APFloat extreme = APFloat::getLargest(floatType.getFloatSemantics(),
                                        /*Negative=*/combine == 3);
  Value trees = b.index(roots.size());
  return b.generate(
      {b.dim(leaves, 0), b.attr(outputs)}, type,
      [&](TensorBuilder &inner, ValueRange at) {
        ScalarCode s(inner);
        Value none = combine < 2
                         ? s.constant(sumType, 0)
                         : Value(arith::ConstantOp::create(
                               inner, inner.getFloatAttr(sumType, extreme)));
        Value result =
            s.forNest({trees}, none, [&](ValueRange tree, ValueRange carried) {
              Value leaf = s.toIndex(s.extract(leaves, {at[0], tree[0]}));
              Value own = s.eq(s.toIndex(s.extract(target, leaf)), at[1]);
              Value value = s.convert(s.extract(weight, leaf), sumType);
              Value next = combine == 2   ? s.min(carried[0], value)
                           : combine == 3 ? s.max(carried[0], value)
                                          : s.add(carried[0], value);
              return ScalarCode::Values{s.select(own, next, carried[0])};
            })[0];
        if (combine == 0)
          result = s.div(result, s.convert(trees, sumType));
        return s.convert(result, type);
      });
}

static LogicalResult importTreeEnsemble(NodeImporter &node) {
  TreeEnsemble trees(node);
  if (failed(trees.read()))
    return failure();
  return node.bindOutput(0, trees.build(), node.dtype(0));
}

void fovea::frontend::registerTreeEnsembleOps(OpRegistry &registry) {
  registry.add("TreeEnsemble", importTreeEnsemble, "ai.onnx.ml");
}
