// What `holdfast probe` has tried on this machine, and what came of it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {

// In the order in which they are tried.
enum class Feature : std::uint8_t {
  permission_events,  // a group with a permission mark
  overlay,            // an overlay of directories on tmpfs
  write_access,       // who opens for writing, by a lease
  refuse_create,      // on that overlay
  refuse_write,
  refuse_exec,
  refuse_memfd,         // execve of a memory file that has a mark
  refuse_huge_memfd,    // of one of huge pages, by a mark on another one
  seccomp_listener,     // memfd_create(2) is notified, and can be let happen
  seccomp_injection,    // the caller gets a descriptor
  exec_events,          // process events connector
  change_events,        // on the filesystem of the containers' layers
  birth_time,           // there
  tmpfs_change_events,  // for containers whose layers are in memory
};
inline constexpr int kFeatureCount = 14;
std::string_view to_string(Feature feature);  // "permission_events"

struct Finding {
  bool works = false;
  std::string detail;  // how; or what failed and why
  std::string remedy;  // how to get it, where something failed

  bool operator==(const Finding&) const = default;
};

struct Findings {
  std::string kernel;   // uname -r
  std::string machine;  // uname -m
  // The names of the active security modules; empty: not known.
  std::vector<std::string> security_modules;
  std::map<Feature, Finding> tried;

  // What was not tried, as something before it failed, does not work.
  const Finding& of(Feature feature) const;
  bool works(Feature feature) const { return of(feature).works; }
};

}  // namespace holdfast
