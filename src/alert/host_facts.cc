// Facts about the node, also from inside a container that shares the host's pid namespace.
#include <sys/utsname.h>

#include <charconv>

#include "alert/alert_record.h"
#include "alert/os_release.h"
#include "alert/proc_text.h"
#include "kernel/procfs.h"

namespace holdfast {
namespace {

std::string first_line_of(const std::string& path) {
  Result<std::string> text = read_small_file(path, 4096);
  if (!text) return "";
  return text->substr(0, text->find('\n'));
}

// Process 1's root is the node's, seen from a DaemonSet too; without permission, our own.
std::string node_file(const std::string& path) {
  const std::string text = first_line_of("/proc/1/root" + path);
  return text.empty() ? first_line_of(path) : text;
}

// A name set with sethostname() belongs to a UTS namespace: ours says nothing about the node when
// process 1 has another.
std::string node_name(const std::string& own_name) {
  const auto own = object_id("/proc/self/ns/uts");
  const auto node = object_id("/proc/1/ns/uts");
  if (!own || !node || *own == *node) return own_name;
  const std::string name = first_line_of("/proc/1/root/etc/hostname");
  return name.empty() ? own_name : name;
}

}  // namespace

std::map<std::string, std::string> parse_os_release(std::string_view text) {
  std::map<std::string, std::string> values;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos || line.starts_with('#')) continue;
    std::string_view value = line.substr(equals + 1);
    const bool quoted = value.size() >= 2 && (value.front() == '"' || value.front() == '\'') &&
                        value.back() == value.front();
    if (quoted) value = value.substr(1, value.size() - 2);
    values[std::string(line.substr(0, equals))] = value;
  }
  return values;
}

HostFacts HostFacts::read() {
  HostFacts host;
  utsname names{};
  if (uname(&names) == 0) {
    host.hostname = node_name(names.nodename);
    host.kernel = names.release;
    host.architecture = names.machine;
  }
  host.boot_id = first_line_of("/proc/sys/kernel/random/boot_id");
  host.machine_id = node_file("/etc/machine-id");
  Result<std::string> release = read_small_file("/proc/1/root/etc/os-release", 16384);
  if (!release) release = read_small_file("/etc/os-release", 16384);
  if (release) {
    std::map<std::string, std::string> values = parse_os_release(*release);
    host.os_name = values["NAME"];
    host.os_version = values["VERSION_ID"];
    host.os_platform = values["ID"];
  }
  if (auto link = read_link("/proc/self/ns/pid")) {
    host.pid_namespace = parse_namespace_link(*link).value_or(0);
  }
  host.agent_version = HOLDFAST_VERSION;
  return host;
}

}  // namespace holdfast
