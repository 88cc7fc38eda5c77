// Reading policy files and directories of them.
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include "holdfast/policy.h"
#include "kernel/unique_fd.h"
#include "policy/yaml_document.h"

namespace holdfast {
namespace {

constexpr const char* kRemedy = "check the path and its permissions";

constexpr int kLongestWait = 2'000;  // ms for a pipe's writer

// No more than is needed to see that a file is too large. A pipe (`check <(helm template ...)`) is
// waited for, but not for ever: the daemon reads files that somebody else puts there.
Result<PolicyText> read_file(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd.valid()) return errno_error("open " + path, kRemedy);
  PolicyText result{path, {}};
  std::array<char, 64 << 10> buffer;
  while (result.text.size() <= kMaxYamlBytes) {
    pollfd readable{fd.get(), POLLIN, 0};
    const int ready = ::poll(&readable, 1, kLongestWait);
    if (ready == 0) {
      return Error{0, "read " + path + ": nothing came within 2 s",
                   "is it a pipe without a writer?"};
    }
    const ssize_t count = ready < 0 ? -1 : ::read(fd.get(), buffer.data(), buffer.size());
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count < 0) return errno_error("read " + path, kRemedy);
    if (count == 0) break;
    result.text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return result;
}

bool is_directory(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

// Names that begin with a dot are editors' and a ConfigMap's own.
bool is_policy_name(std::string_view name) {
  return name.front() != '.' && (name.ends_with(".yml") || name.ends_with(".yaml"));
}

Result<std::vector<std::string>> files_in(const std::string& directory) {
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(directory.c_str()), ::closedir);
  if (!stream) return errno_error("open directory " + directory, kRemedy);
  std::vector<std::string> files;
  errno = 0;
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string path = directory + (directory.ends_with('/') ? "" : "/") + entry->d_name;
    struct stat status {};
    // A dangling link stays in: opening it reports it.
    const bool special = ::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode);
    if (is_policy_name(entry->d_name) && !special) files.push_back(path);
    errno = 0;
  }
  if (errno != 0) return errno_error("read directory " + directory, kRemedy);
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

Result<std::vector<PolicyText>> read_policies(const std::vector<std::string>& paths) {
  std::vector<PolicyText> texts;
  for (const std::string& path : paths) {
    std::vector<std::string> files = {path};
    if (is_directory(path)) {
      auto found = files_in(path);
      if (!found) return found.error();
      files = std::move(*found);
    }
    for (const std::string& file : files) {
      auto text = read_file(file);
      if (!text) return text.error();
      texts.push_back(std::move(*text));
    }
  }
  return texts;
}

}  // namespace holdfast
