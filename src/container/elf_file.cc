#include "container/elf_file.h"

#include <elf.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace holdfast {
namespace {

// Runs on no processor; not all are in elf.h.
constexpr Elf64_Half kIntelGraphics = 205;
constexpr std::array<Elf64_Half, 4> kDataMachines{EM_BPF, EM_CUDA, EM_AMDGPU, kIntelGraphics};

// A file read in windows, as there may be 65535 program headers.
class Window {
 public:
  explicit Window(const ReadAt& read) : read_(read) {}
  bool copy(std::uint64_t offset, std::span<unsigned char> to) {
    if (offset < start_ || offset + to.size() > start_ + length_) {
      start_ = offset;
      length_ = read_(offset, bytes_);
      if (length_ < to.size()) return false;
    }
    std::memcpy(to.data(), bytes_.data() + (offset - start_), to.size());
    return true;
  }

 private:
  const ReadAt& read_;
  std::array<unsigned char, 4096> bytes_{};
  std::uint64_t start_ = 0;
  std::size_t length_ = 0;
};

// Program headers of one class, as a loader walks them that checks nothing else.
template <typename Header, typename ProgramHeader>
bool has_load_segment(std::span<const unsigned char> head, const ReadAt& read) {
  if (head.size() < sizeof(Header)) return false;
  Header header;
  std::memcpy(&header, head.data(), sizeof header);
  Window window(read);
  for (std::uint64_t i = 0; i < header.e_phnum; ++i) {
    std::array<unsigned char, sizeof(ProgramHeader)> bytes{};
    // An offset that wraps around reads nothing.
    if (!window.copy(header.e_phoff + i * header.e_phentsize, bytes)) return false;
    ProgramHeader program;
    std::memcpy(&program, bytes.data(), sizeof program);
    if (program.p_type == PT_LOAD && program.p_filesz > 0) return true;
  }
  return false;
}

}  // namespace

bool is_loadable_elf(const ReadAt& read) {
  std::array<unsigned char, sizeof(Elf64_Ehdr)> buffer{};
  const std::span<const unsigned char> head(buffer.data(), read(0, buffer));
  // Type and machine lie at the same place in both classes.
  if (head.size() < sizeof(Elf32_Ehdr)) return false;
  Elf64_Half type = 0;
  Elf64_Half machine = 0;
  std::memcpy(&type, head.data() + offsetof(Elf64_Ehdr, e_type), sizeof type);
  std::memcpy(&machine, head.data() + offsetof(Elf64_Ehdr, e_machine), sizeof machine);
  if (type != ET_EXEC && type != ET_DYN) return false;
  const bool has_magic = std::memcmp(head.data(), ELFMAG, SELFMAG) == 0;
  if (has_magic &&
      std::find(kDataMachines.begin(), kDataMachines.end(), machine) != kDataMachines.end()) {
    return false;
  }
  return has_load_segment<Elf64_Ehdr, Elf64_Phdr>(head, read) ||
         has_load_segment<Elf32_Ehdr, Elf32_Phdr>(head, read);
}

bool is_loadable_elf(int fd) {
  return is_loadable_elf(
      [fd](std::uint64_t offset, std::span<unsigned char> buffer) -> std::size_t {
        const ssize_t length = pread(fd, buffer.data(), buffer.size(), static_cast<off_t>(offset));
        return length < 0 ? 0 : static_cast<std::size_t>(length);
      });
}

Loadable loadable_if_cached(int fd) {
  bool cached = true;
  const bool loadable = is_loadable_elf(
      [fd, &cached](std::uint64_t offset, std::span<unsigned char> buffer) -> std::size_t {
        iovec part{buffer.data(), buffer.size()};
        ssize_t length = preadv2(fd, &part, 1, static_cast<off_t>(offset), RWF_NOWAIT);
        if (length < 0 && errno == EOPNOTSUPP) {
          length = pread(fd, buffer.data(), buffer.size(), static_cast<off_t>(offset));
        }
        if (length < 0 && errno == EAGAIN) cached = false;
        return length < 0 ? 0 : static_cast<std::size_t>(length);
      });
  if (!cached) return Loadable::not_read;
  return loadable ? Loadable::yes : Loadable::no;
}

}  // namespace holdfast
