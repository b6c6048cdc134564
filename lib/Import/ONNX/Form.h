//===- Form.h - Values that cross a region or the model's border -*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// What a branch or an iteration results in is a list of SSA values, of one type
// whichever way was taken; so is what the model takes and returns. A form says
// which values a binding becomes.
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_LIB_IMPORT_ONNX_FORM_H
#define FOVEA_LIB_IMPORT_ONNX_FORM_H

#include "Importer.h"

namespace fovea::frontend {

struct Form {
  enum Kind { None, Tensor, List, Packed };

  Kind kind = None; ///< None: an optional that never has a value
  int32_t dtype = 0;
  /// Of the tensor, which is ranked, or as in Binding::element.
  mlir::TensorType type;
  std::vector<Form> elements; ///< of a list
  /// Whether there is a value is known at run time only.
  bool optional = false;

  bool operator==(const Form &other) const;
};

/// The form that a binding has as it is, or with `lists` false, without lists.
Form formOf(TensorBuilder &b, const Binding &binding, bool lists);
/// A form for the values of both; reports in `why` that there is none.
mlir::FailureOr<Form> join(const Form &a, const Form &b, std::string &why);
/// The form of an ONNX type; reports in `why` what it is that cannot be.
mlir::FailureOr<Form> formOf(const onnx::TypeProto &type,
                             mlir::MLIRContext *context, std::string &why);

llvm::SmallVector<mlir::Type> partTypes(const Form &form,
                                        mlir::MLIRContext *context);
/// The values that a binding becomes in a form that it can take.
llvm::SmallVector<mlir::Value> toParts(TensorBuilder &b, const Binding &binding,
                                       const Form &form);
/// The binding that consists of `parts`, which are dropped from the front.
Binding fromParts(const Form &form, mlir::ValueRange &parts);

} // namespace fovea::frontend

#endif // FOVEA_LIB_IMPORT_ONNX_FORM_H
