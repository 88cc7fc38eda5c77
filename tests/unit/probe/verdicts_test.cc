#include "probe/verdicts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "probe/probe.h"

namespace holdfast::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Findings everything_works() {
  Findings findings;
  findings.kernel = "6.18.0";
  findings.machine = "x86_64";
  findings.security_modules = {"lockdown", "capability", "bpf"};
  for (int i = 0; i < kFeatureCount; ++i)
    findings.tried[static_cast<Feature>(i)] = {true, "works", ""};
  return findings;
}

Findings all_but(std::initializer_list<Feature> missing) {
  Findings findings = everything_works();
  for (const Feature feature : missing) findings.tried[feature] = {false, "cannot", "get it"};
  return findings;
}

Verdict about(const Findings& findings, const std::string& operation, const std::string& act) {
  for (const Verdict& verdict : judge(findings)) {
    if (verdict.operation == operation && verdict.act.find(act) != std::string::npos)
      return verdict;
  }
  ADD_FAILURE() << "no verdict about " << operation << ", " << act;
  return {};
}

TEST(Verdicts, AreTheBestWayEach) {
  const Findings findings = everything_works();
  const auto reach_of = [&](const char* operation, const char* act) {
    return about(findings, operation, act).reach;
  };
  EXPECT_EQ(reach_of("createExecutable", "written"), Reach::prevented);
  EXPECT_EQ(reach_of("createExecutable", "chmod"), Reach::detected);
  EXPECT_EQ(reach_of("createExecutable", "unmarked"), Reach::killed_after_start);
  EXPECT_EQ(reach_of("modifyExecutable", "written"), Reach::prevented);
  EXPECT_EQ(reach_of("modifyExecutable", "rename"), Reach::detected);
  EXPECT_EQ(reach_of("execMemFd", "under the seccomp"), Reach::prevented);
  EXPECT_EQ(reach_of("execMemFd", "without the seccomp"), Reach::killed_after_start);
  EXPECT_THAT(about(findings, "createExecutable", "written").mechanisms,
              ElementsAre("open_gate", "exec_gate"));
  for (const Verdict& verdict : judge(findings)) EXPECT_THAT(verdict.missing, IsEmpty());
  EXPECT_TRUE(can_enforce(judge(findings)));
}

TEST(Verdicts, WithoutPermissionEventsThereIsNothing) {
  // As the attempts leave it: what needs a group was not tried.
  Findings findings = all_but({Feature::permission_events});
  for (const Feature feature : {Feature::refuse_create, Feature::refuse_write, Feature::refuse_exec,
                                Feature::refuse_memfd, Feature::refuse_huge_memfd})
    findings.tried.erase(feature);
  for (const Verdict& verdict : judge(findings)) {
    EXPECT_EQ(verdict.reach, Reach::not_possible) << verdict.act;
    EXPECT_THAT(verdict.mechanisms, IsEmpty());
    EXPECT_EQ(verdict.missing.front(), Feature::permission_events);
  }
  EXPECT_FALSE(can_enforce(judge(findings)));
  EXPECT_THAT(probe_text(findings), HasSubstr("Nothing can be enforced here: cannot (get it)\n"));
}

TEST(Verdicts, AWriteThatCannotBeRefusedIsRefusedWhenItRuns) {
  const Findings findings = all_but({Feature::refuse_create});
  const Verdict created = about(findings, "createExecutable", "written");
  EXPECT_EQ(created.reach, Reach::prevented);
  EXPECT_THAT(created.mechanisms, ElementsAre("exec_gate"));
  EXPECT_THAT(created.missing, ElementsAre(Feature::refuse_create));
  EXPECT_THAT(about(findings, "modifyExecutable", "written").missing, IsEmpty());
}

TEST(Verdicts, ARunThatCannotBeRefusedIsEnded) {
  const Findings findings = all_but({Feature::refuse_exec});
  const Verdict run = about(findings, "createExecutable, modifyExecutable", "run");
  EXPECT_EQ(run.reach, Reach::killed_after_start);
  EXPECT_THAT(run.mechanisms, ElementsAre("exec_watch"));
}

TEST(Verdicts, KernelBefore59RefusesMemfdCreate) {
  const Verdict memfd = about(all_but({Feature::seccomp_injection}), "execMemFd", "under");
  EXPECT_EQ(memfd.reach, Reach::prevented);
  EXPECT_THAT(memfd.mechanisms, ElementsAre("seccomp"));
  EXPECT_THAT(memfd.missing, ElementsAre(Feature::seccomp_injection));
}

TEST(Verdicts, WithoutAListenerMemoryFilesAreKilled) {
  const Verdict memfd =
      about(all_but({Feature::seccomp_listener, Feature::seccomp_injection}), "execMemFd", "under");
  EXPECT_EQ(memfd.reach, Reach::killed_after_start);
  EXPECT_THAT(memfd.missing, ElementsAre(Feature::seccomp_listener, Feature::seccomp_injection));
}

TEST(Verdicts, HugePagesNeedNoProfile) {
  const Verdict refused = about(everything_works(), "execMemFd", "in huge pages");
  EXPECT_EQ(refused.reach, Reach::prevented);
  EXPECT_THAT(refused.mechanisms, ElementsAre("memfd_gate"));
  EXPECT_EQ(about(all_but({Feature::refuse_huge_memfd}), "execMemFd", "in huge pages").reach,
            Reach::killed_after_start);
}

TEST(Verdicts, WithoutExecEventsNothingIsKilled) {
  const Findings findings = all_but({Feature::exec_events});
  EXPECT_EQ(about(findings, "execMemFd", "without").reach, Reach::not_possible);
  EXPECT_EQ(about(findings, "createExecutable", "unmarked").reach, Reach::not_possible);
  EXPECT_EQ(about(findings, "execMemFd", "under").reach, Reach::prevented);
}

TEST(Verdicts, WithoutChangeEventsRenamesGoUnseen) {
  const Findings findings = all_but({Feature::change_events});
  EXPECT_EQ(about(findings, "createExecutable", "chmod").reach, Reach::not_possible);
  EXPECT_EQ(about(findings, "modifyExecutable", "rename").reach, Reach::not_possible);
}

TEST(BpfLsm, IsWhatTheKernelLists) {
  Findings findings;
  EXPECT_EQ(bpf_lsm(findings), BpfLsm::unknown);
  findings.security_modules = {"lockdown", "apparmor"};
  EXPECT_EQ(bpf_lsm(findings), BpfLsm::inactive);
  EXPECT_THAT(probe_text(findings), HasSubstr("BPF LSM: not active (lsm=lockdown, apparmor)\n"));
  findings.security_modules.emplace_back("bpf");
  EXPECT_EQ(bpf_lsm(findings), BpfLsm::active);
}

TEST(ProbeJson, HasAllThatWasTried) {
  const auto json = nlohmann::json::parse(probe_json(all_but({Feature::exec_events})));
  EXPECT_EQ(json["bpf_lsm"], "active");
  EXPECT_EQ(json["can_enforce"], true);
  EXPECT_EQ(json["operations"].size(), judge(everything_works()).size());
  EXPECT_EQ(json["tried"].size(), static_cast<std::size_t>(kFeatureCount));
  EXPECT_EQ(json["tried"]["exec_events"]["works"], false);
  EXPECT_EQ(json["tried"]["exec_events"]["remedy"], "get it");
}

TEST(ProbeText, NamesWhatIsMissingAndHowToGetIt) {
  EXPECT_THAT(probe_text(all_but({Feature::exec_events})),
              AllOf(HasSubstr("execMemFd, without the seccomp profile; without exec_events\n"),
                    HasSubstr("exec_events: cannot\n"), HasSubstr("-> get it\n"),
                    Not(HasSubstr("Nothing can be enforced"))));
}

TEST(ProbeLines, ComeBackAsTheyWere) {
  Findings findings;
  const Finding finding{false, "a \"quoted\"\nline and \xff", "remedy"};
  const std::string line = finding_line(Feature::exec_events, finding);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  take_line(line, findings);
  EXPECT_EQ(findings.of(Feature::exec_events).remedy, "remedy");
  EXPECT_FALSE(findings.works(Feature::exec_events));
  take_line(modules_line("lockdown,capability,bpf\n"), findings);
  EXPECT_THAT(findings.security_modules, ElementsAre("lockdown", "capability", "bpf"));
}

TEST(ProbeLines, AHangIsNotedWhereItWas) {
  Findings findings;
  take_line(finding_line(Feature::permission_events, {true, "", ""}), findings);
  note_hang(findings);
  EXPECT_EQ(findings.of(Feature::overlay).detail, "the attempt did not come back");
  EXPECT_EQ(findings.of(Feature::write_access).detail, "not tried");
  EXPECT_THAT(probe_text(findings),
              HasSubstr("Nothing can be enforced here: the attempt did not come back\n"));
}

TEST(ProbeLines, OfAProcessThatWasEndedAreLeftOut) {
  Findings findings;
  take_line(R"({"feature":"exec_ev)", findings);
  take_line("", findings);
  take_line(R"({"feature":"nonsense","works":true})", findings);
  EXPECT_TRUE(findings.tried.empty());
  EXPECT_EQ(findings.of(Feature::exec_events).detail, "not tried");
}

}  // namespace
}  // namespace holdfast::testing
