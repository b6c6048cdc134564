//===- ImportModel.cpp - The module around an imported graph --------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Form.h"
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

/// The names of the dimensions of a tensor that may vary; null without any.
static ArrayAttr dimNames(Builder &b, const onnx::TypeProto &declared,
                          TensorType type) {
  const auto &shape = declared.tensor_type().shape();
  auto ranked = cast<RankedTensorType>(type);
  SmallVector<StringRef> names(ranked.getRank());
  bool named = false;
  if (shape.dim_size() == ranked.getRank())
    for (auto [i, dim] : llvm::enumerate(shape.dim()))
      if (ranked.isDynamicDim(i) && !dim.dim_param().empty()) {
        names[i] = dim.dim_param();
        named = true;
      }
  return named ? b.getStrArrayAttr(names) : ArrayAttr();
}

/// The signature attributes of the arguments or results that a graph input or
/// output consists of: the first says what it is, the others nothing.
static void appendSignature(MLIRContext *context, StringRef name,
                            const onnx::TypeProto &declared, const Form &form,
                            SmallVectorImpl<Attribute> &attrs) {
  Builder b(context);
  NamedAttrList list;
  list.append("fovea.name", b.getStringAttr(name));
  list.append("fovea.dtype", b.getStringAttr(dtypeName(form.dtype)));
  if (form.kind == Form::Packed) {
    Type element = elementTypeFor(form.dtype, context);
    Type type = form.type ? form.type : UnrankedTensorType::get(element);
    list.append("fovea.sequence", TypeAttr::get(type));
  } else if (ArrayAttr names = dimNames(b, declared, form.type)) {
    list.append("fovea.dims", names);
  }
  if (form.optional)
    list.append("fovea.optional", b.getUnitAttr());
  attrs.push_back(list.getDictionary(context));
  for (size_t i = 1; i < partTypes(form, context).size(); ++i)
    attrs.push_back(b.getDictionaryAttr({}));
}

/// The types of the parts at the model's border, where a boolean is a tensor.
static SmallVector<Type> borderTypes(const Form &form, MLIRContext *context) {
  SmallVector<Type> types = partTypes(form, context);
  for (Type &type : types)
    if (type.isInteger(1))
      type = RankedTensorType::get({}, type);
  return types;
}

/// One name is one size in all tensors that are there for sure.
static void shareSizes(TensorBuilder &b, Value tensor,
                       const onnx::TypeProto &declared,
                       llvm::StringMap<OpFoldResult> &symbols) {
  for (auto [i, dim] : llvm::enumerate(declared.tensor_type().shape().dim())) {
    if (dim.has_dim_value() || dim.dim_param().empty())
      continue;
    OpFoldResult &size = symbols[dim.dim_param()];
    if (size)
      b.setDim(tensor, i, size);
    else
      size = b.dim(tensor, i);
  }
}

FailureOr<func::FuncOp> Importer::createMain(Scope &scope) {
  const onnx::GraphProto &graph = model->proto.graph();
  SmallVector<std::pair<const onnx::ValueInfoProto *, Form>> inputs;
  SmallVector<Type> types;
  SmallVector<Attribute> attrs;
  for (const auto &input : graph.input()) {
    // An initializer makes an input a constant that callers could override;
    // nobody does.
    if (scope.initializers.count(input.name()))
      continue;
    std::string why;
    FailureOr<Form> form = formOf(input.type(), &context, why);
    if (failed(form)) {
      b.error("graph input '" + input.name() + "' " + why);
      return failure();
    }
    if (auto type = dyn_cast_or_null<RankedTensorType>(form->type))
      b.checkSize(type);
    llvm::append_range(types, borderTypes(*form, &context));
    appendSignature(&context, input.name(), input.type(), *form, attrs);
    inputs.emplace_back(&input, std::move(*form));
  }
  auto main = func::FuncOp::create(b, "main", b.getFunctionType(types, {}));
  main->setAttr("fovea.entry", b.getUnitAttr());
  Block *entry = main.addEntryBlock();
  main.setAllArgAttrs(attrs);
  b.setInsertionPointToStart(entry);
  b.constantBlock = entry;
  llvm::StringMap<OpFoldResult> symbols;
  ValueRange parts = entry->getArguments();
  for (auto &[input, form] : inputs) {
    Binding binding = fromParts(form, parts);
    if (binding.present)
      binding.present = b.extractScalar(binding.present);
    else if (binding.value)
      shareSizes(b, binding.value, input->type(), symbols);
    scope.bindings[input->name()] = binding;
  }
  b.setInsertionPointToEnd(entry);
  return main;
}

/// What a file declares about an output is either so or a damaged file.
static LogicalResult checkDeclared(TensorBuilder &b, StringRef name,
                                   const Form &form,
                                   const onnx::TypeProto &declared) {
  std::string which = ("graph output '" + name + "' ").str();
  const onnx::TypeProto *inner = &declared;
  if (inner->has_optional_type())
    inner = &inner->optional_type().elem_type();
  if (inner->has_sequence_type() != (form.kind == Form::Packed)) {
    b.error(which + "is declared as " +
            (inner->has_sequence_type() ? "a sequence and is a tensor"
                                        : "a tensor and is a sequence"));
    return failure();
  }
  if (inner->has_sequence_type())
    inner = &inner->sequence_type().elem_type();
  const auto &tensor = inner->tensor_type();
  if (tensor.elem_type() && form.dtype && tensor.elem_type() != form.dtype) {
    b.error(which + "is declared as " + dtypeName(tensor.elem_type()) +
            " and is " + dtypeName(form.dtype));
    return failure();
  }
  // Declared shapes of elements are hints: those that a loop adds often differ.
  if (!tensor.has_shape() || form.kind == Form::Packed)
    return success();
  auto type = cast<RankedTensorType>(form.type);
  bool fits = tensor.shape().dim_size() == type.getRank();
  for (int64_t i = 0; fits && i < type.getRank(); ++i) {
    const auto &dim = tensor.shape().dim(i);
    fits = !dim.has_dim_value() || type.isDynamicDim(i) ||
           dim.dim_value() == type.getDimSize(i);
  }
  if (fits)
    return success();
  b.error("the shape of " + which + "is not the one that is declared");
  return failure();
}

/// The form in which an output leaves the model; whether it is optional is what
/// the file declares.
static FailureOr<Form> outputForm(TensorBuilder &b, StringRef name,
                                  Binding &binding,
                                  const onnx::TypeProto &declared) {
  Form form = formOf(b, binding, /*lists=*/false);
  if (form.kind == Form::None) {
    std::string why;
    FailureOr<Form> known = formOf(declared, b.getContext(), why);
    if (succeeded(known) && !declared.has_optional_type()) {
      known = failure();
      why = "has no value";
    }
    if (failed(known))
      b.error("graph output '" + name + "' " + why);
    return known;
  }
  if (failed(checkDeclared(b, name, form, declared)))
    return failure();
  if (binding.present && !declared.has_optional_type()) {
    b.runtimeCheck(binding.present, "graph output '" + name + "' has no value");
    binding.present = {};
  }
  form.optional = declared.has_optional_type();
  return form;
}

LogicalResult Importer::finishMain(func::FuncOp main, Scope &scope) {
  SmallVector<Value> results;
  SmallVector<Attribute> attrs;
  for (const auto &output : model->proto.graph().output()) {
    auto binding = lookup(output.name(), scope);
    if (failed(binding))
      return failure();
    const onnx::TypeProto &declared = model->outputTypes[output.name()];
    FailureOr<Form> form = outputForm(b, output.name(), *binding, declared);
    if (failed(form))
      return failure();
    for (auto [part, type] : llvm::zip_equal(toParts(b, *binding, *form),
                                             borderTypes(*form, &context)))
      results.push_back(
          part.getType() == type
              ? part
              : b.fromScalars({part}, cast<RankedTensorType>(type)));
    appendSignature(&context, output.name(), declared, *form, attrs);
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
    emitError(loc) << oneLine(error);
    return nullptr;
  }
  Importer importer(context, model);
  OwningOpRef<ModuleOp> module;
  try {
    module = importer.importModel();
  } catch (const ImportError &e) {
    // What ignores a failure ends here, too; the first error says why.
    if (!importer.builder().hasFailed())
      emitError(loc) << oneLine(e.what());
    return nullptr;
  } catch (const std::exception &e) {
    emitError(loc) << "cannot import the model: " << oneLine(e.what());
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
