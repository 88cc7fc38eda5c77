// What a change of a name, a mode or an ACL amounts to. Such a change raises no open event: it is
// seen afterwards, on the filesystem under the upper layer. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "container/root_content.h"
#include "sensor/gates.h"

namespace holdfast {

// Executables whose coming into being was looked at, by inode of the upper layer: a later change of
// their owner or times is no act. Content that changed meanwhile makes them unknown.
class KnownExecutables {
 public:
  bool contains(const FileStat& file) const;
  void remember(const FileStat& file);
  void forget(const FileStat& file) { files_.erase(file.stx_ino); }

 private:
  struct Content {
    std::int64_t modified = 0;  // ns
    std::uint64_t size = 0;
    bool operator==(const Content&) const = default;
  };
  static constexpr std::size_t kMost = 4096;
  std::unordered_map<std::uint64_t, Content> files_;
};

enum class ChangeInterest : std::uint8_t {
  none,
  // A new empty executable. Most are opened for writing by the call that made them, which the open
  // gate tells of and may refuse; mknod(2) makes one that stays. Time tells.
  later,
  if_original,  // an act if the image's file at that path is executable
  act,          // unless it turns out to be the image's content
};

// `mask` of the event, the file as it is now.
ChangeInterest interest_in(std::uint64_t mask, const FileStat& file, bool known);

// Nothing: it is the image's content, or no executable. compare_gate() carries out the comparison
// that it may need.
std::optional<Act> change_gate(std::uint64_t mask, const FileStat& file, const std::string& path,
                               RootContent& content);

}  // namespace holdfast
