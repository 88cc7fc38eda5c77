// Reads process facts below one /proc; a parameter, so that tests read a tree of their own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "alert/proc_text.h"
#include "alert/process_facts.h"

namespace holdfast {

class ProcessReader {
 public:
  // Boot id, boot time and pid namespace are read here, once: boot time moves when the clock is
  // set, and an entity id has to stay the same for the life of the process it names.
  explicit ProcessReader(std::string proc);

  ProcessFacts facts(pid_t pid, Args args = Args::read) const;
  ProcessTree tree(pid_t pid, Args args = Args::read) const;

 private:
  struct Found {
    ProcessFacts facts;
    std::optional<ProcStat> stat;
  };
  struct Entry {
    pid_t leader = 0;
    std::string type;
  };
  std::string path(pid_t pid, const char* name) const;
  std::optional<ProcStat> read_stat(pid_t pid) const;
  Found find(pid_t pid, Args args) const;
  std::optional<ProcStat> stat_of(pid_t pid, const std::vector<ProcStat>& seen) const;
  std::optional<Entry> find_entry(const ProcStat& process, const std::vector<ProcStat>& seen) const;

  std::string proc_;
  std::string boot_id_;
  std::optional<std::int64_t> boot_time_;
  std::optional<std::uint64_t> pid_namespace_;
  std::int64_t ticks_per_second_;
};

// How the session that `leader` leads came to be: "container", "terminal", "console", "init",
// "ssm" or "sshd"; empty when it did not enter from outside but from an older session. `parent` is
// its parent's name. Rules and their order are those of Elastic's session model.
std::string entry_type_of(const ProcStat& leader, std::string_view parent);

}  // namespace holdfast
