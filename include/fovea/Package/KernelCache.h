//===- KernelCache.h - Machine code kept between compilations ---*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PACKAGE_KERNELCACHE_H
#define FOVEA_PACKAGE_KERNELCACHE_H

#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Target/TargetMachine.h"

#include <chrono>
#include <memory>
#include <string>

namespace fovea {

/// Object files by a digest of all that they are made from: a folder that
/// several compilers may use at the same time. It only ever saves time: what
/// cannot be read, is damaged or cannot be written counts as not there.
class KernelCache {
public:
  /// An empty `folder` keeps nothing.
  explicit KernelCache(std::string folder) : folder(std::move(folder)) {}

  /// "fovea/kernels" in the user's folder for caches, which $XDG_CACHE_HOME
  /// places; empty if there is none.
  static std::string defaultFolder();

  /// A digest of LLVM IR before it is optimized, of the target, and of the
  /// builds of this compiler and of LLVM.
  static std::string key(llvm::StringRef bitcode,
                         const llvm::TargetMachine &machine);

  /// The object under `key`, or null.
  std::unique_ptr<llvm::MemoryBuffer> lookup(llvm::StringRef key) const;
  /// Keeps `object`; an entry is complete or not there at any time.
  void store(llvm::StringRef key, llvm::StringRef object) const;
  /// Removes the entries that were not used for longest until the others take
  /// at most `bytes`; looks once in `interval` only, since it reads the folder.
  void prune(uint64_t bytes, std::chrono::seconds interval) const;

private:
  std::string path(llvm::StringRef key) const;

  std::string folder;
};

} // namespace fovea

#endif // FOVEA_PACKAGE_KERNELCACHE_H
