# FOVEA_SANITIZE and FOVEA_FUZZ: what they add to every target. Debian's LLVM, MLIR and protobuf are not instrumented;
# SanitizerOptions.cpp turns off the checks that this would make cry wolf.
if(FOVEA_FUZZ)
  set(FOVEA_SANITIZE ON)
  # Coverage guides the fuzzers, whose link adds libFuzzer itself. The runtime, in C, is no part of what they run.
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fsanitize=fuzzer-no-link>)
endif()
if(FOVEA_SANITIZE)
  # What vptr needs, types at run time, LLVM does not have. A finding ends the program, so that a test fails.
  set(sanitizers -fsanitize=address,undefined -fno-sanitize=vptr -fno-sanitize-recover=all)
  add_compile_options(${sanitizers} -fno-omit-frame-pointer -gline-tables-only)
  # The assertions in the headers of LLVM and of the standard library say where an index or a cast is wrong, before it
  # reads what happens to lie there.
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-UNDEBUG> $<$<COMPILE_LANGUAGE:CXX>:-D_GLIBCXX_ASSERTIONS>)
  # The program holds the sanitizers' code, so that libraries have undefined symbols.
  add_link_options(${sanitizers})
else()
  add_link_options(-Wl,-z,defs)
endif()
