// Descriptors that outlive a worker: the groups of permission events (and later the listeners of
// seccomp notifications). Worker and keeper share their descriptor numbers; this table, in memory
// that they share as well, says which number is what. The worker opens them, the keeper closes
// them.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast {

// Names what a descriptor guards, the same in every process that looks at the same node.
struct DescriptorKey {
  std::uint64_t high = 0, low = 0;
  bool operator==(const DescriptorKey&) const = default;
};

// A digest of `text`: FNV-1a with two offsets. Its input comes from the kernel's mount table.
DescriptorKey descriptor_key(std::string_view text);

enum class DescriptorKind : std::uint32_t { permission_group, seccomp_listener };

// The name in a service manager's store: "fanotify-" or "seccomp-" and 32 hex digits.
constexpr std::size_t kDescriptorNameSize = 48;
using DescriptorName = std::array<char, kDescriptorNameSize>;
DescriptorName descriptor_name(DescriptorKind kind, const DescriptorKey& key);
std::optional<std::pair<DescriptorKind, DescriptorKey>> parse_descriptor_name(
    std::string_view name);

struct HeldDescriptor {
  enum State : std::uint32_t {
    free,
    claimed,    // being filled in
    held,       // open, used by a worker
    unclaimed,  // open, of a worker or a daemon that ended: for the next that asks for its key
    leaving,    // no longer used: the keeper closes it
  };
  std::atomic<std::uint32_t> state;
  std::atomic<std::uint32_t> stored;  // handed to the service manager's store
  DescriptorKind kind;
  std::atomic<std::int32_t> fd;
  DescriptorKey key;
  std::atomic<std::uint64_t> reads;   // events read: the keeper sees that it is served
  std::atomic<std::uint32_t> paused;  // not read on purpose: too much of it waits already
};

// Zeroed memory is an empty table.
class DescriptorTable {
 public:
  static constexpr std::uint32_t kEntries = 4096;

  // The place of the entry; nothing when the table is full.
  std::optional<std::uint32_t> add(DescriptorKind kind, const DescriptorKey& key, int fd);
  // Takes over an unclaimed entry.
  std::optional<std::uint32_t> claim(DescriptorKind kind, const DescriptorKey& key);

  std::array<HeldDescriptor, kEntries>& entries() { return entries_; }
  // Entries from here on have never been used.
  std::uint32_t used() const { return used_; }
  HeldDescriptor& operator[](std::uint32_t index) { return entries_[index]; }

  // What a dead worker used is for the next one; for a successor, before it opens anything.
  void recover();

 private:
  std::atomic<std::uint32_t> used_;
  std::array<HeldDescriptor, kEntries> entries_;
};

inline bool is_open(std::uint32_t state) {
  return state == HeldDescriptor::held || state == HeldDescriptor::unclaimed ||
         state == HeldDescriptor::leaving;
}

}  // namespace holdfast
