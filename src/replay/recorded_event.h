// Lines of alert logs and of recorded events.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "holdfast/decision.h"
#include "holdfast/event.h"
#include "holdfast/result.h"

namespace holdfast {

struct RecordedEvent {
  Event event;
  std::optional<Action> was;  // what the record says was done; a bare event says nothing
  std::uint64_t count = 1;    // equal acts that the document stands for
  bool on_file = false;       // the daemon also asked for the file_operation of that act
};

// Reads one document (parse_event_json), of which it keeps no more than an event needs. Nullopt: a
// document about no act (coverage, lost alerts).
Result<std::optional<RecordedEvent>> parse_recorded(std::string_view line);

// What was not an event among the lines read.
struct UnreadLines {
  std::uint64_t other = 0;                         // documents about no act
  std::uint64_t malformed = 0;                     // neither alert nor event
  std::string first;                               // "FILE:LINE: TEXT" of the first malformed line
  std::pair<std::size_t, std::uint64_t> first_at;  // its file's index, and its number in it
};

// A line for people about what was not understood, without its end; "" if all was.
std::string complaint(const UnreadLines& unread);

// Called with the file's bytes read so far and in all (0: unknown).
using Progress = std::function<void(std::uint64_t, std::uint64_t)>;

// Calls visit(thread, event) for every event of the files, from `threads` threads at once; "-" is
// standard input. An unreadable file is an error.
Result<UnreadLines> each_recorded(const std::vector<std::string>& files, unsigned threads,
                                  const std::function<void(unsigned, RecordedEvent)>& visit,
                                  const Progress& progress = {});

}  // namespace holdfast
