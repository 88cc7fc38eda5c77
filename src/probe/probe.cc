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
#include <thread>

#include "kernel/unique_fd.h"
#include "probe/attempts.h"

namespace holdfast {
namespace {

using Clock = std::chrono::steady_clock;
// For one attempt: a slow machine may take longer for all of them, a hang is one.
constexpr std::chrono::milliseconds kTakes{1700};

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

struct Heard {
  std::string text;
  bool whole = false;  // to the end of the attempts
};
Heard read_in_time(int fd) {
  Heard heard;
  auto end = Clock::now() + kTakes;
  std::array<char, 4096> buffer{};
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
    pollfd wait{fd, POLLIN, 0};
    if (left.count() <= 0 || poll(&wait, 1, static_cast<int>(left.count())) != 1) return heard;
    const ssize_t length = read(fd, buffer.data(), buffer.size());
    if (length <= 0) break;
    heard.text.append(buffer.data(), static_cast<std::size_t>(length));
    end = Clock::now() + kTakes;
  }
  heard.whole = true;
  return heard;
}

// A process that hangs in a filesystem does not even end then; nobody waits for it.
void end_process_group(pid_t leader) {
  kill(-leader, SIGKILL);
  for (int i = 0; i < 20 && waitpid(leader, nullptr, WNOHANG) == 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
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

void note_hang(Findings& findings) {
  for (int i = 0; i < kFeatureCount; ++i) {
    const auto feature = static_cast<Feature>(i);
    if (findings.tried.contains(feature)) continue;
    findings.tried[feature] = {false, "the attempt did not come back", ""};
    return;
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
  const Heard heard = read_in_time(out.get());
  end_process_group(child);
  std::istringstream lines(heard.text);
  for (std::string line; std::getline(lines, line);) take_line(line, findings);
  if (!heard.whole) note_hang(findings);
  return findings;
}

}  // namespace holdfast
