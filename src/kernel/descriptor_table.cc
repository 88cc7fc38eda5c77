#include "kernel/descriptor_table.h"

#include <charconv>
#include <cinttypes>
#include <cstdio>

namespace holdfast {
namespace {

constexpr std::string_view kGroupPrefix = "fanotify-";
constexpr std::string_view kListenerPrefix = "seccomp-";

std::uint64_t fnv1a(std::uint64_t digest, std::string_view text) {
  for (const unsigned char byte : text) digest = (digest ^ byte) * 0x100000001b3;
  return digest;
}

}  // namespace

DescriptorKey descriptor_key(std::string_view text) {
  constexpr std::uint64_t kOffset = 0xcbf29ce484222325;
  return {fnv1a(kOffset, text), fnv1a(fnv1a(kOffset, "holdfast"), text)};
}

DescriptorName descriptor_name(DescriptorKind kind, const DescriptorKey& key) {
  DescriptorName name{};
  const std::string_view prefix =
      kind == DescriptorKind::permission_group ? kGroupPrefix : kListenerPrefix;
  std::snprintf(name.data(), name.size(), "%s%016" PRIx64 "%016" PRIx64, prefix.data(), key.high,
                key.low);
  return name;
}

std::optional<std::pair<DescriptorKind, DescriptorKey>> parse_descriptor_name(
    std::string_view name) {
  DescriptorKind kind = DescriptorKind::permission_group;
  if (name.starts_with(kGroupPrefix)) {
    name.remove_prefix(kGroupPrefix.size());
  } else if (name.starts_with(kListenerPrefix)) {
    kind = DescriptorKind::seccomp_listener;
    name.remove_prefix(kListenerPrefix.size());
  } else {
    return std::nullopt;
  }
  if (name.size() != 32) return std::nullopt;
  DescriptorKey key;
  for (auto [text, number] :
       {std::pair(name.substr(0, 16), &key.high), std::pair(name.substr(16), &key.low)}) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + 16, *number, 16);
    if (error != std::errc() || end != text.data() + 16) return std::nullopt;
  }
  return std::pair(kind, key);
}

std::optional<std::uint32_t> DescriptorTable::add(DescriptorKind kind, const DescriptorKey& key,
                                                  int fd) {
  for (std::uint32_t i = 0; i < kEntries; ++i) {
    HeldDescriptor& entry = entries_[i];
    std::uint32_t expected = HeldDescriptor::free;
    if (!entry.state.compare_exchange_strong(expected, HeldDescriptor::claimed)) continue;
    entry.kind = kind;
    entry.key = key;
    entry.fd = fd;
    entry.reads = 0;
    entry.paused = 0;
    entry.stored = 0;
    std::uint32_t used = used_;
    while (used <= i && !used_.compare_exchange_weak(used, i + 1)) {
    }
    entry.state = HeldDescriptor::held;
    return i;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> DescriptorTable::claim(DescriptorKind kind, const DescriptorKey& key) {
  for (std::uint32_t i = 0; i < used_; ++i) {
    HeldDescriptor& entry = entries_[i];
    std::uint32_t expected = HeldDescriptor::unclaimed;
    if (entry.state != HeldDescriptor::unclaimed || entry.kind != kind || entry.key != key)
      continue;
    if (entry.state.compare_exchange_strong(expected, HeldDescriptor::held)) return i;
  }
  return std::nullopt;
}

void DescriptorTable::recover() {
  for (HeldDescriptor& entry : entries_) {
    if (entry.state == HeldDescriptor::held) entry.state = HeldDescriptor::unclaimed;
    if (entry.state == HeldDescriptor::claimed) entry.state = HeldDescriptor::free;
    entry.paused = 0;
  }
}

}  // namespace holdfast
