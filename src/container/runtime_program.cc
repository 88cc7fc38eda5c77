#include "container/runtime_program.h"

#include <fcntl.h>

#include <algorithm>

#include "kernel/memory_file.h"
#include "kernel/same_bytes.h"
#include "kernel/unique_fd.h"

namespace holdfast {
namespace {

// 20 MB from the page cache take some 10 ms.
constexpr std::chrono::milliseconds kReadingTakes{1000};

std::string exe_of(pid_t pid) { return "/proc/" + std::to_string(pid) + "/exe"; }

UniqueFd open_for_reading(const std::string& path) {
  return UniqueFd(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
}

bool is_same(const FileStat& one, const FileStat& other) {
  return device_of(one) == device_of(other) && one.stx_ino == other.stx_ino;
}

// Opens the file that the process runs: on a FUSE filesystem that waits for its server.
bool has_bytes_of(const std::string& program, const FileStat& expected, bool memory,
                  const std::string& binary) {
  const UniqueFd copy = open_for_reading(program);
  const UniqueFd original = open_for_reading(binary);
  if (!copy.valid() || !original.valid()) return false;
  const std::optional<FileStat> opened = stat_of(copy.get());
  if (!opened || !is_same(*opened, expected)) return false;  // it runs something else by now
  if (memory && !is_sealed(copy.get())) return false;
  return same_bytes(copy.get(), original.get());
}

}  // namespace

bool RuntimePrograms::is_copy(pid_t pid, const RunningProgram& program,
                              const std::string& owner) const {
  std::vector<std::string> binaries = binaries_();
  if (const pid_t ancestor = host_ancestor(pid, known_ids_); ancestor > 0) {
    binaries.push_back(exe_of(ancestor));
  }
  return std::any_of(binaries.begin(), binaries.end(), [&](const std::string& binary) {
    const std::optional<FileStat> file = stat_of_path(binary);
    if (!file || !is_regular(*file)) return false;
    if (is_same(*file, program.file)) return true;
    if (file->stx_size != program.file.stx_size) return false;
    const std::optional<bool> same =
        calls_.run(owner, kReadingTakes,
                   [exe = exe_of(pid), expected = program.file, memory = program.memory, binary] {
                     return has_bytes_of(exe, expected, memory, binary);
                   });
    return same.value_or(false);
  });
}

bool RuntimePrograms::looks_like_copy(pid_t pid, const RunningProgram& program) const {
  const bool named = program.path.starts_with("/memfd:runc_cloned:") ||
                     program.path.starts_with("/memfd:crun_cloned:");
  if (!named || !program.memory) return false;
  const UniqueFd file = open_for_reading(exe_of(pid));  // memory: nobody to wait for
  return file.valid() && is_sealed(file.get()) && host_ancestor(pid, known_ids_, 1) > 0;
}

}  // namespace holdfast
