//===- Link.cpp - Objects to a shared library ---------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/Package/Package.h"
#include "fovea/Package/Paths.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/TargetParser/Host.h"

#include <dlfcn.h>

using namespace fovea;
using namespace llvm;

/// The folder of the library that this code is in.
static std::string ownFolder() {
  Dl_info info;
  if (!dladdr(reinterpret_cast<void *>(&ownFolder), &info))
    return "";
  return sys::path::parent_path(info.dli_fname).str();
}

static std::string firstExisting(ArrayRef<std::string> candidates) {
  for (const std::string &path : candidates)
    if (!path.empty() && sys::fs::exists(path))
      return path;
  return "";
}

static Expected<std::string> findLinker() {
  std::string found = firstExisting({FOVEA_LLD});
  for (StringRef name : {"ld.lld-22", "ld.lld"})
    if (found.empty())
      if (ErrorOr<std::string> program = sys::findProgramByName(name))
        found = *program;
  if (found.empty())
    return createStringError(
        "no linker: install LLVM's ld.lld or put it on the path");
  return found;
}

static Expected<std::string> findRuntime() {
  std::string found = firstExisting(
      {ownFolder() + "/libfovea_runtime.a", FOVEA_RUNTIME_ARCHIVE});
  if (found.empty())
    return createStringError("libfovea_runtime.a is not beside the compiler's "
                             "library: the installation is incomplete");
  return found;
}

/// The first line of `path` that says something.
static std::string firstLine(StringRef path) {
  auto buffer = MemoryBuffer::getFile(path);
  if (!buffer)
    return "";
  return StringRef((*buffer)->getBuffer()).trim().split('\n').first.str();
}

static Error writeText(StringRef path, StringRef text) {
  std::error_code code;
  raw_fd_ostream os(path, code);
  if (code)
    return createStringError(code,
                             "cannot write '" + path + "': " + code.message());
  os << text;
  return Error::success();
}

static std::vector<std::string> linkerArguments(const LinkInputs &inputs,
                                                StringRef linker,
                                                StringRef runtime,
                                                StringRef exports) {
  std::string alias = "fovea_get_api_" + inputs.modelIdentifier;
  std::vector<std::string> arguments = {
      linker.str(), "-shared", "-o", inputs.output,
      // Every symbol is there, so that loading cannot fail half-way.
      "-z", FOVEA_SANITIZE ? "undefs" : "defs", "-z", "now", "-z", "relro",
      "-z", "noexecstack", "--gc-sections", "--hash-style=gnu",
      "--build-id=none", "-soname", inputs.soname, "--version-script",
      exports.str(),
      // Nothing refers to the entry in the archive.
      "-u", "fovea_get_api", "--defsym=" + alias + "=fovea_get_api"};
  for (const auto &[name, meant] : inputs.aliases)
    arguments.push_back(("--defsym=" + Twine(name) + "=" + meant).str());
  for (const std::string &object : inputs.objects)
    arguments.push_back(object);
  arguments.push_back(runtime.str());
  arguments.push_back("--as-needed");
  for (const char *library :
       {FOVEA_LIBOMP, FOVEA_LIBC, FOVEA_LIBM, FOVEA_LIBLOADER})
    arguments.push_back(library);
  // Where the loader does not know libomp by itself.
  arguments.push_back("-rpath");
  arguments.push_back(sys::path::parent_path(FOVEA_LIBOMP).str());
  return arguments;
}

Error fovea::checkLinkable(const Triple &triple) {
  if (triple.getArch() == Triple(sys::getDefaultTargetTriple()).getArch())
    return Error::success();
  return createStringError(
      "no runtime for '" + triple.str() +
      "' here, so that no library can be linked: use --emit=obj");
}

Error fovea::linkLibrary(const LinkInputs &inputs) {
  Expected<std::string> linker = findLinker(), runtime = findRuntime();
  if (!linker || !runtime)
    return joinErrors(linker.takeError(), runtime.takeError());
  std::string exports = inputs.output + ".map", log = inputs.output + ".log";
  FileRemover removeExports(exports), removeLog(log);
  if (Error error =
          writeText(exports, "{ global: fovea_get_api; fovea_get_api_" +
                                 inputs.modelIdentifier + "; local: *; };\n"))
    return error;
  std::vector<std::string> arguments =
      linkerArguments(inputs, *linker, *runtime, exports);
  std::vector<StringRef> references(arguments.begin(), arguments.end());
  std::string message;
  int status = sys::ExecuteAndWait(
      *linker, references, std::nullopt,
      {std::nullopt, StringRef(log), StringRef(log)}, 0, 0, &message);
  if (status != 0)
    return createStringError("the linker failed: " +
                             (message.empty() ? firstLine(log) : message));
  return Error::success();
}
