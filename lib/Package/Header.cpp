//===- Header.cpp - The C header of a library ---------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/Package/Package.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace fovea;

/// The text of include/fovea/Runtime/fovea.h.
static constexpr char interfaceText[] =
#include "fovea/Package/Interface.inc"
    ;

std::string fovea::cIdentifier(llvm::StringRef name) {
  constexpr size_t longest = 64;
  std::string result;
  for (char c : name.take_front(longest))
    result += llvm::isAlnum(c) ? c : '_';
  if (result.empty() || llvm::isDigit(result.front()))
    result.insert(0, "m");
  return result;
}

/// A name of the model inside of a comment.
static std::string commentText(llvm::StringRef name) {
  constexpr size_t longest = 64;
  std::string result;
  for (char c : name.take_front(longest))
    result += llvm::isPrint(c) && c != '*' && c != '\\' ? c : '?';
  return result;
}

static void writeDims(llvm::raw_ostream &os, const TensorSignature &tensor) {
  if (!tensor.hasRank) {
    os << "[...]";
    return;
  }
  os << '[';
  llvm::interleaveComma(llvm::zip(tensor.dims, tensor.symbols), os,
                        [&](auto dimension) {
                          auto [dim, symbol] = dimension;
                          if (dim >= 0)
                            os << dim;
                          else
                            os << (symbol.empty() ? "?" : commentText(symbol));
                        });
  os << ']';
}

static void writeTensors(llvm::raw_ostream &os, llvm::StringRef kind,
                         llvm::ArrayRef<TensorSignature> tensors) {
  for (auto [i, tensor] : llvm::enumerate(tensors)) {
    os << " *   " << kind << ' ' << i << "  " << commentText(tensor.name)
       << ": " << (tensor.isOptional ? "optional " : "")
       << (tensor.isSequence ? "sequence of " : "") << tensor.dtype << ' ';
    writeDims(os, tensor);
    os << '\n';
  }
}

std::string fovea::writeHeader(const ModelDescription &description) {
  const Signature &signature = description.signature;
  std::string name = cIdentifier(signature.model);
  std::string guard = "FOVEA_MODEL_" + llvm::StringRef(name).upper() + "_H";
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "/* Written by fovea-compile.\n *\n"
     << " * The model '" << commentText(signature.model) << "', build "
     << description.buildId << ", for " << description.cpu << ":\n *\n";
  writeTensors(os, "input ", signature.inputs);
  writeTensors(os, "output", signature.outputs);
  os << " */\n#ifndef " << guard << "\n#define " << guard << "\n\n"
     << interfaceText << "\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n"
     << "/* fovea_get_api() of this library, under a name of its own. */\n"
     << "const fovea_api *fovea_get_api_" << name << "(uint32_t version);\n"
     << "#ifdef __cplusplus\n}\n#endif\n\n"
     << "enum {\n  " << name << "_input_count = " << signature.inputs.size()
     << ",\n  " << name << "_output_count = " << signature.outputs.size()
     << "\n};\n\n#endif /* " << guard << " */\n";
  return text;
}
