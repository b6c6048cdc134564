"""How lit finds and runs the tests; docs/Testing.md is the guide.

Substitutions: every tool of build/bin by its name, FileCheck, not, count, and
  %python   Python with numpy and onnx      %models   test/Models
  %cc       the C compiler of the build     %include  include/
  %build    the build folder                %source   the root of the tree
"""

import os

import lit.formats

config.name = "Fovea"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test", ".py"]
config.excludes = ["Inputs", "oracles", "harness.py", "seeds.py", "export.py", "count_attention.py", "loop_allocations.py", "lit.cfg.py", "Unit"]
config.test_source_root = os.path.join(config.fovea_source, "test")
config.test_exec_root = os.path.join(config.fovea_build, "test")

tools = os.path.join(config.fovea_build, "bin")
if not os.path.exists(os.path.join(tools, "fovea-run")):
    config.excludes += ["Execution", "Models"]
config.environment["PATH"] = os.pathsep.join([tools, config.llvm_tools, os.environ.get("PATH", "")])
# Tests run side by side: a program that takes every core only disturbs them.
config.environment["OMP_NUM_THREADS"] = os.environ.get("OMP_NUM_THREADS", "1")
config.environment["PYTHONPATH"] = os.pathsep.join(
    [config.test_source_root, os.path.join(config.fovea_source, "python")])
config.environment["PYTHONDONTWRITEBYTECODE"] = "1"
config.environment["FOVEA_BIN"] = tools
# Compiled kernels are kept from run to run, but never among those of the user.
config.environment["XDG_CACHE_HOME"] = os.path.join(config.test_exec_root, "cache")
for name in ("HOME", "ASAN_OPTIONS", "UBSAN_OPTIONS"):
    if name in os.environ:
        config.environment[name] = os.environ[name]

compiler = config.c_compiler
if config.sanitize:
    # A library of an instrumented runtime needs a program that brings the sanitizers.
    config.available_features.add("sanitize")
    config.environment["FOVEA_SANITIZE"] = "1"
    compiler += " -fsanitize=address,undefined -fno-sanitize-recover=all"

config.substitutions += [
    ("%python", config.python),
    ("%models", os.path.join(config.test_source_root, "Models")),
    ("%cc", compiler),
    ("%include", os.path.join(config.fovea_source, "include")),
    ("%build", config.fovea_build),
    ("%source", config.fovea_source),
]
