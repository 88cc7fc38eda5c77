// What an act of a container would meet, as far as its policy and what covers it tell.
#pragma once

#include <map>
#include <string>

#include "holdfast/policy.h"
#include "sensor/identity.h"

namespace holdfast {

struct Coverings {
  bool covered = false;
  std::string memory_files = "none";  // what meets those: "memfd_gate", "exec_watch"
};

// By operation ("createExecutable"): "block", "kill", "alert", "log" or "none", the strictest that
// some path or process could meet.
std::map<std::string, std::string> enforcement_of(const PolicySet& policies, const Identity& who,
                                                  IdentityRules rules, const Coverings& coverings);

}  // namespace holdfast
