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

// What counts as an executable.
struct ExecutableRules {
  bool elf = true;           // drifted ELF code too, whatever its mode (setting `executables`)
  bool execute_bits = true;  // false on filesystems where every file shows them (vfat)
};

// Something a policy has to decide about.
struct Act {
  Operation operation = Operation::create_executable;
  Mechanism mechanism = Mechanism::open_gate;
  std::string path;
  FileStat file{};
  std::string reason;
  Volume volume = Volume::none;  // where a running program lies
  bool created_now = false;      // a refused creation leaves this empty file behind
  bool is_read = false;          // code opened for reading: nothing is created or modified now
  // An act only if compare_gate() finds drift, and code where that is not known yet.
  bool needs_comparison = false;
  bool code_unread = false;
};

// FAN_OPEN_PERM: an executable opened for writing, or drifted ELF code opened at all. Nothing: the
// open is no act.
std::optional<Act> open_gate(EventFacts& facts, RootContent& content, ExecutableRules rules,
                             std::int64_t now_ns);

// FAN_OPEN: drifted ELF code was opened. Who writes is told when the file is closed.
std::optional<Act> code_gate(EventFacts& facts, RootContent& content, ExecutableRules rules);

// FAN_OPEN_EXEC_PERM, FAN_OPEN_EXEC: a file that is not the image's is about to run.
std::optional<Act> exec_gate(EventFacts& facts, RootContent& content);

// Reads what a gate could not wait for. Nothing: it is image content, or no code.
std::optional<Act> compare_gate(Act act, int fd, RootContent& content);

// FAN_CLOSE_WRITE: an executable was open for writing (seen, too late to prevent). `layer_watched`:
// what comes into being in the upper layer is told of by a ChangeWatch too.
std::optional<Act> change_watch(EventFacts& facts, RootContent& content, bool layer_watched);

}  // namespace holdfast
