// From what was tried to what holdfast can do about each act. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "probe/findings.h"

namespace holdfast {

enum class Reach : std::uint8_t { prevented, killed_after_start, detected, not_possible };
std::string_view to_string(Reach reach);  // "killed after start"

struct Verdict {
  std::string operation;  // as policies name it
  std::string act;        // which of its forms
  Reach reach = Reach::not_possible;
  std::vector<std::string> mechanisms;  // as alerts name them, the first to act first
  std::vector<Feature> missing;         // without which it is less than it could be
};

std::vector<Verdict> judge(const Findings& findings);

enum class BpfLsm : std::uint8_t { active, inactive, unknown };
std::string_view to_string(BpfLsm state);  // "not active"
BpfLsm bpf_lsm(const Findings& findings);

// Whether the daemon can do what it is for.
bool can_enforce(const std::vector<Verdict>& verdicts);

std::string probe_json(const Findings& findings);
std::string probe_text(const Findings& findings);

}  // namespace holdfast
