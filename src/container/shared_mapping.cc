#include "container/shared_mapping.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <string>

#include "kernel/procfs.h"

namespace holdfast {
namespace {

constexpr std::size_t kMostMapsBytes = 256U << 20;

std::string_view field(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  const std::string_view text = line.substr(0, line.find(' '));
  line.remove_prefix(text.size());
  return text;
}

}  // namespace

// address perms offset dev inode path: "7f… rw-s 00000000 00:2f 4711    /tmp/x"
std::vector<SharedMapping> shared_writable_mappings(std::string_view maps) {
  std::vector<SharedMapping> found;
  while (!maps.empty()) {
    std::string_view line = maps.substr(0, maps.find('\n'));
    maps.remove_prefix(std::min(line.size() + 1, maps.size()));
    SharedMapping mapping;
    mapping.range = field(line);
    const std::string_view permissions = field(line);
    if (permissions.size() < 4 || permissions[1] != 'w' || permissions[3] != 's') continue;
    field(line);
    field(line);
    const std::string_view number = field(line);
    std::from_chars(number.data(), number.data() + number.size(), mapping.inode);
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    mapping.path = line;
    found.push_back(mapping);
  }
  return found;
}

bool maps_inode_shared_writable(std::string_view maps, const std::vector<ino_t>& inodes) {
  const std::vector<SharedMapping> mappings = shared_writable_mappings(maps);
  return std::any_of(mappings.begin(), mappings.end(), [&](const SharedMapping& mapping) {
    return std::find(inodes.begin(), inodes.end(), mapping.inode) != inodes.end();
  });
}

bool has_shared_writable_mapping(const std::vector<ino_t>& inodes, const ProcessOrigin& origin,
                                 BoundedCalls& calls, std::chrono::milliseconds limit) {
  using std::chrono::steady_clock, std::chrono::duration_cast, std::chrono::milliseconds;
  const auto deadline = steady_clock::now() + limit;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename();
    pid_t pid = 0;
    const auto [end, bad] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (bad != std::errc() || end != name.data() + name.size()) continue;
    if (!origin.may_be_in_container(pid)) continue;
    const auto left = duration_cast<milliseconds>(deadline - steady_clock::now());
    const auto maps =
        calls.run("mappings", std::max(left, milliseconds(0)),
                  [path = entry.path() / "maps"] { return read_small_file(path, kMostMapsBytes); });
    if (!maps) return true;
    if (*maps ? maps_inode_shared_writable(**maps, inodes)
              : maps->error().code != ENOENT && maps->error().code != ESRCH) {
      return true;
    }
  }
  return error.value() != 0;
}

}  // namespace holdfast
