#include <sys/stat.h>

#include <fstream>
#include <thread>

#include "policy/yaml_document.h"
#include "policy_samples.h"
#include "temp_policies.h"

namespace holdfast::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;

std::vector<std::string> names(const Result<std::vector<PolicyText>>& texts) {
  std::vector<std::string> result;
  if (!texts) ADD_FAILURE() << texts.error().message();
  if (texts) {
    for (const PolicyText& text : *texts) result.push_back(text.file);
  }
  return result;
}

TEST(ReadPolicies, FilesInTheirOrderAndDirectoriesSorted) {
  const TempPolicies dir;
  const std::string file = dir.write("z.conf", "zzz");
  std::filesystem::create_directory(dir.path() + "/d");
  dir.write("d/b.yml", "b");
  dir.write("d/a.yaml", "a");
  dir.write("d/c.txt", "c");
  dir.write("d/.hidden.yml", "h");
  dir.write("d/yml", "y");
  std::filesystem::create_directory(dir.path() + "/d/sub.yml");
  ASSERT_EQ(::mkfifo((dir.path() + "/d/pipe.yml").c_str(), 0600),
            0);  // opening it would wait for ever
  std::filesystem::create_symlink("b.yml", dir.path() + "/d/link.yml");
  const auto texts = read_policies({file, dir.path() + "/d"});
  EXPECT_THAT(names(texts), ElementsAre(file, EndsWith("/d/a.yaml"), EndsWith("/d/b.yml"),
                                        EndsWith("/d/link.yml")));
  EXPECT_EQ(texts->at(0).text, "zzz");
  EXPECT_EQ(texts->at(3).text, "b");
}

TEST(ReadPolicies, UnreadableFilesAreAnErrorThatNamesThem) {
  const TempPolicies dir;
  auto texts = read_policies({dir.path() + "/none.yml"});
  ASSERT_FALSE(texts);
  EXPECT_THAT(texts.error().message(),
              AllOf(HasSubstr("/none.yml: No such file"), HasSubstr("check the path")));
  std::filesystem::create_symlink("nowhere", dir.path() + "/dangling.yml");
  texts = read_policies({dir.path()});
  ASSERT_FALSE(texts);
  EXPECT_THAT(texts.error().message(), HasSubstr("dangling.yml"));
}

TEST(ReadPolicies, AnEmptyDirectoryHasNone) {
  const TempPolicies dir;
  EXPECT_THAT(names(read_policies({dir.path()})), ElementsAre());
}

TEST(ReadPolicies, PipesAreReadAndNotWaitedForForEver) {
  const TempPolicies dir;
  const std::string pipe = dir.path() + "/pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  {
    const std::jthread writer([&] { std::ofstream(pipe) << "file: {}"; });
    const auto texts = read_policies({pipe});
    ASSERT_TRUE(texts);
    EXPECT_EQ(texts->at(0).text, "file: {}");
  }
  const auto texts = read_policies({pipe});
  ASSERT_FALSE(texts);
  EXPECT_THAT(texts.error().message(), HasSubstr("nothing came within 2 s"));
}

TEST(ReadPolicies, EndlessFilesAreCutAndThenRefused) {
  const auto texts = read_policies({"/dev/zero"});
  ASSERT_TRUE(texts);
  EXPECT_GT(texts->at(0).text.size(), kMaxYamlBytes);
  EXPECT_LT(texts->at(0).text.size(), 2 * kMaxYamlBytes);
  EXPECT_EQ(compile_policies(*texts).set, nullptr);
}

}  // namespace
}  // namespace holdfast::testing
