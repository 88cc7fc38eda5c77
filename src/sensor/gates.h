// The three places where drift shows, as functions of facts: what an event is, before any policy.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "alert/alert_record.h"
#include "container/root_content.h"
#include "holdfast/event.h"
#include "sensor/event_facts.h"

namespace holdfast {

// What the kernel appends to the path of a descriptor whose name is gone.
constexpr std::string_view kDeletedName = " (deleted)";

// Something a policy has to decide about.
struct Act {
  Operation operation = Operation::create_executable;
  Mechanism mechanism = Mechanism::open_gate;
  std::string path;
  FileStat file{};
  std::string reason;
  bool created_now = false;       // a refused creation leaves this empty file behind
  bool needs_comparison = false;  // exec gate: an act only if RootContent::compare() finds drift
};

// FAN_OPEN_PERM: an executable opened for writing. Nothing: the open is no act.
std::optional<Act> open_gate(EventFacts& facts, RootContent& content, std::int64_t now_ns);

// FAN_OPEN_EXEC_PERM, FAN_OPEN_EXEC: a file that is not the image's is about to run.
std::optional<Act> exec_gate(EventFacts& facts, RootContent& content);

// Carries out the comparison an exec_gate act asked for. Nothing: it is image content.
std::optional<Act> compare_gate(Act act, int fd, RootContent& content);

// FAN_CLOSE_WRITE: an executable was open for writing (seen, too late to prevent). `layer_watched`:
// what comes into being in the upper layer is told of by a ChangeWatch too.
std::optional<Act> change_watch(EventFacts& facts, RootContent& content, bool layer_watched);

}  // namespace holdfast
