#include "probe/verdicts.h"

#include <algorithm>
#include <array>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

namespace holdfast {
namespace {

constexpr std::array<std::string_view, kFeatureCount> kFeatureNames{
    "permission_events", "overlay",
    "write_access",      "refuse_create",
    "refuse_write",      "refuse_exec",
    "refuse_memfd",      "refuse_huge_memfd",
    "seccomp_listener",  "seccomp_injection",
    "exec_events",       "change_events",
    "birth_time",        "tmpfs_change_events"};

// The first of the ways whose features all work; what the ways before it lack is missing.
struct Way {
  Reach reach;
  std::vector<std::string> mechanisms;
  std::vector<Feature> needs;
};

Verdict first_that_works(const Findings& findings, std::string operation, std::string act,
                         const std::vector<Way>& ways) {
  Verdict verdict{std::move(operation), std::move(act), Reach::not_possible, {}, {}};
  for (const Way& way : ways) {
    bool works = true;
    for (const Feature feature : way.needs) {
      if (findings.works(feature)) continue;
      works = false;
      if (std::count(verdict.missing.begin(), verdict.missing.end(), feature) == 0)
        verdict.missing.push_back(feature);
    }
    if (!works) continue;
    verdict.reach = way.reach;
    verdict.mechanisms = way.mechanisms;
    break;
  }
  return verdict;
}

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::string first_failure(const Findings& findings) {
  int i = 0;
  while (i + 1 < kFeatureCount && findings.works(static_cast<Feature>(i))) ++i;
  const Finding& finding = findings.of(static_cast<Feature>(i));
  return finding.detail + (finding.remedy.empty() ? "" : " (" + finding.remedy + ")");
}

std::string bpf_text(const Findings& findings) {
  switch (bpf_lsm(findings)) {
    case BpfLsm::active:
      return "active: agents that need it run here too";
    case BpfLsm::inactive:
      return "not active (lsm=" + join(findings.security_modules) + ")";
    case BpfLsm::unknown:
      break;
  }
  return "not known: /sys/kernel/security/lsm cannot be read";
}

}  // namespace

std::string_view to_string(Feature feature) {
  return kFeatureNames.at(static_cast<std::size_t>(feature));
}

const Finding& Findings::of(Feature feature) const {
  static const Finding untried{false, "not tried", ""};
  const auto found = tried.find(feature);
  return found == tried.end() ? untried : found->second;
}

std::string_view to_string(Reach reach) {
  switch (reach) {
    case Reach::prevented:
      return "prevented";
    case Reach::killed_after_start:
      return "killed after start";
    case Reach::detected:
      return "detected";
    case Reach::not_possible:
      break;
  }
  return "not possible";
}

std::vector<Verdict> judge(const Findings& findings) {
  using F = Feature;
  const Way when_run{Reach::prevented, {"exec_gate"}, {F::permission_events, F::refuse_exec}};
  // Without permission events the daemon does not start: nothing else counts then.
  const Way killed{
      Reach::killed_after_start, {"exec_watch"}, {F::permission_events, F::exec_events}};
  return {
      first_that_works(findings, "createExecutable", "written by the container",
                       {{Reach::prevented,
                         {"open_gate", "exec_gate"},
                         {F::permission_events, F::refuse_create, F::refuse_exec}},
                        when_run,
                        killed}),
      first_that_works(
          findings, "createExecutable", "by chmod, rename, link, mknod or an ACL",
          {{Reach::detected, {"change_watch"}, {F::permission_events, F::change_events}}}),
      first_that_works(findings, "modifyExecutable", "written by the container",
                       {{Reach::prevented,
                         {"open_gate", "exec_gate"},
                         {F::permission_events, F::refuse_write, F::refuse_exec}},
                        when_run,
                        killed}),
      first_that_works(
          findings, "modifyExecutable", "by rename",
          {{Reach::detected, {"change_watch"}, {F::permission_events, F::change_events}}}),
      first_that_works(findings, "createExecutable, modifyExecutable",
                       "the run of what is not the image's", {when_run, killed}),
      first_that_works(findings, "createExecutable", "the run from an unmarked filesystem",
                       {killed}),
      first_that_works(
          findings, "execMemFd", "under the seccomp profile",
          {{Reach::prevented,
            {"memfd_gate"},
            {F::permission_events, F::refuse_memfd, F::seccomp_listener, F::seccomp_injection}},
           // The agent refuses memfd_create itself.
           {Reach::prevented, {"seccomp"}, {F::permission_events, F::seccomp_listener}},
           killed}),
      first_that_works(findings, "execMemFd", "without the seccomp profile", {killed}),
      first_that_works(
          findings, "execMemFd", "in huge pages",
          {{Reach::prevented, {"memfd_gate"}, {F::permission_events, F::refuse_huge_memfd}},
           killed}),
  };
}

BpfLsm bpf_lsm(const Findings& findings) {
  const auto& modules = findings.security_modules;
  if (modules.empty()) return BpfLsm::unknown;
  return std::find(modules.begin(), modules.end(), "bpf") != modules.end() ? BpfLsm::active
                                                                           : BpfLsm::inactive;
}

std::string_view to_string(BpfLsm state) {
  return state == BpfLsm::active     ? "active"
         : state == BpfLsm::inactive ? "not active"
                                     : "not known";
}

bool can_enforce(const std::vector<Verdict>& verdicts) {
  return std::any_of(verdicts.begin(), verdicts.end(), [](const Verdict& verdict) {
    return verdict.reach == Reach::prevented || verdict.reach == Reach::killed_after_start;
  });
}

std::string probe_json(const Findings& findings) {
  const std::vector<Verdict> verdicts = judge(findings);
  nlohmann::ordered_json document = {{"kernel", findings.kernel},
                                     {"machine", findings.machine},
                                     {"bpf_lsm", to_string(bpf_lsm(findings))},
                                     {"security_modules", findings.security_modules},
                                     {"can_enforce", can_enforce(verdicts)},
                                     {"operations", nlohmann::ordered_json::array()},
                                     {"tried", nlohmann::ordered_json::object()}};
  for (const Verdict& verdict : verdicts) {
    nlohmann::ordered_json missing = nlohmann::ordered_json::array();
    for (const Feature feature : verdict.missing) missing.push_back(to_string(feature));
    document["operations"].push_back({{"operation", verdict.operation},
                                      {"act", verdict.act},
                                      {"reach", to_string(verdict.reach)},
                                      {"mechanisms", verdict.mechanisms},
                                      {"missing", missing}});
  }
  for (int i = 0; i < kFeatureCount; ++i) {
    const auto feature = static_cast<Feature>(i);
    const Finding& finding = findings.of(feature);
    document["tried"][std::string(to_string(feature))] = {
        {"works", finding.works}, {"detail", finding.detail}, {"remedy", finding.remedy}};
  }
  return document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string probe_text(const Findings& findings) {
  const std::vector<Verdict> verdicts = judge(findings);
  std::ostringstream out;
  out << "Linux " << findings.kernel << " (" << findings.machine << ")\n"
      << "BPF LSM: " << bpf_text(findings) << "\n\n";
  for (const Verdict& verdict : verdicts) {
    out << std::left << std::setw(20) << to_string(verdict.reach) << verdict.operation << ", "
        << verdict.act;
    if (!verdict.mechanisms.empty()) out << " (" << join(verdict.mechanisms) << ")";
    std::vector<std::string> missing;
    for (const Feature feature : verdict.missing) missing.emplace_back(to_string(feature));
    if (!missing.empty()) out << "; without " << join(missing);
    out << "\n";
  }
  out << "\n";
  for (int i = 0; i < kFeatureCount; ++i) {
    const auto feature = static_cast<Feature>(i);
    const Finding& finding = findings.of(feature);
    out << std::left << std::setw(20) << (finding.works ? "works" : "MISSING")
        << to_string(feature);
    if (!finding.detail.empty()) out << ": " << finding.detail;
    out << "\n";
    if (!finding.works && !finding.remedy.empty())
      out << std::string(20, ' ') << "-> " << finding.remedy << "\n";
  }
  if (!can_enforce(verdicts))
    out << "\nNothing can be enforced here: " << first_failure(findings) << "\n";
  return out.str();
}

}  // namespace holdfast
