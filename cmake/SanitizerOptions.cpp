//===- SanitizerOptions.cpp - What AddressSanitizer has to know -----------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// Debian's LLVM is not instrumented: its containers and allocators leave no
// marks where ours do, and its signal handlers use a stack of their own. What a
// tool still holds when it exits is no leak.
extern "C" __attribute__((no_sanitize("address", "undefined"), used))
const char *
__asan_default_options() {
  return "detect_container_overflow=0:allow_user_poisoning=0:use_sigaltstack=0:"
         "detect_leaks=0";
}
