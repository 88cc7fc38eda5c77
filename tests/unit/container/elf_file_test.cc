#include "container/elf_file.h"

#include <elf.h>
#include <fcntl.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "kernel/unique_fd.h"

namespace holdfast {
namespace {

// The smallest file a loader takes: one header, and program headers of which the last is loaded.
struct Elf {
  Elf64_Ehdr header{};
  std::vector<Elf64_Phdr> programs;

  Elf() {
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_type = ET_DYN;
    header.e_machine = EM_X86_64;
    header.e_phoff = sizeof header;
    header.e_phentsize = sizeof(Elf64_Phdr);
    programs.resize(1);
    programs.back().p_type = PT_LOAD;
    programs.back().p_filesz = 100;
  }
  std::string bytes() const {
    Elf64_Ehdr counted = header;
    counted.e_phnum = static_cast<Elf64_Half>(programs.size());
    std::string text(reinterpret_cast<const char*>(&counted), sizeof counted);
    text.append(reinterpret_cast<const char*>(programs.data()),
                programs.size() * sizeof(Elf64_Phdr));
    return text;
  }
};

bool loadable(const std::string& file) {
  return is_loadable_elf([&](std::uint64_t offset, std::span<unsigned char> buffer) -> std::size_t {
    if (offset >= file.size()) return 0;
    return file.copy(reinterpret_cast<char*>(buffer.data()), buffer.size(), offset);
  });
}

TEST(ElfFile, ProgramsAndLibrariesAreLoadable) {
  Elf elf;
  EXPECT_TRUE(loadable(elf.bytes()));
  elf.header.e_type = ET_EXEC;
  EXPECT_TRUE(loadable(elf.bytes()));
  elf.header.e_machine = EM_AARCH64;
  EXPECT_TRUE(loadable(elf.bytes())) << "musl's loader does not look";
}

TEST(ElfFile, CoreDumpsObjectsGpuAndBpfFilesAreData) {
  Elf elf;
  elf.header.e_type = ET_CORE;
  EXPECT_FALSE(loadable(elf.bytes()));
  elf.header.e_type = ET_REL;
  EXPECT_FALSE(loadable(elf.bytes()));
  elf.header.e_type = ET_DYN;
  for (const int machine : {EM_BPF, EM_CUDA, EM_AMDGPU, 205}) {
    elf.header.e_machine = static_cast<Elf64_Half>(machine);
    EXPECT_FALSE(loadable(elf.bytes())) << machine;
  }
}

TEST(ElfFile, WithoutAMagicNumberTheProgramHeadersDecide) {
  Elf elf;
  elf.header.e_ident[0] = 'X';
  elf.header.e_machine = EM_BPF;
  EXPECT_TRUE(loadable(elf.bytes()));
  elf.programs.back().p_filesz = 0;
  EXPECT_FALSE(loadable(elf.bytes()));
}

TEST(ElfFile, TheLoadSegmentMayBeTheLastOfMany) {
  Elf elf;
  elf.programs.insert(elf.programs.begin(), 1000, Elf64_Phdr{});
  EXPECT_TRUE(loadable(elf.bytes()));
  elf.header.e_phentsize = 0;
  EXPECT_FALSE(loadable(elf.bytes())) << "always the first, which is empty";
}

TEST(ElfFile, ThirtyTwoBitFilesAreReadByTheirOwnLayout) {
  Elf32_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_type = ET_EXEC;
  header.e_machine = EM_386;
  header.e_phoff = sizeof header;
  header.e_phentsize = sizeof(Elf32_Phdr);
  header.e_phnum = 1;
  Elf32_Phdr program{};
  program.p_type = PT_LOAD;
  program.p_filesz = 1;
  std::string text(reinterpret_cast<const char*>(&header), sizeof header);
  text.append(reinterpret_cast<const char*>(&program), sizeof program);
  EXPECT_TRUE(loadable(text));
}

TEST(ElfFile, ShortAndForeignFilesAreData) {
  EXPECT_FALSE(loadable(""));
  EXPECT_FALSE(loadable("#!/bin/sh\n"));
  EXPECT_FALSE(loadable(std::string(200, '\0')));
  EXPECT_FALSE(loadable(Elf().bytes().substr(0, 40)));
  EXPECT_FALSE(loadable(Elf().bytes().substr(0, 70))) << "no program header";
  Elf wraps;
  wraps.header.e_phoff = ~0ULL;
  EXPECT_FALSE(loadable(wraps.bytes()));
}

TEST(ElfFile, ThisTestIsLoadable) {
  const UniqueFd self(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  EXPECT_TRUE(is_loadable_elf(self.get()));
  const UniqueFd text(open("/proc/self/maps", O_RDONLY | O_CLOEXEC));
  EXPECT_FALSE(is_loadable_elf(text.get()));
}

}  // namespace
}  // namespace holdfast
