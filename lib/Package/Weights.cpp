//===- Weights.cpp - Constants as one section of the library ------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/Package/Package.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/SHA256.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Support/xxhash.h"

using namespace fovea;
using namespace llvm;

void WeightsWriter::add(StringRef symbol, ArrayRef<char> bytes) {
  uint64_t hash =
      xxh3_64bits(arrayRefFromStringRef({bytes.data(), bytes.size()}));
  auto [first, last] = byHash.equal_range(hash);
  for (auto it = first; it != last; ++it)
    if (blobs[it->second].bytes == bytes) {
      symbols.push_back({symbol.str(), it->second});
      return;
    }
  size_t offset = alignTo(end, alignment);
  byHash.emplace(hash, blobs.size());
  symbols.push_back({symbol.str(), blobs.size()});
  blobs.push_back({bytes, offset, hash});
  end = offset + bytes.size();
}

void WeightsWriter::addOwned(StringRef symbol, std::vector<char> bytes) {
  owned.push_back(std::move(bytes));
  add(symbol, owned.back());
}

std::string WeightsWriter::digest() const {
  SHA256 sha;
  for (const Symbol &symbol : symbols) {
    sha.update(symbol.name);
    sha.update(utohexstr(blobs[symbol.blob].hash));
  }
  return toHex(sha.final());
}

namespace {
/// A string table of an ELF file.
struct StringTable {
  std::string text = std::string(1, '\0');
  uint32_t add(StringRef name) {
    uint32_t at = text.size();
    text += name.str() + '\0';
    return at;
  }
};
} // namespace

template <typename T> static void write(raw_ostream &os, const T &value) {
  os.write(reinterpret_cast<const char *>(&value), sizeof value);
}

static ELF::Elf64_Shdr section(uint32_t name, uint32_t type, uint64_t flags,
                               uint64_t offset, uint64_t size,
                               uint64_t alignment) {
  ELF::Elf64_Shdr header = {};
  header.sh_name = name;
  header.sh_type = type;
  header.sh_flags = flags;
  header.sh_offset = offset;
  header.sh_size = size;
  header.sh_addralign = alignment;
  return header;
}

/// Of an object file whose five section headers lie at `headers`.
static ELF::Elf64_Ehdr fileHeader(const Triple &triple, uint64_t headers) {
  ELF::Elf64_Ehdr header = {};
  memcpy(header.e_ident, ELF::ElfMagic, 4);
  header.e_ident[ELF::EI_CLASS] = ELF::ELFCLASS64;
  header.e_ident[ELF::EI_DATA] = ELF::ELFDATA2LSB;
  header.e_ident[ELF::EI_VERSION] = header.e_version = ELF::EV_CURRENT;
  header.e_type = ELF::ET_REL;
  header.e_machine = triple.isAArch64() ? ELF::EM_AARCH64 : ELF::EM_X86_64;
  header.e_shoff = headers;
  header.e_ehsize = sizeof header;
  header.e_shentsize = sizeof(ELF::Elf64_Shdr);
  header.e_shnum = 5;
  header.e_shstrndx = 4;
  return header;
}

static Error cannotWrite(StringRef path, std::error_code code) {
  return createStringError(code,
                           "cannot write '" + path + "': " + code.message());
}

uint64_t WeightsWriter::sectionAlignment() const {
  // What a page may be on any machine that there is code for, or whole huge
  // pages, where the gaps do not matter.
  constexpr uint64_t largestPage = 1 << 16, hugePage = 1 << 21;
  return end >= 8 * hugePage ? hugePage : largestPage;
}

void WeightsWriter::writeContents(raw_ostream &os) const {
  uint64_t at = 0;
  for (const Blob &blob : blobs) {
    os.write_zeros(blob.offset - at);
    os.write(blob.bytes.data(), blob.bytes.size());
    at = blob.offset + blob.bytes.size();
  }
}

/// The layout is: file header, contents, symbols, strings, section headers.
/// Written by hand because an assembler would hold the contents in memory
/// several times.
Error WeightsWriter::writeObject(StringRef path, const Triple &triple,
                                 bool withContents) const {
  constexpr uint64_t page = 4096, word = 8;
  std::error_code code;
  raw_fd_ostream os(path, code);
  if (code)
    return cannotWrite(path, code);
  StringTable strings, names;
  std::vector<ELF::Elf64_Sym> table(1);
  for (const Symbol &symbol : symbols) {
    ELF::Elf64_Sym entry = {};
    entry.st_name = strings.add(symbol.name);
    entry.setBindingAndType(ELF::STB_GLOBAL, ELF::STT_OBJECT);
    entry.st_other = ELF::STV_HIDDEN;
    entry.st_shndx = 1;
    entry.st_value = blobs[symbol.blob].offset;
    entry.st_size = blobs[symbol.blob].bytes.size();
    table.push_back(entry);
  }
  // A large section (x86-64 psABI, 4.2.1) lies where it moves no other one out
  // of the reach of 32 bits.
  bool isX86 = triple.isX86_64();
  uint64_t flags = ELF::SHF_ALLOC | (isX86 ? ELF::SHF_X86_64_LARGE : 0);
  StringRef name = sectionName;
  if (withContents)
    name = isX86 ? ".lrodata.fovea_weights" : ".rodata.fovea_weights";
  uint32_t weightsName = names.add(name), symtabName = names.add(".symtab"),
           strtabName = names.add(".strtab"),
           namesName = names.add(".shstrtab");
  uint64_t stored = withContents ? end : 0;
  uint64_t symtab = alignTo(page + stored, word);
  uint64_t symtabSize = table.size() * sizeof(ELF::Elf64_Sym);
  uint64_t strtab = symtab + symtabSize;
  uint64_t shstrtab = strtab + strings.text.size();
  uint64_t headers = alignTo(shstrtab + names.text.size(), word);

  ELF::Elf64_Ehdr header = fileHeader(triple, headers);
  write(os, header);
  os.write_zeros(page - sizeof header);
  if (withContents)
    writeContents(os);
  os.write_zeros(symtab - page - stored);
  for (const ELF::Elf64_Sym &entry : table)
    write(os, entry);
  os << strings.text << names.text;
  os.write_zeros(headers - shstrtab - names.text.size());
  write(os, ELF::Elf64_Shdr());
  write(os,
        section(weightsName, withContents ? ELF::SHT_PROGBITS : ELF::SHT_NOBITS,
                flags, page, end, withContents ? page : sectionAlignment()));
  ELF::Elf64_Shdr symbolHeader =
      section(symtabName, ELF::SHT_SYMTAB, 0, symtab, symtabSize, word);
  symbolHeader.sh_link = 3; // Its strings.
  symbolHeader.sh_info = 1; // The first global symbol.
  symbolHeader.sh_entsize = sizeof(ELF::Elf64_Sym);
  write(os, symbolHeader);
  write(os, section(strtabName, ELF::SHT_STRTAB, 0, strtab, strings.text.size(),
                    1));
  write(os,
        section(namesName, ELF::SHT_STRTAB, 0, shstrtab, names.text.size(), 1));
  os.close();
  if (os.has_error()) {
    code = os.error();
    os.clear_error();
    return cannotWrite(path, code);
  }
  return Error::success();
}
