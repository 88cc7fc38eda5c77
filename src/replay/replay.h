// What recorded events would have led to under another policy.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "holdfast/policy.h"
#include "replay/recorded_event.h"

namespace holdfast {

// Equal acts of equal fate. Filled by one thread each, then merged.
class Replay {
 public:
  // A log can name any number of files: from here on only their directory is told ("/tmp/...").
  static constexpr std::size_t kMaxGroups = 50'000;

  void add(const RecordedEvent& recorded, const PolicySet& policies);
  void merge(const Replay& other);

  std::string table(const UnreadLines& unread) const;  // for people
  std::string json(const UnreadLines& unread) const;   // one object, ended by a newline

 private:
  struct Group {
    std::string image, operation, path, process;
    std::optional<Action> was;
    Action would = Action::allow;
    std::uint64_t count = 0;

    bool changed() const { return was && *was != would; }
  };
  void count(Group group);
  std::vector<const Group*> sorted() const;  // what changes first, then the most frequent

  std::unordered_map<std::string, Group> groups_;
  std::uint64_t events_ = 0;
  std::uint64_t changed_ = 0;
};

}  // namespace holdfast
