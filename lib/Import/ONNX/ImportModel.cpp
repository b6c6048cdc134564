//===- ImportModel.cpp - The module around an imported graph --------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Importer.h"
#include "Model.h"
#include "Types.h"

#include "fovea/Import/ONNX/Import.h"
#include "fovea/dialects/attn/Attn.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace fovea::frontend;

//===----------------------------------------------------------------------===//
// Signature
//===----------------------------------------------------------------------===//

/// The signature attributes of an argument or result.
static DictionaryAttr signatureAttrs(MLIRContext *context, StringRef name,
                                     int32_t dtype,
                                     const onnx::TypeProto &declared,
                                     RankedTensorType type) {
  Builder b(context);
  SmallVector<NamedAttribute> attrs;
  attrs.push_back(b.getNamedAttr("fovea.name", b.getStringAttr(name)));
  attrs.push_back(
      b.getNamedAttr("fovea.dtype", b.getStringAttr(dtypeName(dtype))));
  const auto &shape = declared.tensor_type().shape();
  SmallVector<StringRef> names(type.getRank());
  bool named = false;
  if (shape.dim_size() == type.getRank())
    for (auto [i, dim] : llvm::enumerate(shape.dim()))
      if (type.isDynamicDim(i) && !dim.dim_param().empty()) {
        names[i] = dim.dim_param();
        named = true;
      }
  if (named)
    attrs.push_back(b.getNamedAttr("fovea.dims", b.getStrArrayAttr(names)));
  return b.getDictionaryAttr(attrs);
}

/// The tensor type of a graph input; null after reporting why not.
static RankedTensorType inputType(TensorBuilder &b,
                                  const onnx::ValueInfoProto &input) {
  const onnx::TypeProto &type = input.type();
  std::string which = "graph input '" + input.name() + "' ";
  if (!type.has_tensor_type()) {
    b.error(which + "is not a tensor; sequences, maps and optionals cannot "
                    "cross the model's border");
    return {};
  }
  if (!type.tensor_type().has_shape()) {
    b.error(which + "has no shape; its rank must be known");
    return {};
  }
  for (const auto &dim : type.tensor_type().shape().dim())
    if (dim.has_dim_value() && dim.dim_value() < 0) {
      b.error(which + "has a negative dimension");
      return {};
    }
  RankedTensorType result = tensorTypeFor(type, b.getContext());
  if (!result)
    b.error(which + "has the element type " +
            dtypeName(type.tensor_type().elem_type()) +
            ", which is not supported");
  return result;
}

FailureOr<func::FuncOp> Importer::createMain(Scope &scope) {
  const onnx::GraphProto &graph = model->proto.graph();
  SmallVector<const onnx::ValueInfoProto *> inputs;
  SmallVector<Type> types;
  SmallVector<Attribute> attrs;
  for (const auto &input : graph.input()) {
    // An initializer makes an input a constant that callers could override;
    // nobody does.
    if (scope.initializers.count(input.name()))
      continue;
    RankedTensorType type = inputType(b, input);
    if (!type)
      return failure();
    inputs.push_back(&input);
    types.push_back(type);
    attrs.push_back(signatureAttrs(&context, input.name(),
                                   input.type().tensor_type().elem_type(),
                                   input.type(), type));
  }
  auto main = func::FuncOp::create(b, "main", b.getFunctionType(types, {}));
  main->setAttr("fovea.entry", b.getUnitAttr());
  Block *entry = main.addEntryBlock();
  main.setAllArgAttrs(attrs);
  b.setInsertionPointToStart(entry);
  b.constantBlock = entry;
  llvm::StringMap<OpFoldResult> symbols;
  for (auto [input, arg] : llvm::zip(inputs, entry->getArguments())) {
    Binding &binding = scope.bindings[input->name()];
    binding.value = arg;
    binding.dtype = input->type().tensor_type().elem_type();
    // One name is one size.
    for (auto [i, dim] :
         llvm::enumerate(input->type().tensor_type().shape().dim())) {
      if (dim.has_dim_value() || dim.dim_param().empty())
        continue;
      OpFoldResult &size = symbols[dim.dim_param()];
      if (size)
        b.setDim(arg, i, size);
      else
        size = b.dim(arg, i);
    }
  }
  b.setInsertionPointToEnd(entry);
  return main;
}

/// What a file declares about an output is either so or a damaged file.
static LogicalResult checkDeclared(TensorBuilder &b, StringRef name,
                                   const Binding &binding,
                                   const onnx::TypeProto &declared) {
  const auto &tensor = declared.tensor_type();
  if (tensor.elem_type() && binding.dtype &&
      tensor.elem_type() != binding.dtype) {
    b.error("graph output '" + name + "' is declared as " +
            dtypeName(tensor.elem_type()) + " and is " +
            dtypeName(binding.dtype));
    return failure();
  }
  RankedTensorType type = b.type(binding.value);
  if (!tensor.has_shape())
    return success();
  bool fits = tensor.shape().dim_size() == type.getRank();
  for (int64_t i = 0; fits && i < type.getRank(); ++i) {
    const auto &dim = tensor.shape().dim(i);
    fits = !dim.has_dim_value() || type.isDynamicDim(i) ||
           dim.dim_value() == type.getDimSize(i);
  }
  if (fits)
    return success();
  b.error("the shape of graph output '" + name +
          "' is not the one that is declared");
  return failure();
}

LogicalResult Importer::finishMain(func::FuncOp main, Scope &scope) {
  SmallVector<Value> results;
  SmallVector<Attribute> attrs;
  for (const auto &output : model->proto.graph().output()) {
    auto binding = lookup(output.name(), scope);
    if (failed(binding))
      return failure();
    if (!binding->value || binding->stacked) {
      b.error("graph output '" + output.name() +
              "' is not a tensor; sequences and optionals cannot cross the "
              "model's border");
      return failure();
    }
    if (failed(checkDeclared(b, output.name(), *binding,
                             model->outputTypes[output.name()])))
      return failure();
    results.push_back(binding->value);
    attrs.push_back(signatureAttrs(&context, output.name(), binding->dtype,
                                   model->outputTypes[output.name()],
                                   b.type(binding->value)));
  }
  func::ReturnOp::create(b, results);
  main.setFunctionType(b.getFunctionType(main.getArgumentTypes(),
                                         ValueRange(results).getTypes()));
  main.setAllResultAttrs(attrs);
  return success();
}

//===----------------------------------------------------------------------===//
// Module
//===----------------------------------------------------------------------===//

OwningOpRef<ModuleOp> Importer::importModel() {
  const onnx::ModelProto &proto = model->proto;
  b.setLoc(NameLoc::get(b.getStringAttr(proto.graph().name())));
  OwningOpRef<ModuleOp> module = ModuleOp::create(b.getLoc());
  module->getOperation()->setAttr("fovea.model",
                                  b.getStringAttr(proto.graph().name()));
  if (!proto.producer_name().empty())
    module->getOperation()->setAttr("fovea.producer",
                                    b.getStringAttr(proto.producer_name()));
  b.setInsertionPointToStart(module->getBody());

  Scope scope;
  scope.add(proto.graph());
  auto main = createMain(scope);
  if (failed(main))
    return nullptr;
  llvm::StringSet<> live;
  for (const auto &output : proto.graph().output())
    live.insert(output.name());
  if (failed(importNodes(proto.graph().node(), live, scope)) ||
      failed(finishMain(*main, scope)))
    return nullptr;
  return module;
}

OwningOpRef<ModuleOp> fovea::importModel(StringRef path,
                                         const ImportOptions &options,
                                         MLIRContext &context) {
  context.loadDialect<fovea::attn::AttnDialect, arith::ArithDialect,
                      cf::ControlFlowDialect, func::FuncDialect,
                      linalg::LinalgDialect, math::MathDialect, scf::SCFDialect,
                      tensor::TensorDialect>();
  auto loc = FileLineColLoc::get(&context, path, 0, 0);
  std::string error;
  std::shared_ptr<Model> model = Model::load(path, options, error);
  if (!model) {
    emitError(loc) << error;
    return nullptr;
  }
  OwningOpRef<ModuleOp> module;
  try {
    module = Importer(context, model).importModel();
  } catch (const std::exception &e) {
    emitError(loc) << "cannot import the model: " << e.what();
    return nullptr;
  }
  if (!module)
    return nullptr;
  PassManager pm(&context);
  pm.addPass(createCSEPass());
  if (failed(pm.run(*module)))
    return nullptr;
  return module;
}
