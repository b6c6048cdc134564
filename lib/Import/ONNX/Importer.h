//===- Importer.h - Walks an ONNX graph -------------------------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_LIB_IMPORT_ONNX_IMPORTER_H
#define FOVEA_LIB_IMPORT_ONNX_IMPORTER_H

#include "TensorBuilder.h"

#include "onnx/onnx_pb.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

#include <memory>
#include <vector>

namespace onnx {
class OpSchema;
} // namespace onnx

namespace fovea::frontend {

class Importer;
class NodeImporter;
class Model;

/// What an ONNX name stands for: a tensor value with its ONNX element type
/// (the IR is signless), or a sequence of tensors in one of three forms, or,
/// with neither, an optional that is known to have no value.
struct Binding {
  mlir::Value value;
  int32_t dtype = 0; ///< onnx::TensorProto_DataType

  /// A sequence whose length is known at compile time: a list, which leaves no
  /// trace in the IR.
  std::shared_ptr<struct SequenceList> sequence;
  /// A sequence of tensors of one shape: `value` has them along a first
  /// dimension.
  bool stacked = false;
  /// Any other sequence, see Packed.h; `element` is the type of each element,
  /// unranked where they differ in rank, null where there is none to know from.
  mlir::Value data, table;
  mlir::TensorType element;

  /// An optional: i1 whether there is a value. Null where there is for sure.
  mlir::Value present;

  bool isSequence() const { return sequence || stacked || data; }
  explicit operator bool() const { return value || sequence || data; }
};

struct SequenceList {
  std::vector<Binding> elements;
  /// The same sequence in its general form, made on first use.
  mlir::Value data, table;
};

using Handler = mlir::LogicalResult (*)(NodeImporter &);

/// Handlers by operator name and domain ("" is ai.onnx).
class OpRegistry {
public:
  /// The inputs of a `checked` operator have the types of its schema before its
  /// handler is called.
  void add(llvm::StringRef op, Handler handler, llvm::StringRef domain = "",
           bool checked = false) {
    std::string key = (domain + "/" + op).str();
    handlers[key] = handler;
    if (checked)
      checkedOps.insert(key);
  }
  Handler lookup(llvm::StringRef op, llvm::StringRef domain) const {
    return handlers.lookup((domain + "/" + op).str());
  }
  bool isChecked(llvm::StringRef op, llvm::StringRef domain) const {
    return checkedOps.contains((domain + "/" + op).str());
  }
  const llvm::StringMap<Handler> &all() const { return handlers; }

private:
  llvm::StringMap<Handler> handlers;
  llvm::StringSet<> checkedOps;
};

/// All handlers of this importer. The first call makes the operators that ONNX
/// does not define known to ONNX's own registry.
const OpRegistry &opRegistry();

/// Names visible in one graph or function body. A function body has no parent,
/// it sees its own inputs only; but for one that is made of a graph attribute.
struct Scope {
  Scope *parent = nullptr;
  llvm::StringMap<Binding> bindings;
  /// Constants of this graph, made into values on first use.
  llvm::StringMap<const onnx::TensorProto *> initializers;
  /// Types from ONNX's own shape inference over the whole graph.
  llvm::StringMap<const onnx::TypeProto *> inferred;
  /// In a function body: what attribute references resolve to, and opsets.
  const llvm::StringMap<const onnx::AttributeProto *> *attributes = nullptr;
  const llvm::StringMap<int64_t> *opsets = nullptr;

  /// Adds the constants and inferred types of `graph`.
  void add(const onnx::GraphProto &graph);
};

/// Handed to each op handler: the node's inputs, attributes and outputs.
class NodeImporter {
public:
  NodeImporter(Importer &importer, Scope &scope, const onnx::NodeProto &node);

  TensorBuilder &b();
  Importer &importer() { return owner; }
  const onnx::NodeProto &node() const { return proto; }
  int64_t opset() const { return version; }
  llvm::StringRef name() const { return proto.name(); }

  /// Checks the inputs, and calls the handler of the operator.
  mlir::LogicalResult run();
  /// Reports "node 'x' (Op, opset 17): reason".
  mlir::LogicalResult fail(const llvm::Twine &reason);

  // Inputs. ------------------------------------------------------------------
  size_t numInputs() const { return inputs.size(); }
  /// Null for an absent optional input (and for a sequence).
  mlir::Value input(size_t i) const { return binding(i).value; }
  Binding binding(size_t i) const {
    return i < inputs.size() ? inputs[i] : Binding();
  }
  int32_t dtype(size_t i) const { return binding(i).dtype; }
  bool isUnsigned(size_t i) const;
  /// Raises an error where there is no such input.
  mlir::RankedTensorType inputType(size_t i);
  int64_t rank(size_t i) { return inputType(i).getRank(); }
  /// Compile-time integers of input i, see TensorBuilder::constantInts.
  std::optional<llvm::SmallVector<int64_t>> constantInts(size_t i);

  // Attributes. ---------------------------------------------------------------
  const onnx::AttributeProto *attr(llvm::StringRef name) const;
  bool hasAttr(llvm::StringRef name) const { return attr(name) != nullptr; }
  int64_t attrInt(llvm::StringRef name, int64_t otherwise) const;
  double attrFloat(llvm::StringRef name, double otherwise) const;
  std::string attrString(llvm::StringRef name, llvm::StringRef otherwise) const;
  /// Nothing where the attribute is absent.
  std::optional<llvm::SmallVector<int64_t>>
  attrInts(llvm::StringRef name) const;
  std::optional<llvm::SmallVector<double>>
  attrFloats(llvm::StringRef name) const;
  const onnx::TensorProto *attrTensor(llvm::StringRef name) const;
  const onnx::GraphProto *attrGraph(llvm::StringRef name) const;
  /// `axis` of the given rank, normalised to be non-negative; reports a value
  /// out of range.
  mlir::FailureOr<int64_t> normalizeAxis(int64_t axis, int64_t rank);
  mlir::FailureOr<llvm::SmallVector<int64_t>>
  normalizeAxes(llvm::ArrayRef<int64_t> axes, int64_t rank);
  mlir::FailureOr<int64_t> attrAxis(llvm::StringRef name, int64_t otherwise,
                                    int64_t rank);
  /// Integers given as attribute `name` in old opsets and as constant input
  /// `i` in new ones. Nothing where neither is present; fails where the input
  /// is not known at compile time.
  mlir::FailureOr<std::optional<llvm::SmallVector<int64_t>>>
  attrOrInput(llvm::StringRef name, size_t i);

  // Outputs. ------------------------------------------------------------------
  size_t numOutputs() const { return proto.output_size(); }
  /// True where output i exists and has a name.
  bool wantsOutput(size_t i) const {
    return i < numOutputs() && !proto.output(i).empty();
  }
  /// The type ONNX infers for output i from the types at hand; null if unknown
  /// or not a tensor of known rank.
  mlir::RankedTensorType inferredType(size_t i);
  /// ONNX element type of output i; 0 if unknown.
  int32_t outputDtype(size_t i);
  /// Element type of output i in the IR; null if unknown.
  mlir::Type outputElementType(size_t i);
  /// Defines output i (a no-op where the node does not name it). Sizes that
  /// only ONNX's inference knows are made static.
  mlir::LogicalResult bindOutput(size_t i, mlir::FailureOr<mlir::Value> value,
                                 int32_t dtype = 0);
  mlir::LogicalResult bindOutput(size_t i, Binding binding);

  // Subgraphs. ---------------------------------------------------------------
  /// Imports `graph` at the current insertion point, with the names of this
  /// scope visible, its inputs bound to `args`.
  mlir::FailureOr<llvm::SmallVector<Binding>>
  importGraph(const onnx::GraphProto &graph, llvm::ArrayRef<Binding> args);
  /// Imports the node through ONNX's definition by simpler operators.
  mlir::LogicalResult expandFunction();

private:
  mlir::LogicalResult resolveInputs();
  mlir::LogicalResult checkKinds();
  mlir::LogicalResult checkTypes();
  mlir::LogicalResult checkElementTypes();
  mlir::LogicalResult checkPresence(const onnx::OpSchema &schema);
  void infer();

  Importer &owner;
  Scope &scope;
  const onnx::NodeProto &proto;
  int64_t version;
  llvm::SmallVector<Binding> inputs;
  bool didInfer = false;
  std::vector<onnx::TypeProto> outputTypes;
  friend class Importer;
};

/// Imports one model into one module.
class Importer {
public:
  Importer(mlir::MLIRContext &context, std::shared_ptr<Model> model);

  TensorBuilder &builder() { return b; }
  mlir::OwningOpRef<mlir::ModuleOp> importModel();

  mlir::LogicalResult importNode(const onnx::NodeProto &node, Scope &scope);
  using Nodes = google::protobuf::RepeatedPtrField<onnx::NodeProto>;
  /// Imports those of `nodes` that the names in `live` need.
  mlir::LogicalResult importNodes(const Nodes &nodes, llvm::StringSet<> live,
                                  Scope &scope);
  mlir::FailureOr<llvm::SmallVector<Binding>>
  importGraph(const onnx::GraphProto &graph, llvm::ArrayRef<Binding> args,
              Scope *parent);
  /// The binding of `name`, looking outward; creates the constant on the first
  /// use of an initializer. Null binding if unknown.
  mlir::FailureOr<Binding> lookup(llvm::StringRef name, Scope &scope);
  /// A tensor constant of the model as a value.
  mlir::FailureOr<Binding> constant(const onnx::TensorProto &tensor,
                                    llvm::StringRef name);
  int64_t opset(llvm::StringRef domain, const Scope &scope) const;

  /// A number that no other node has, to tell random numbers apart.
  unsigned takeStream() { return streams++; }

  /// Imports a node through the function body that ONNX defines for it.
  mlir::LogicalResult importFunctionBody(NodeImporter &node);

private:
  mlir::FailureOr<mlir::func::FuncOp> createMain(Scope &scope);
  mlir::LogicalResult finishMain(mlir::func::FuncOp main, Scope &scope);

  mlir::MLIRContext &context;
  std::shared_ptr<Model> model;
  TensorBuilder b;
  llvm::StringMap<int64_t> modelOpsets;
  int functionDepth = 0;
  unsigned streams = 0;
};

} // namespace fovea::frontend

#endif // FOVEA_LIB_IMPORT_ONNX_IMPORTER_H
