#include "sensor/permission_look.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/xattr.h>

#include "kernel/caller_memory.h"
#include "kernel/caller_path.h"

namespace holdfast {
namespace {

bool gives_by_acl(const PermissionCall& call, pid_t tid) {
  // One more byte than the name: a longer name is another.
  const auto name = read_string(tid, call.name, kAccessAcl.size() + 1);
  if (!name || *name != kAccessAcl) return false;
  AttributeValue value{call.value, static_cast<std::uint32_t>(call.size), 0};
  if (call.in_structure) {
    const auto structure = read_bytes(tid, call.value, kAttributeValueSize);
    if (!structure) return false;
    value = attribute_value(*structure);
  }
  if (value.size > kLargestAttribute) return false;
  const auto bytes = read_bytes(tid, value.address, value.size);
  return bytes && (mode_of_acl(*bytes) & 0111) != 0;
}

UniqueFd open_file(const PermissionCall& call, pid_t tid) {
  if (!call.path) return open_callers_descriptor(tid, call.directory);
  const auto path = read_string(tid, *call.path, PATH_MAX);
  if (!path) return {};
  if (path->empty() && call.empty_path) return open_callers_descriptor(tid, call.directory);
  return open_callers_path(tid, call.directory, *path, call.follow);
}

// An overlay's file may be opened for reading here: the responder's threads answer that as any
// other of the host's opens, and never wait for this one.
std::optional<Act> compared(std::optional<Act> act, int file, RootContent& content) {
  if (!act || !act->needs_comparison) return act;
  const std::string same = "/proc/self/fd/" + std::to_string(file);
  const UniqueFd fd(open(same.c_str(), O_RDONLY | O_NONBLOCK | O_NOATIME | O_CLOEXEC));
  return fd.valid() ? compare_gate(std::move(*act), fd.get(), content) : std::nullopt;
}

std::optional<Act> look_at_new_file(const PermissionCall& call, pid_t tid, const RootMount& root,
                                    const Places& places) {
  const auto path = read_string(tid, *call.path, PATH_MAX);
  const auto found = path ? find_callers_name(tid, call.directory, *path) : std::nullopt;
  if (!found) return std::nullopt;
  // EEXIST is the kernel's to say.
  FileStat present{};
  const int directory = found->directory.get();
  if (statx(directory, found->name.c_str(), AT_SYMLINK_NOFOLLOW, STATX_TYPE, &present) == 0) {
    return std::nullopt;
  }
  KernelEventFacts facts(directory, tid, root);
  const Place& place = places.of(facts);
  auto act = new_file_gate(facts, found->name, call.mode, *place.content, place.rules);
  if (act) act->volume = places.at(place, act->path).volume;
  return act;
}

}  // namespace

std::optional<Act> look_at_permission_call(const PermissionCall& call, pid_t tid,
                                           const RootMount& root, const Places& places) {
  if (call.gives == PermissionCall::Gives::node) return look_at_new_file(call, tid, root, places);
  if (call.gives == PermissionCall::Gives::acl && !gives_by_acl(call, tid)) return std::nullopt;
  const UniqueFd file = open_file(call, tid);
  if (!file.valid()) return std::nullopt;
  KernelEventFacts facts(file.get(), tid, root);
  const Place& place = places.of(facts);
  std::optional<Act> act =
      compared(permission_gate(facts, *place.content, place.rules), file.get(), *place.content);
  if (act) act->volume = places.at(place, act->path).volume;
  return act;
}

}  // namespace holdfast
