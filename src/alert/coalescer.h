// Counts repeats of the same act within a window of time. No clock and no thread of its own.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "alert/alert_record.h"

namespace holdfast {

class Coalescer {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // `max_keys` bounds the memory: acts beyond that many open windows are not coalesced.
  Coalescer(std::chrono::steady_clock::duration window, std::size_t max_keys)
      : window_(window), max_keys_(max_keys) {}

  // What makes two acts the same.
  static std::string key_of(const AlertRecord& record);

  enum class Absorbed : std::uint8_t {
    no,        // no window of `key` is open; the record is untouched
    repeat,    // counted and taken
    same_act,  // another sight of an act that has its document; dropped
  };
  Absorbed absorb(const std::string& key, AlertRecord& record);

  // Opens a window for an act that is written on its own, `seen_afterwards` as in its record.
  void open(std::string key, bool seen_afterwards, Time now);

  // Closes the windows that are over. One summary for each that saw repeats: the last of them,
  // with `repeats` set to their number.
  std::vector<AlertRecord> close_until(Time now);

  // When close_until() has something to say at the earliest that is worth waking up for.
  std::optional<Time> next_close() const;

 private:
  struct Act {
    AlertRecord last;            // `repeats` counts, 0: none yet
    bool gate_may_tell = false;  // it was seen afterwards, and by no gate yet
  };
  struct Window {
    std::string key;
    Time end;
  };
  std::chrono::steady_clock::duration window_;
  std::size_t max_keys_;
  std::unordered_map<std::string, Act> acts_;  // by key
  // The same acts by the key of a process of which nothing is known.
  struct Anybodys {
    std::size_t windows = 0;
    std::string latest;  // key of the window that was opened last
  };
  std::unordered_map<std::string, Anybodys> anybodys_;
  std::deque<Window> windows_;  // all equally long, so the oldest ends first
  std::size_t repeated_ = 0;    // windows that saw repeats
};

}  // namespace holdfast
