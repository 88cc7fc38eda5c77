#include "probe/probe.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>
#include <sstream>

#include "kernel/unique_fd.h"
#include "probe/attempts.h"

namespace holdfast {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kTakes{1800};

// The filesystem that layers of containers lie on; without a runtime, the one where they would.
std::string store_directory(const std::string& prefix) {
  for (const char* directory :
       {"/var/lib/containerd", "/var/lib/docker", "/var/lib/rancher/k3s/agent/containerd",
        "/var/lib/containers/storage", "/var/lib"}) {
    std::string path = prefix + directory;
    if (access(path.c_str(), F_OK) == 0) return path;
  }
  return prefix + "/";
}

void write_line(int fd, const std::string& line) {
  (void)!write(fd, line.data(),
               line.size());  // at most a few hundred bytes: a pipe takes them whole
}

// Everything from the pipe until its end, or as much as there is in time.
std::string read_in_time(int fd) {
  std::string text;
  const auto end = Clock::now() + kTakes;
  std::array<char, 4096> buffer{};
  while (true) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    pollfd wait{fd, POLLIN, 0};
    if (left <= 0 || poll(&wait, 1, static_cast<int>(left)) != 1) return text;
    const ssize_t length = read(fd, buffer.data(), buffer.size());
    if (length <= 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(length));
  }
}

}  // namespace

std::string finding_line(Feature feature, const Finding& finding) {
  const nlohmann::json line = {{"feature", to_string(feature)},
                               {"works", finding.works},
                               {"detail", finding.detail},
                               {"remedy", finding.remedy}};
  return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string modules_line(std::string_view names) {
  nlohmann::json modules = nlohmann::json::array();
  std::istringstream words{std::string(names)};
  for (std::string name; std::getline(words >> std::ws, name, ',');) {
    name.erase(std::find_if(name.begin(), name.end(), [](char c) { return c == '\n' || c == ' '; }),
               name.end());
    if (!name.empty()) modules.push_back(name);
  }
  return nlohmann::json{{"modules", modules}}.dump() + "\n";
}

void take_line(std::string_view line, Findings& findings) {
  const nlohmann::json json = nlohmann::json::parse(line, nullptr, false);
  if (!json.is_object()) return;
  if (json.contains("modules")) {
    findings.security_modules = json["modules"].get<std::vector<std::string>>();
    return;
  }
  for (int i = 0; i < kFeatureCount; ++i) {
    const auto feature = static_cast<Feature>(i);
    if (json.value("feature", "") != to_string(feature)) continue;
    findings.tried[feature] = {json.value("works", false), json.value("detail", ""),
                               json.value("remedy", "")};
  }
}

Result<Findings> probe_machine(const std::string& host_prefix) {
  Findings findings;
  utsname system{};
  uname(&system);
  findings.kernel = system.release;
  findings.machine = system.machine;

  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return errno_error("pipe");
  const UniqueFd out(ends[0]);
  UniqueFd in(ends[1]);
  const pid_t child = fork();
  if (child < 0) return errno_error("fork");
  if (child == 0) {
    setpgid(0, 0);
    try_everything(
        store_directory(host_prefix),
        [&](Feature feature, const Finding& finding) {
          write_line(in.get(), finding_line(feature, finding));
        },
        [&](const std::string& names) { write_line(in.get(), modules_line(names)); });
    _exit(0);
  }
  setpgid(child, child);  // whoever of the two is first
  in.reset();
  std::istringstream lines(read_in_time(out.get()));
  kill(-child, SIGKILL);
  waitpid(child, nullptr, 0);
  for (std::string line; std::getline(lines, line);) take_line(line, findings);
  return findings;
}

}  // namespace holdfast
