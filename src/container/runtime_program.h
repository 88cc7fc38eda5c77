// A container runtime inside a container. Before it runs the container's program, `runc init` and
// crun are processes of the container's cgroup, pid and mount namespaces, and run a copy of
// themselves that the container cannot write to: a sealed memory file, a read-only bind mount of
// the binary that is mounted nowhere any more (runc before 1.2, crun), or a detached overlay of its
// directory (runc from 1.2). A created container waits in that state until
// it is started. The copy is told by its bytes: a container that runs the same bytes runs just that
// runtime. Names and parents can be had by any process.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "container/cgroup_path.h"
#include "container/running_program.h"
#include "kernel/bounded_call.h"

namespace holdfast {

class RuntimePrograms {
 public:
  // `binaries`: paths of the runtimes on the host, asked each time as packages are upgraded.
  RuntimePrograms(std::function<std::vector<std::string>()> binaries, const KnownIds& known_ids,
                  BoundedCalls& calls)
      : binaries_(std::move(binaries)), known_ids_(known_ids), calls_(calls) {}

  // Is the program of that process, which no mount of the container's shows, a runtime's binary or
  // a copy of one? Those are the given ones and what the process's ancestor on the host runs.
  // `owner`: the container, which is to blame if its files cannot be read in time.
  bool is_copy(pid_t pid, const RunningProgram& program, const std::string& owner) const;

  // A memory file, sealed and named as runtimes name theirs, of a child of a host process. Not
  // proof: for processes that nobody saw start, of a runtime that is at no known place.
  bool looks_like_copy(pid_t pid, const RunningProgram& program) const;

 private:
  std::function<std::vector<std::string>()> binaries_;
  const KnownIds& known_ids_;
  BoundedCalls& calls_;
};

}  // namespace holdfast
