// fanotify(7) as an object: one group, its marks, its events and their answers.
#pragma once

#include <sys/fanotify.h>
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "holdfast/result.h"
#include "kernel/descriptor_table.h"
#include "kernel/event_table.h"
#include "kernel/unique_fd.h"

namespace holdfast {

struct FanotifyEvent {
  UniqueFd file;           // the file that is opened, read-only; invalid for a queue overflow
  std::uint64_t mask = 0;  // FAN_OPEN_PERM, FAN_OPEN_EXEC_PERM, FAN_CLOSE_WRITE, …
  pid_t tid = 0;           // the thread that opens (FAN_REPORT_TID)
  EventClaim claim;        // its place in the event table, given back before `file` is closed
};

enum class MarkScope : std::uint8_t { inode, mount, filesystem };

class FanotifyGroup {
 public:
  virtual ~FanotifyGroup() = default;

  virtual int fd() const = 0;  // for poll; readable when an event waits

  // Adds to a mark, which may exist already. `path` follows symbolic links.
  virtual Status mark(MarkScope scope, std::uint64_t mask, const std::string& path) = 0;

  // No such events of that inode any more, whatever is done to it.
  virtual Status ignore(std::uint64_t mask, const std::string& path) = 0;

  // One waiting event; none when nothing waits (the group is non-blocking). An error means that the
  // kernel could not open the event's file and has denied its opener (EMFILE, …); ENOBUFS: the
  // event table is full, nothing was read.
  virtual Result<std::optional<FanotifyEvent>> read() = 0;

  // Answers the permission event whose descriptor has this number. Exactly one answer each.
  virtual Status answer(int event_fd, bool allow) = 0;

  // The group's entry in the descriptor table, if it is in one.
  virtual std::optional<std::uint32_t> place() const { return std::nullopt; }
  // Left unread on purpose: whoever watches over the readers must not take it for neglect.
  virtual void set_paused(bool) {}
};

// Permission events must not be lost: an overflow would allow undecided. Notifications that nobody
// reads must not fill the memory: what did not fit is told by an event with FAN_Q_OVERFLOW.
enum class EventQueue : std::uint8_t { unlimited, limited };

// A group of class CONTENT with an unlimited queue, close-on-exec. It ends with the object.
Result<std::shared_ptr<FanotifyGroup>> open_fanotify_group();

// A group, and a permission mark on a file that nobody can open. The error says what is missing.
Status try_permission_events();

// Groups that outlive the process: their descriptors are in a table that a successor finds.
struct HeldGroups {
  EventTable& events;
  DescriptorTable& descriptors;
  // There is a new entry, which a service manager may store, or one is `leaving` and has to be
  // closed.
  std::function<void()> on_change;

  // The unclaimed group of that key, with its marks and what waits in it, or a new one. When the
  // object dies its marks are removed and its entry leaves.
  Result<std::shared_ptr<FanotifyGroup>> open(const DescriptorKey& key,
                                              EventQueue queue = EventQueue::unlimited);
};

// Called for every permission event between its read and its decision: nothing, in the daemon. The
// fault tests link another one, which ends the process.
void after_read(const EventClaim& claim);

// Ends the groups that no service manager stores, whoever else still has the descriptors open:
// their marks are removed first, so that nobody waits for an answer any more.
void end_groups(DescriptorTable& descriptors);

// The event in a slot that a dead process left; its group is slot.group.
FanotifyEvent inherited_event(EventTable& events, EventSlot& slot);

inline bool asks_permission(const EventSlot& slot) {
  return (slot.event.mask & (FAN_OPEN_PERM | FAN_OPEN_EXEC_PERM)) != 0;
}

// Answers instead of the slot's owner, after take_answer().
void answer_taken(DescriptorTable& descriptors, EventSlot& slot, bool allow);

// Answers without a group object; false if the kernel knows no such event (its opener was killed,
// or it has its answer).
bool answer_event(int group_fd, int event_fd, bool allow);

}  // namespace holdfast
