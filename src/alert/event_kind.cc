#include "alert/event_kind.h"

namespace holdfast {
namespace {

EventKind kind_of_act(const AlertRecord& record) {
  // fanotify's permission hook is called from the kernel's security_file_open().
  const bool at_open = record.mechanism == Mechanism::open_gate;
  const std::string_view open_hook = at_open ? "lsm__file_open" : "";
  if (record.is_read) return {"file", {"access"}, "open", open_hook};
  switch (record.event.operation) {
    case Operation::create_executable:
    case Operation::create_file:
      return {"file", {"creation"}, "creation", open_hook};
    case Operation::modify_executable:
    case Operation::modify_file:
      return {"file", {"change"}, at_open ? "open" : "modification", open_hook};
    case Operation::delete_file:
      return {"file", {"deletion"}, "deletion", ""};
    case Operation::exec_memfd:
      return {"process", {"start"}, "execMemFd", ""};
    case Operation::fork:
      return {"process", {"start"}, "fork", ""};
    case Operation::exec:
      return {"process", {"start"}, "exec", ""};
  }
  return {"process", {"info"}, "unknown", ""};
}

}  // namespace

bool met_at_execution(const AlertRecord& record) {
  return record.mechanism == Mechanism::exec_gate || record.mechanism == Mechanism::exec_watch;
}

EventKind event_kind(const AlertRecord& record) {
  if (record.outcome == Outcome::unprotected) {
    return {"configuration", {"info"}, "unprotected", ""};
  }
  EventKind kind = kind_of_act(record);
  if (kind.category == "file" && met_at_execution(record))
    kind = {"process", {"start"}, "exec", ""};
  if (record.outcome == Outcome::blocked || record.outcome == Outcome::killed) {
    // A memory file that was refused never started anything.
    const bool never_started =
        record.event.operation == Operation::exec_memfd && record.outcome == Outcome::blocked;
    if (never_started) kind.types.clear();
    kind.types.emplace_back("denied");
  }
  return kind;
}

}  // namespace holdfast
