//===- Manifest.cpp - The JSON that describes a library -----------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/Package/Package.h"
#include "fovea/Package/Paths.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Bitcode/BitcodeWriter.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/SHA256.h"
#include "llvm/Support/raw_ostream.h"

#include <nlohmann/json.hpp>

using namespace fovea;
using Json = nlohmann::ordered_json;

std::string fovea::computeBuildId(const llvm::Module &module,
                                  const WeightsWriter &weights) {
  llvm::SmallString<0> bitcode;
  llvm::raw_svector_ostream os(bitcode);
  llvm::WriteBitcodeToFile(module, os);
  llvm::SHA256 sha;
  sha.update(bitcode.str());
  sha.update(weights.digest());
  return llvm::toHex(sha.final(), /*LowerCase=*/true).substr(0, 32);
}

static Json tensorsJson(llvm::ArrayRef<TensorSignature> tensors) {
  Json list = Json::array();
  for (const TensorSignature &tensor : tensors) {
    Json dims = Json::array();
    for (auto [dim, symbol] : llvm::zip(tensor.dims, tensor.symbols)) {
      if (dim >= 0)
        dims.push_back(dim);
      else if (!symbol.empty())
        dims.push_back(symbol);
      else
        dims.push_back(nullptr);
    }
    Json entry = {
        {"name", tensor.name}, {"dtype", tensor.dtype}, {"dims", dims}};
    // Only where they say something, so that most manifests stay simple.
    if (!tensor.hasRank)
      entry["dims"] = nullptr;
    if (tensor.isSequence)
      entry["sequence"] = true;
    if (tensor.isOptional)
      entry["optional"] = true;
    list.push_back(std::move(entry));
  }
  return list;
}

static Json kernelsJson(llvm::ArrayRef<KernelInfo> kernels) {
  Json list = Json::array();
  for (const KernelInfo &kernel : kernels) {
    Json entry = {{"name", kernel.symbol},
                  {"calls", kernel.calls},
                  {"where", kernel.where},
                  {"flop", nullptr},
                  {"schedule", nullptr}};
    if (kernel.flop)
      entry["flop"] = *kernel.flop;
    if (!kernel.schedule.empty())
      entry["schedule"] = kernel.schedule;
    list.push_back(std::move(entry));
  }
  return list;
}

/// Of all kernels, or null where one is unknown.
static Json totalFlop(llvm::ArrayRef<KernelInfo> kernels) {
  int64_t total = 0;
  for (const KernelInfo &kernel : kernels) {
    if (!kernel.flop)
      return nullptr;
    total += *kernel.flop * kernel.calls;
  }
  return total;
}

std::string fovea::writeManifest(const ModelDescription &description) {
  Json json = {{"fovea", FOVEA_VERSION},
               {"model", description.signature.model},
               {"build_id", description.buildId},
               {"target",
                {{"triple", description.triple},
                 {"cpu", description.cpu},
                 {"features", description.features}}},
               {"precision", description.precision},
               {"inputs", tensorsJson(description.signature.inputs)},
               {"outputs", tensorsJson(description.signature.outputs)},
               {"weight_bytes", description.weightBytes},
               {"arena_bytes", description.arena.bytes},
               {"alive_bytes", description.arena.alive},
               {"flop", totalFlop(description.kernels)},
               {"kernels", kernelsJson(description.kernels)}};
  // Names come from a model and need not be UTF-8.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}
