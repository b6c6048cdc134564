//===- Operators.cpp - What of ONNX is supported --------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/Import/ONNX/Import.h"

#include "Importer.h"

#include "onnx/defs/schema.h"

#include <map>

using namespace fovea;

std::vector<OperatorSupport> fovea::listOperators() {
  std::map<std::pair<std::string, std::string>, OperatorSupport> found;
  auto entry = [&](const std::string &domain,
                   const std::string &name) -> OperatorSupport & {
    OperatorSupport &op = found[{domain, name}];
    op.domain = domain.empty() ? "ai.onnx" : domain;
    op.name = name;
    return op;
  };
  // Its first use declares the operators of other domains to ONNX.
  const frontend::OpRegistry &registry = frontend::opRegistry();
  for (const onnx::OpSchema &schema :
       onnx::OpSchemaRegistry::get_all_schemas()) {
    OperatorSupport &op = entry(schema.domain(), schema.Name());
    op.sinceVersion = schema.SinceVersion();
    if (schema.HasFunction() || schema.HasContextDependentFunction())
      op.kind = OperatorSupport::FunctionBody;
  }
  for (const auto &handler : registry.all()) {
    auto [domain, name] = handler.first().split('/');
    entry(domain.str(), name.str()).kind = OperatorSupport::Kernel;
  }
  std::vector<OperatorSupport> result;
  result.reserve(found.size());
  for (auto &[key, op] : found)
    result.push_back(std::move(op));
  return result;
}
