#include "container/volume_reference.h"

#include <gtest/gtest.h>

#include "temp_tree.h"

namespace holdfast {
namespace {

WorkloadFacts facts(const std::string& sandbox, const std::string& name, std::int64_t created_s) {
  FactsBuilder builder("id-" + std::to_string(created_s));
  builder.name(name).created(
      std::chrono::system_clock::time_point(std::chrono::seconds(created_s)));
  if (!sandbox.empty()) builder.sandbox(sandbox);
  return builder.build();
}

constexpr std::int64_t kSecond = 1'000'000'000;

TEST(VolumeReferences, ARestartedContainerOfAPodHasTheTimeOfTheFirst) {
  TempTree tree;
  VolumeReferences references(tree / "references.json");
  EXPECT_EQ(references.of(facts("s", "init", 90), 0), 90 * kSecond);
  EXPECT_EQ(references.of(facts("s", "main", 100), 0), 100 * kSecond);
  EXPECT_EQ(references.of(facts("s", "main", 200), 0), 100 * kSecond);
  EXPECT_EQ(references.of(facts("t", "main", 300), 0), 300 * kSecond) << "a new pod";
}

TEST(VolumeReferences, TheyOutliveTheDaemon) {
  TempTree tree;
  VolumeReferences(tree / "references.json").of(facts("s", "main", 100), 0);
  EXPECT_EQ(VolumeReferences(tree / "references.json").of(facts("s", "main", 200), 0),
            100 * kSecond);
  tree.file("broken.json", "[1");
  EXPECT_EQ(VolumeReferences(tree / "broken.json").of(facts("s", "main", 200), 0), 200 * kSecond);
}

TEST(VolumeReferences, OtherRuntimesTellWhenAContainerWasCreated) {
  TempTree tree;
  VolumeReferences references(tree / "references.json");
  EXPECT_EQ(references.of(facts("", "web", 100), 0), 100 * kSecond);
  EXPECT_EQ(references.of(facts("", "web", 200), 0), 200 * kSecond);
  EXPECT_EQ(references.of(FactsBuilder("x").build(), 7), 7) << "its first process";
}

}  // namespace
}  // namespace holdfast
