#include "sensor/memfd_gate.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "kernel/memory_file.h"

namespace holdfast {
namespace {

// The fourth number of a line "Uid:\treal\teffective\tsaved\tfilesystem".
std::optional<std::uint32_t> fourth_number(std::string_view text, std::string_view name) {
  const std::size_t line = text.find(name);
  if (line == std::string_view::npos) return std::nullopt;
  text.remove_prefix(line + name.size());
  std::uint32_t number = 0;
  for (int i = 0; i < 4; ++i) {
    if (!text.starts_with('\t')) return std::nullopt;
    text.remove_prefix(1);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc()) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  }
  return number;
}

}  // namespace

std::optional<Owner> filesystem_ids(std::string_view proc_status) {
  const auto uid = fourth_number(proc_status, "\nUid:");
  const auto gid = fourth_number(proc_status, "\nGid:");
  if (!uid || !gid) return std::nullopt;
  return Owner{*uid, *gid};
}

Result<UniqueFd> make_memory_file(const std::string& name, unsigned flags, Owner owner) {
  // Here it is always close-on-exec: an exec of this process's must not inherit a container's file.
  UniqueFd fd(memfd_create(name.c_str(), flags | MFD_CLOEXEC));
  if (!fd.valid()) {
    const int code = errno == EMFILE ? ENFILE : errno;
    return Error{code, "memfd_create", ""};
  }
  const bool own = owner.uid == geteuid() && owner.gid == getegid();
  if (!own && fchown(fd.get(), owner.uid, owner.gid) != 0) return errno_error("fchown of a memfd");
  return fd;
}

std::optional<Act> memfd_gate(EventFacts& facts) {
  const std::optional<FileStat> file = facts.file();
  if (!file || !is_regular(*file)) return std::nullopt;
  const std::vector<dev_t>& devices = memory_file_devices();
  if (std::find(devices.begin(), devices.end(), device_of(*file)) == devices.end()) {
    return std::nullopt;
  }
  Act act;
  act.operation = Operation::exec_memfd;
  act.mechanism = Mechanism::memfd_gate;
  // As the exec watch tells it.
  act.path = facts.path().value_or("/memfd:") + " (deleted)";
  act.file = *file;
  act.reason = "a memory file";
  return act;
}

}  // namespace holdfast
