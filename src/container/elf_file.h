// Is a file code that this machine's loaders take (elf(5))? Decided from its bytes alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

namespace holdfast {

// Fills the buffer from `offset`; how many bytes there were.
using ReadAt = std::function<std::size_t(std::uint64_t offset, std::span<unsigned char> buffer)>;

// An executable or a shared object. Core dumps and relocatable objects are data, and so is what
// says that it is for a GPU or for BPF. musl's loader looks neither at the magic number nor at the
// machine: whatever else has program headers with something to load counts.
bool is_loadable_elf(const ReadAt& read);

// The same for an open file; false if it cannot be read.
bool is_loadable_elf(int fd);

enum class Loadable : std::uint8_t { no, yes, not_read };

// The same without waiting for a disk, where the filesystem can tell (RWF_NOWAIT: ext4, xfs, btrfs,
// but not overlay, where the bytes are read whatever it takes): not_read.
Loadable loadable_if_cached(int fd);

}  // namespace holdfast
