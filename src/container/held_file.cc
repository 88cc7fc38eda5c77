#include "container/held_file.h"

#include <fcntl.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <set>
#include <string>
#include <utility>

#include "container/shared_mapping.h"
#include "kernel/open_beneath.h"
#include "kernel/unique_fd.h"

namespace holdfast {
namespace {

constexpr std::size_t kMostMapsBytes = 16U << 20;
constexpr std::size_t kMostFiles = 65536;

class HeldFiles {
 public:
  bool full() const { return found_.size() >= kMostFiles; }
  void add(std::optional<RunningProgram> file, bool mapped) {
    if (!file || !is_regular(file->file) || file->file.stx_nlink == 0 || file->memory) return;
    if (!full() && known_.emplace(device_of(file->file), file->file.stx_ino).second) {
      found_.push_back({std::move(*file), mapped});
    }
  }
  std::vector<HeldFile> take() && { return std::move(found_); }

 private:
  std::vector<HeldFile> found_;
  std::set<std::pair<dev_t, ino_t>> known_;
};

void add_descriptors(const std::string& process, HeldFiles& files) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(process + "fdinfo", error)) {
    if (files.full()) return;
    const Result<std::string> text = read_small_file(entry.path(), 4096);
    if (!text || !is_open_for_writing(*text)) continue;
    files.add(file_behind(process + "fd/" + entry.path().filename().string()), false);
  }
}

// An overlay's file is mapped as its layer's. Its path leads to it; on another mount than the root
// it is what the link of the mapping leads to.
std::optional<RunningProgram> mapped_file(const std::string& process, int root,
                                          const SharedMapping& mapping) {
  const std::string path(mapping.path.substr(std::min<std::size_t>(1, mapping.path.size())));
  const UniqueFd on_root = open_beneath(root, path, O_PATH);
  if (on_root.valid()) return file_at(on_root.get());
  return file_behind(process + "map_files/" + std::string(mapping.range));
}

void add_mappings(const std::string& process, HeldFiles& files) {
  const Result<std::string> maps = read_small_file(process + "maps", kMostMapsBytes);
  if (!maps) return;
  const UniqueFd root(open((process + "root").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.valid()) return;
  for (const SharedMapping& mapping : shared_writable_mappings(*maps)) {
    if (files.full()) return;
    files.add(mapped_file(process, root.get(), mapping), true);
  }
}

}  // namespace

// "flags:\t0100001": octal.
bool is_open_for_writing(std::string_view fdinfo) {
  constexpr std::string_view kKey = "flags:";
  const std::size_t at = fdinfo.starts_with(kKey) ? 0 : fdinfo.find("\nflags:");
  if (at == std::string_view::npos) return false;
  const std::size_t digits = fdinfo.find_first_of("01234567", at);
  if (digits == std::string_view::npos) return false;
  unsigned int flags = 0;
  std::from_chars(fdinfo.data() + digits, fdinfo.data() + fdinfo.size(), flags, 8);
  return (flags & O_ACCMODE) != O_RDONLY && (flags & O_PATH) == 0;
}

std::vector<HeldFile> files_held_for_writing(pid_t pid) {
  const std::string process = "/proc/" + std::to_string(pid) + "/";
  HeldFiles files;
  add_descriptors(process, files);
  add_mappings(process, files);
  return std::move(files).take();
}

}  // namespace holdfast
