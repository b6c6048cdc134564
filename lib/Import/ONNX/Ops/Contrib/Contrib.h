//===- Contrib.h - Operators that ONNX does not define ----------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// ONNX Runtime's operators (docs/ContribOperators.md there), which exporters
// and optimisers write. Each is declared to ONNX's own schema registry together
// with its handler, so that the checker, the inliner and shape inference treat
// it like an operator of ONNX.
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_LIB_IMPORT_ONNX_OPS_CONTRIB_CONTRIB_H
#define FOVEA_LIB_IMPORT_ONNX_OPS_CONTRIB_CONTRIB_H

#include "../../Importer.h"

#include "onnx/defs/schema.h"

namespace fovea::frontend {

inline constexpr const char *contribDomain = "com.microsoft";

/// The declaration of one operator. Inputs and outputs are of the type "T" (one
/// floating-point type for all of them) unless another one is named.
class ContribSchema {
public:
  explicit ContribSchema(const char *name, const char *domain = contribDomain);

  ContribSchema &input(const char *name, const char *type = "T");
  ContribSchema &optional(const char *name, const char *type = "T");
  ContribSchema &output(const char *name, const char *type = "T");
  ContribSchema &optionalOutput(const char *name, const char *type = "T");
  /// A set of element types under a name, as "tensor(float)".
  ContribSchema &types(const char *name, std::vector<std::string> types);
  ContribSchema &ints(std::initializer_list<const char *> names);
  ContribSchema &requiredInts(std::initializer_list<const char *> names);
  ContribSchema &floats(std::initializer_list<const char *> names);
  ContribSchema &strings(std::initializer_list<const char *> names);
  ContribSchema &intLists(std::initializer_list<const char *> names);
  ContribSchema &floatLists(std::initializer_list<const char *> names);
  /// Output i has the type and shape of the first input.
  ContribSchema &likeInput();
  /// Replaces what is inferred without it: every output has the element type of
  /// the first input.
  ContribSchema &infer(onnx::InferenceFunction function);

  /// Makes the operator known to ONNX and to the importer. A null handler is
  /// one that the importer has for another version of the operator.
  void define(OpRegistry &registry, Handler handler);

private:
  ContribSchema &attribute(std::initializer_list<const char *> names,
                           onnx::AttributeProto::AttributeType type,
                           bool isRequired = false);

  onnx::OpSchema schema;
  int inputs = 0, outputs = 0;
  bool hasT = false;
};

} // namespace fovea::frontend

#endif // FOVEA_LIB_IMPORT_ONNX_OPS_CONTRIB_CONTRIB_H
