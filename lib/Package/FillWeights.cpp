//===- FillWeights.cpp - Constants into a linked library ------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The linker sees the constants as a section without contents (like .bss, but
// read-only), which costs it nothing. It puts such a section at the end of a
// loadable segment. Here that end becomes a segment of its own whose contents
// are appended to the file. The table of segments has room for it because a
// shared library does not need the entry that describes the table itself.
//
//===----------------------------------------------------------------------===//

#include "fovea/Package/Package.h"

#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

using namespace fovea;
using namespace llvm;

using Segments = SmallVector<ELF::Elf64_Phdr, 16>;
using Sections = SmallVector<ELF::Elf64_Shdr, 32>;

template <typename Table>
static bool readTable(StringRef file, uint64_t offset, size_t count,
                      Table &table) {
  using Entry = typename Table::value_type;
  if (offset > file.size() || count > (file.size() - offset) / sizeof(Entry))
    return false;
  table.resize(count);
  memcpy(table.data(), file.data() + offset, count * sizeof(Entry));
  return true;
}

template <typename Table>
static void writeTable(raw_fd_ostream &os, uint64_t offset,
                       const Table &table) {
  os.seek(offset);
  os.write(reinterpret_cast<const char *>(table.data()),
           table.size() * sizeof(typename Table::value_type));
}

/// The section of this name; null if there is none.
static ELF::Elf64_Shdr *findSection(StringRef file, Sections &sections,
                                    size_t names, StringRef name) {
  if (names >= sections.size())
    return nullptr;
  StringRef text = file.substr(sections[names].sh_offset);
  for (ELF::Elf64_Shdr &section : sections)
    if (text.substr(section.sh_name).starts_with((name + Twine('\0')).str()))
      return &section;
  return nullptr;
}

/// Makes the end of a segment that `section` is one of its own, at `offset` of
/// the file; false if the segments are not as expected.
static bool splitSegment(Segments &segments, const ELF::Elf64_Shdr &section,
                         uint64_t offset) {
  auto *table = find_if(segments, [](const ELF::Elf64_Phdr &segment) {
    return segment.p_type == ELF::PT_PHDR;
  });
  if (table == segments.end())
    return false;
  segments.erase(table);
  auto *holder = find_if(segments, [&](const ELF::Elf64_Phdr &segment) {
    return segment.p_type == ELF::PT_LOAD &&
           section.sh_addr >= segment.p_vaddr + segment.p_filesz &&
           section.sh_addr + section.sh_size ==
               segment.p_vaddr + segment.p_memsz;
  });
  if (holder == segments.end())
    return false;
  ELF::Elf64_Phdr added = *holder;
  added.p_flags = ELF::PF_R;
  added.p_offset = offset;
  added.p_vaddr = added.p_paddr = section.sh_addr;
  added.p_filesz = added.p_memsz = section.sh_size;
  holder->p_memsz = section.sh_addr - holder->p_vaddr;
  segments.insert(holder + 1, added);
  return true;
}

Error WeightsWriter::fillLibrary(StringRef path) const {
  auto buffer = MemoryBuffer::getFile(path, /*IsText=*/false,
                                      /*RequiresNullTerminator=*/false,
                                      /*IsVolatile=*/true);
  if (!buffer)
    return createStringError(buffer.getError(), "cannot read '" + path + "'");
  StringRef file = (*buffer)->getBuffer();
  ELF::Elf64_Ehdr header;
  Segments segments;
  Sections sections;
  bool valid = file.size() > sizeof header;
  if (valid)
    memcpy(&header, file.data(), sizeof header);
  valid = valid && readTable(file, header.e_phoff, header.e_phnum, segments) &&
          readTable(file, header.e_shoff, header.e_shnum, sections);
  ELF::Elf64_Shdr *section =
      valid ? findSection(file, sections, header.e_shstrndx, sectionName)
            : nullptr;
  uint64_t offset = alignTo(file.size(), sectionAlignment());
  if (!section || section->sh_type != ELF::SHT_NOBITS ||
      section->sh_size != end || !splitSegment(segments, *section, offset))
    return createStringError("the linker made a library that constants cannot "
                             "be added to");
  section->sh_type = ELF::SHT_PROGBITS;
  section->sh_offset = offset;

  int descriptor;
  if (std::error_code code = sys::fs::openFileForReadWrite(
          path, descriptor, sys::fs::CD_OpenExisting, sys::fs::OF_None))
    return createStringError(code,
                             "cannot write '" + path + "': " + code.message());
  raw_fd_ostream os(descriptor, /*shouldClose=*/true);
  writeTable(os, header.e_phoff, segments);
  writeTable(os, header.e_shoff, sections);
  os.seek(offset);
  // Aligned pieces of this size become huge pages of the file cache.
  os.SetBufferSize(sectionAlignment());
  writeContents(os);
  os.close();
  if (os.has_error()) {
    std::error_code code = os.error();
    os.clear_error();
    return createStringError(code,
                             "cannot write '" + path + "': " + code.message());
  }
  return Error::success();
}
