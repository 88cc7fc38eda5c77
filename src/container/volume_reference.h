// The time after which a file on a volume counts as changed. It is fixed for a workload's life: a
// restart must not make trusted what was dropped before it.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "container/workload_facts.h"

namespace holdfast {

// Thread-safe.
class VolumeReferences {
 public:
  // `file` keeps them over a restart of the daemon; empty or unreadable: none are known yet.
  explicit VolumeReferences(std::string file);

  // Nanoseconds since the epoch: when the container was created (`started_ns` if no runtime tells).
  // A kubelet makes a new container at each restart: those of one name in one sandbox have the time
  // of the first.
  std::int64_t of(const WorkloadFacts& facts, std::int64_t started_ns);

 private:
  void save() const;

  const std::string file_;
  std::mutex mutex_;
  std::map<std::string, std::int64_t> times_;  // by sandbox and container name
};

}  // namespace holdfast
