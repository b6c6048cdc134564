//===- Form.cpp - Values that cross a region or the model's border --------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Form.h"

#include "Packed.h"
#include "Subgraph.h"
#include "Types.h"

using namespace mlir;
using namespace fovea::frontend;

bool Form::operator==(const Form &other) const {
  return kind == other.kind && type == other.type &&
         elements == other.elements && optional == other.optional;
}

Form fovea::frontend::formOf(TensorBuilder &b, const Binding &binding,
                             bool lists) {
  Form form;
  form.dtype = binding.dtype;
  form.optional = static_cast<bool>(binding.present);
  if (!binding)
    return form;
  if (!binding.isSequence()) {
    form.kind = Form::Tensor;
    form.type = b.type(binding.value);
    return form;
  }
  form.kind = lists && binding.sequence ? Form::List : Form::Packed;
  form.type = sequenceElement(b, binding);
  if (form.kind == Form::List)
    for (const Binding &element : binding.sequence->elements)
      form.elements.push_back(formOf(b, element, lists));
  return form;
}

FailureOr<Form> fovea::frontend::join(const Form &a, const Form &b,
                                      std::string &why) {
  Form joined = a.kind == Form::None ? b : a;
  joined.optional = a.optional || b.optional || a.kind != b.kind;
  if (a.kind == Form::None || b.kind == Form::None)
    return joined;
  joined.optional = a.optional || b.optional;
  if ((a.kind == Form::Tensor) != (b.kind == Form::Tensor)) {
    why = "a tensor in one case and a sequence in the other";
    return failure();
  }
  if (a.kind == Form::Tensor) {
    joined.type = joinShapes(cast<RankedTensorType>(a.type),
                             cast<RankedTensorType>(b.type));
    if (joined.type)
      return joined;
    why = "different ranks or element types";
    return failure();
  }
  if (!fits(a.type, b.type)) {
    why = "sequences of different element types";
    return failure();
  }
  if (!a.type)
    joined.dtype = b.dtype;
  joined.type = joinElements(a.type, b.type);
  bool isList = a.kind == Form::List && b.kind == Form::List &&
                a.elements.size() == b.elements.size();
  for (size_t i = 0; isList && i < a.elements.size(); ++i) {
    std::string ignored;
    FailureOr<Form> element = join(a.elements[i], b.elements[i], ignored);
    isList = succeeded(element);
    if (isList)
      joined.elements[i] = *element;
  }
  joined.kind = isList ? Form::List : Form::Packed;
  if (!isList)
    joined.elements.clear();
  return joined;
}

FailureOr<Form> fovea::frontend::formOf(const onnx::TypeProto &type,
                                        MLIRContext *context,
                                        std::string &why) {
  Form form;
  const onnx::TypeProto *inner = &type;
  if (inner->has_optional_type()) {
    form.optional = true;
    inner = &inner->optional_type().elem_type();
  }
  form.kind = inner->has_sequence_type() ? Form::Packed : Form::Tensor;
  if (inner->has_sequence_type())
    inner = &inner->sequence_type().elem_type();
  if (!inner->has_tensor_type()) {
    why = "is not a tensor, nor a sequence or optional of tensors";
    return failure();
  }
  const auto &tensor = inner->tensor_type();
  form.dtype = tensor.elem_type();
  Type element = elementTypeFor(form.dtype, context);
  if (!element) {
    why = ("has the element type " + dtypeName(form.dtype) +
           ", which is not supported")
              .str();
    return failure();
  }
  for (const auto &dim : tensor.shape().dim())
    if (dim.has_dim_value() && dim.dim_value() < 0) {
      why = "has a negative dimension";
      return failure();
    }
  if (form.kind == Form::Packed && tensor.shape().dim_size() > maxElementRank) {
    why = "has elements of more than 16 dimensions";
    return failure();
  }
  if (tensor.has_shape()) {
    form.type = tensorTypeFor(*inner, context);
  } else if (form.kind == Form::Packed) {
    form.type = UnrankedTensorType::get(element);
  } else {
    why = "has no shape; its rank must be known";
    return failure();
  }
  return form;
}

/// What a packed sequence of this form has as elements.
static Type elementType(const Form &form, MLIRContext *context) {
  return form.type ? form.type.getElementType()
                   : elementTypeFor(form.dtype, context);
}

SmallVector<Type> fovea::frontend::partTypes(const Form &form,
                                             MLIRContext *context) {
  SmallVector<Type> types;
  if (form.kind == Form::Tensor)
    types.push_back(form.type);
  if (form.kind == Form::Packed)
    types = {packedDataType(elementType(form, context)),
             packedTableType(context)};
  for (const Form &element : form.elements)
    llvm::append_range(types, partTypes(element, context));
  if (form.optional && form.kind != Form::None)
    types.push_back(IntegerType::get(context, 1));
  return types;
}

/// What stands for a value that is not there: as small as its type allows.
static Value placeholder(TensorBuilder &b, Type type) {
  if (type.isInteger(1))
    return b.scalar(type, 0);
  auto tensor = cast<RankedTensorType>(type);
  Dims dims;
  for (int64_t size : tensor.getShape())
    dims.push_back(b.attr(ShapedType::isDynamic(size) ? 0 : size));
  return b.castShape(b.zeros(dims, tensor.getElementType()), tensor);
}

SmallVector<Value> fovea::frontend::toParts(TensorBuilder &b,
                                            const Binding &binding,
                                            const Form &form) {
  SmallVector<Value> parts;
  SmallVector<Type> types = partTypes(form, b.getContext());
  if (!binding) {
    for (Type type : types)
      parts.push_back(placeholder(b, type));
    return parts;
  }
  if (form.kind == Form::Tensor)
    parts.push_back(
        b.castShape(binding.value, cast<RankedTensorType>(form.type)));
  if (form.kind == Form::List)
    for (auto [element, inner] :
         llvm::zip_equal(binding.sequence->elements, form.elements))
      llvm::append_range(parts, toParts(b, element, inner));
  if (form.kind == Form::Packed) {
    // An empty list need not know its element type.
    bool isEmpty =
        binding.sequence && binding.sequence->elements.empty() && form.type;
    Binding packed = pack(b, binding);
    parts = {isEmpty ? placeholder(b, types[0]) : packed.data, packed.table};
  }
  if (form.optional && form.kind != Form::None)
    parts.push_back(binding.present ? binding.present
                                    : b.scalar(b.getI1Type(), 1));
  return parts;
}

Binding fovea::frontend::fromParts(const Form &form, ValueRange &parts) {
  auto take = [&] {
    Value part = parts.front();
    parts = parts.drop_front();
    return part;
  };
  Binding binding;
  binding.dtype = form.dtype;
  if (form.kind == Form::Tensor)
    binding.value = take();
  if (form.kind == Form::List) {
    binding.sequence = std::make_shared<SequenceList>();
    for (const Form &element : form.elements)
      binding.sequence->elements.push_back(fromParts(element, parts));
  }
  if (form.kind == Form::Packed) {
    binding.data = take();
    binding.table = take();
    binding.element = form.type;
  }
  if (form.optional && form.kind != Form::None)
    binding.present = take();
  return binding;
}
