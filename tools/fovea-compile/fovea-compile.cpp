//===- fovea-compile.cpp - An ONNX model to a native library --------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/Package/Compiler.h"
#include "fovea/Package/Diagnostics.h"
#include "fovea/Package/Paths.h"

#include "mlir/Support/Timing.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/ToolOutputFile.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/TargetParser/Host.h"

using namespace fovea;
namespace cl = llvm::cl;

static constexpr char overview[] =
    R"(Compiles an ONNX model to a native library with a C interface.

  fovea-compile vit.onnx                        vit.so, vit.h and vit.json
  fovea-compile vit.onnx -o lib/vit.so --target-cpu=znver4
  fovea-compile bert.onnx --dim batch=1 --dim sequence=128
                                                fixed sizes run faster
  fovea-compile vit.onnx --remarks              what was recognised, and what
                                                nearly
  fovea-compile vit.onnx --emit=schedule -o -   the IR after a stage
  fovea-run vit.so --benchmark 20               then run it

Errors are one line, exit code 1, and no file is left half-written.
)";

namespace {
enum class Remarks { None, Text, Json };

/// The command line as it was typed.
struct CommandLine {
  cl::OptionCategory category{"Options"};
  cl::opt<std::string> input{cl::Positional, cl::desc("<model.onnx>"),
                             cl::cat(category)};
  cl::opt<std::string> output{
      "o", cl::desc("Output; by default the model's name in this folder"),
      cl::value_desc("file"), cl::cat(category)};
  std::string kinds = "Stop after a stage and write what it produces: " +
                      llvm::join(emitKinds(), ", ") + " (default)";
  cl::opt<std::string> emit{"emit", cl::desc(kinds), cl::value_desc("stage"),
                            cl::init("lib"), cl::cat(category)};
  cl::opt<std::string> cpu{
      "target-cpu",
      cl::desc("CPU to compile for: a name of LLVM such as znver4, "
               "sapphirerapids or x86-64-v3, or native (default)"),
      cl::value_desc("name"), cl::init("native"), cl::cat(category)};
  cl::opt<std::string> triple{
      "target-triple", cl::desc("Architecture and system to compile for"),
      cl::value_desc("triple"), cl::cat(category)};
  cl::list<std::string> dims{
      "dim", cl::desc("Fix a symbolic dimension; may be repeated"),
      cl::value_desc("name=value"), cl::cat(category)};
  cl::opt<bool> fastMath{
      "fast-math",
      cl::desc("Allow sums in any order, reciprocals for divisions and "
               "approximate functions; infinities and NaN keep their meaning"),
      cl::cat(category)};
  cl::opt<std::string> precision{
      "precision",
      cl::desc("Operands of the contractions of a float32 model: model (as it "
               "says, default) or bf16 (rounded to 8 bits, with sums in "
               "float32; about twice as fast with AVX512-BF16, and half the "
               "weights)"),
      cl::value_desc("type"), cl::init("model"), cl::cat(category)};
  cl::opt<Remarks> remarks{
      "remarks",
      cl::desc("Say what was recognised in the model and why near misses "
               "were not"),
      cl::values(clEnumValN(Remarks::Text, "", ""),
                 clEnumValN(Remarks::Text, "text", "One line each"),
                 clEnumValN(Remarks::Json, "json",
                            "A list of {kind, recognised, where, why}")),
      cl::ValueOptional,
      cl::init(Remarks::None),
      cl::cat(category)};
  cl::opt<std::string> remarksFile{
      "remarks-file",
      cl::desc("Write remarks to a file, not to standard error"),
      cl::value_desc("file"), cl::cat(category)};
  cl::opt<std::string> cacheDir{
      "cache-dir",
      cl::desc("Where compiled kernels are kept for later compilations; by "
               "default fovea/kernels in $XDG_CACHE_HOME or ~/.cache"),
      cl::value_desc("folder"), cl::cat(category)};
  cl::opt<bool> noCache{"no-cache",
                        cl::desc("Compile all kernels, and keep none"),
                        cl::cat(category)};
  cl::opt<bool> verbose{"verbose", cl::desc("Say what was done"),
                        cl::cat(category)};
  cl::opt<bool> timing{"timing", cl::desc("Print the time of each pass"),
                       cl::cat(category)};
  cl::opt<bool> saveTemps{
      "save-temps",
      cl::desc("Keep what each stage produces, beside the output"),
      cl::cat(category)};
};
} // namespace

static int fail(const llvm::Twine &message) {
  llvm::errs() << "fovea-compile: error: " << oneLine(message.str()) << '\n';
  return 1;
}

static llvm::Error parseDims(llvm::ArrayRef<std::string> dims,
                             llvm::StringMap<int64_t> &values) {
  for (llvm::StringRef dim : dims) {
    auto [name, text] = dim.rsplit('=');
    int64_t value;
    if (name.empty() || text.getAsInteger(10, value) || value < 0)
      return llvm::createStringError("--dim " + dim +
                                     ": expected <name>=<size>");
    values[name] = value;
  }
  return llvm::Error::success();
}

static llvm::Expected<CompileOptions> makeOptions(const CommandLine &line) {
  CompileOptions options;
  options.input = line.input;
  options.emit = line.emit;
  options.target = {line.cpu, line.triple};
  options.fastMath = line.fastMath;
  options.precision = line.precision;
  if (options.precision != "model" && options.precision != "bf16")
    return llvm::createStringError("--precision=" + options.precision +
                                   ": expected model or bf16");
  options.saveTemps = line.saveTemps;
  options.output = line.output;
  if (!line.cacheDir.empty())
    options.cacheFolder = line.cacheDir;
  if (line.noCache)
    options.cacheFolder.clear();
  if (options.output.empty())
    options.output = options.emit == "lib"
                         ? llvm::sys::path::stem(options.input).str() + ".so"
                         : "-";
  if (options.input.empty())
    return llvm::createStringError("no model given; see fovea-compile --help");
  if (!line.remarksFile.empty() && line.remarks == Remarks::None)
    return llvm::createStringError("--remarks-file needs --remarks");
  if (llvm::Error error = parseDims(line.dims, options.dims))
    return std::move(error);
  // One line that is rewritten, where somebody watches it.
  if (llvm::sys::Process::StandardErrIsDisplayed() && options.output != "-")
    options.progress = [](llvm::StringRef step, unsigned index,
                          unsigned count) {
      llvm::errs() << "\r\033[K[" << index << '/' << count << "] " << step;
    };
  return options;
}

static void writeRemarks(const CommandLine &line, llvm::raw_ostream &os,
                         llvm::ArrayRef<SiteRemark> sites) {
  if (line.remarks == Remarks::Json)
    printSiteRemarksJSON(os, sites);
  else if (line.remarks == Remarks::Text)
    printSiteRemarks(os, sites);
}

/// Opens the file for remarks ahead of the work; it goes away unless kept.
static llvm::Expected<std::unique_ptr<llvm::ToolOutputFile>>
openRemarks(const CommandLine &line) {
  if (line.remarksFile.empty())
    return nullptr;
  std::error_code code;
  auto file = std::make_unique<llvm::ToolOutputFile>(line.remarksFile, code,
                                                     llvm::sys::fs::OF_None);
  if (code)
    return llvm::createStringError(code, "cannot write '" + line.remarksFile +
                                             "': " + code.message());
  return file;
}

static llvm::Error compile(Compiler &compiler, const CommandLine &line,
                           mlir::DefaultTimingManager &timing) {
  auto remarks = openRemarks(line);
  if (!remarks)
    return remarks.takeError();
  mlir::TimingScope scope = timing.getRootScope();
  if (llvm::Error error = compiler.run(scope))
    return error;
  if (line.verbose)
    for (const std::string &note : compiler.notes())
      llvm::errs() << note << '\n';
  writeRemarks(line, *remarks ? (*remarks)->os() : llvm::errs(),
               compiler.sites());
  if (*remarks)
    (*remarks)->keep();
  return llvm::Error::success();
}

/// Runs the compiler where neither a deep model nor a crash of a pass ends the
/// process without a word.
static int runGuarded(Compiler &compiler, const CommandLine &line) {
  constexpr unsigned stackBytes = 1u << 30;
  int result = 1;
  mlir::DefaultTimingManager timing;
  timing.setEnabled(line.timing);
  llvm::CrashRecoveryContext::Enable();
  llvm::CrashRecoveryContext recovery;
  bool finished = recovery.RunSafelyOnThread(
      [&] {
        llvm::Error error = compile(compiler, line, timing);
        if (llvm::sys::Process::StandardErrIsDisplayed())
          llvm::errs() << "\r\033[K";
        result = error ? fail(llvm::toString(std::move(error))) : 0;
      },
      stackBytes);
  if (!finished)
    result = fail("internal error in step '" + compiler.step() +
                  "'; please report it with the model");
  if (!line.timing || result)
    timing.setEnabled(false);
  return result;
}

int main(int argc, char **argv) {
  CommandLine line;
  cl::HideUnrelatedOptions(line.category);
  cl::SetVersionPrinter([](llvm::raw_ostream &os) {
    os << "fovea-compile " << FOVEA_VERSION << " (LLVM " << LLVM_VERSION_STRING
       << ", " << llvm::sys::getDefaultTargetTriple() << ", "
       << llvm::sys::getHostCPUName() << ")\n";
  });
  std::string message;
  llvm::raw_string_ostream messages(message);
  if (!cl::ParseCommandLineOptions(argc, argv, overview, &messages)) {
    llvm::StringRef first = llvm::StringRef(message).split('\n').first;
    first.consume_front("fovea-compile: ");
    // An unknown value of an option has been reported already.
    return first.empty() ? 1 : fail(first);
  }
  llvm::Expected<CompileOptions> options = makeOptions(line);
  if (!options)
    return fail(llvm::toString(options.takeError()));
  Compiler compiler(std::move(*options));
  return runGuarded(compiler, line);
}
