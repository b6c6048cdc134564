//===- KernelCache.cpp - Machine code kept between compilations -----------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/Package/KernelCache.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CachePruning.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SHA256.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/TargetParser/Host.h"

#include <link.h>

using namespace fovea;
using namespace llvm;

// An entry: a line, the digest of the object, the object.
static constexpr StringLiteral firstLine = "fovea kernel 1\n";
static constexpr size_t digestSize = 32;

//===----------------------------------------------------------------------===//
// What made an object
//===----------------------------------------------------------------------===//

namespace {
/// A library or program in this process, to be found by an address in it.
struct LoadedFile {
  uintptr_t address;
  std::string identity;
};
} // namespace

/// The build id that a linker put into a segment of notes, or nothing.
static StringRef findBuildId(StringRef notes) {
  while (notes.size() >= sizeof(ElfW(Nhdr))) {
    ElfW(Nhdr) note;
    memcpy(&note, notes.data(), sizeof note);
    size_t name = alignTo(note.n_namesz, 4), text = alignTo(note.n_descsz, 4);
    StringRef rest = notes.drop_front(sizeof note);
    if (note.n_type == NT_GNU_BUILD_ID && rest.starts_with("GNU"))
      return rest.substr(name, note.n_descsz);
    notes = rest.substr(name + text);
  }
  return "";
}

/// Of a file without a build id: where it is, its size and time.
static std::string describeFile(StringRef path) {
  sys::fs::file_status status;
  if (sys::fs::status(path.empty() ? "/proc/self/exe" : path, status))
    return "";
  return (path + "," + Twine(status.getSize()) + "," +
          Twine(status.getLastModificationTime().time_since_epoch().count()))
      .str();
}

/// For dl_iterate_phdr: 1 where the file is the one that is looked for.
static int describeLoaded(dl_phdr_info *info, size_t, void *data) {
  auto &wanted = *static_cast<LoadedFile *>(data);
  ArrayRef<ElfW(Phdr)> segments(info->dlpi_phdr, info->dlpi_phnum);
  bool holds = any_of(segments, [&](const ElfW(Phdr) & segment) {
    uintptr_t begin = info->dlpi_addr + segment.p_vaddr;
    return segment.p_type == PT_LOAD && wanted.address >= begin &&
           wanted.address - begin < segment.p_memsz;
  });
  if (!holds)
    return 0;
  for (const ElfW(Phdr) &segment : segments)
    if (segment.p_type == PT_NOTE && wanted.identity.empty())
      wanted.identity = findBuildId(StringRef(
          reinterpret_cast<const char *>(info->dlpi_addr + segment.p_vaddr),
          segment.p_memsz));
  if (wanted.identity.empty())
    wanted.identity = describeFile(info->dlpi_name);
  return 1;
}

template <typename T> static std::string identityOf(T *function) {
  LoadedFile file = {reinterpret_cast<uintptr_t>(function), ""};
  dl_iterate_phdr(describeLoaded, &file);
  return file.identity;
}

/// The builds of this compiler and of LLVM.
static const std::string &compilerIdentity() {
  static const std::string identity =
      identityOf(&compilerIdentity) + "/" + identityOf(&sys::getHostCPUName);
  return identity;
}

std::string KernelCache::key(StringRef bitcode, const TargetMachine &machine) {
  SHA256 sha;
  for (StringRef part :
       {StringRef(compilerIdentity()),
        StringRef(machine.getTargetTriple().str()), machine.getTargetCPU(),
        machine.getTargetFeatureString(), bitcode}) {
    sha.update(std::to_string(part.size()) + ":");
    sha.update(part);
  }
  return toHex(sha.final(), /*LowerCase=*/true).substr(0, 40);
}

//===----------------------------------------------------------------------===//
// The folder
//===----------------------------------------------------------------------===//

std::string KernelCache::defaultFolder() {
  SmallString<128> folder;
  if (!sys::path::cache_directory(folder))
    return "";
  sys::path::append(folder, "fovea", "kernels");
  return folder.str().str();
}

/// The prefix is the one that LLVM prunes.
std::string KernelCache::path(StringRef key) const {
  SmallString<128> path(folder);
  sys::path::append(path, "llvmcache-" + key);
  return path.str().str();
}

static StringRef digestOf(StringRef object, SHA256 &sha) {
  sha.update(object);
  static thread_local std::array<uint8_t, digestSize> digest;
  digest = sha.final();
  return {reinterpret_cast<const char *>(digest.data()), digest.size()};
}

std::unique_ptr<MemoryBuffer> KernelCache::lookup(StringRef key) const {
  if (folder.empty())
    return nullptr;
  int descriptor;
  if (sys::fs::openFileForRead(path(key), descriptor))
    return nullptr;
  auto buffer = MemoryBuffer::getOpenFile(descriptor, path(key),
                                          /*FileSize=*/-1,
                                          /*RequiresNullTerminator=*/false,
                                          /*IsVolatile=*/true);
  // For the order in which entries are removed.
  auto now = std::chrono::system_clock::now();
  if (buffer)
    (void)sys::fs::setLastAccessAndModificationTime(descriptor, now, now);
  sys::fs::file_t file = sys::fs::convertFDToNativeFile(descriptor);
  (void)sys::fs::closeFile(file);
  if (!buffer)
    return nullptr;
  StringRef entry = (*buffer)->getBuffer();
  if (!entry.consume_front(firstLine) || entry.size() <= digestSize)
    return nullptr;
  StringRef object = entry.drop_front(digestSize);
  SHA256 sha;
  if (digestOf(object, sha) != entry.take_front(digestSize))
    return nullptr;
  return MemoryBuffer::getMemBufferCopy(object, key);
}

void KernelCache::store(StringRef key, StringRef object) const {
  if (folder.empty() || sys::fs::create_directories(folder))
    return;
  // Renamed into place, so that no other compiler sees a part of it.
  int descriptor;
  SmallString<128> unfinished(folder);
  sys::path::append(unfinished, "llvmcache-unfinished-%%%%%%%%");
  if (sys::fs::createUniqueFile(unfinished, descriptor, unfinished))
    return;
  raw_fd_ostream os(descriptor, /*shouldClose=*/true);
  SHA256 sha;
  os << firstLine << digestOf(object, sha) << object;
  os.close();
  bool failed = os.has_error();
  os.clear_error();
  if (failed || sys::fs::rename(unfinished, path(key)))
    (void)sys::fs::remove(unfinished);
}

void KernelCache::prune(uint64_t bytes, std::chrono::seconds interval) const {
  if (folder.empty() || !sys::fs::is_directory(folder))
    return;
  CachePruningPolicy policy;
  policy.Interval = interval;
  policy.Expiration = std::chrono::hours(24 * 60);
  policy.MaxSizeBytes = bytes;
  (void)pruneCache(folder, policy);
}
