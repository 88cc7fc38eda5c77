#include "kernel/caller_path.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "kernel/caller_memory.h"
#include "kernel/file_stat.h"

namespace holdfast {
namespace {

TEST(OwnDescriptorTest, IsToldByThePathAlone) {
  EXPECT_EQ(own_descriptor("/proc/self/fd/3"), 3);
  EXPECT_EQ(own_descriptor("/proc/thread-self/fd/12"), 12);
  EXPECT_EQ(own_descriptor("/dev/fd/0"), 0);
  for (const char* other : {"/proc/self/fd/", "/proc/self/fd/3/x", "/proc/self/fd/-1",
                            "/proc/7/fd/3", "/proc/self/fd/99999999999999", "x/proc/self/fd/3", ""})
    EXPECT_FALSE(own_descriptor(other)) << other;
}

// This process is the caller; its root is the machine's.
class CallerPathTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = std::filesystem::temp_directory_path() / "caller-path-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    directory_ = std::filesystem::canonical(name);
    std::filesystem::create_directory(directory_ / "sub");
    std::ofstream(directory_ / "file") << "x";
    std::filesystem::create_symlink(directory_ / "file", directory_ / "sub/absolute");
    std::filesystem::create_symlink("../file", directory_ / "sub/relative");
    sub_ = UniqueFd(open((directory_ / "sub").c_str(), O_PATH | O_CLOEXEC));
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  bool is_the_file(const UniqueFd& fd) const {
    const auto one = fd.valid() ? stat_of(fd.get()) : std::nullopt;
    const auto other = stat_of_path(directory_ / "file");
    return one && other && one->stx_ino == other->stx_ino;
  }

  std::filesystem::path directory_;
  UniqueFd sub_;
};

TEST_F(CallerPathTest, IsFoundAsTheCallerWouldFindIt) {
  for (const char* path : {"../file", "absolute", "relative", "../sub/../sub/absolute"})
    EXPECT_TRUE(is_the_file(open_callers_path(getpid(), sub_.get(), path, true))) << path;
  EXPECT_TRUE(
      is_the_file(open_callers_path(getpid(), AT_FDCWD, directory_ / "sub/relative", true)));
  const UniqueFd link = open_callers_path(getpid(), sub_.get(), "absolute", false);
  ASSERT_TRUE(link.valid());
  EXPECT_TRUE(S_ISLNK(stat_of(link.get())->stx_mode));
  EXPECT_FALSE(open_callers_path(getpid(), sub_.get(), "nothing", true).valid());
  EXPECT_FALSE(open_callers_path(getpid(), sub_.get(), "", true).valid());
  EXPECT_FALSE(open_callers_path(getpid(), 100'000, "relative", true).valid());
}

TEST_F(CallerPathTest, ADescriptorIsReachedByItsLinks) {
  const UniqueFd file(open((directory_ / "file").c_str(), O_RDONLY | O_CLOEXEC));
  const std::string number = std::to_string(file.get());
  EXPECT_TRUE(is_the_file(open_callers_path(getpid(), AT_FDCWD, "/proc/self/fd/" + number, true)));
  EXPECT_TRUE(is_the_file(open_callers_path(
      getpid(), AT_FDCWD, "/proc/" + std::to_string(getpid()) + "/fd/" + number, true)));
  EXPECT_TRUE(is_the_file(open_callers_descriptor(getpid(), file.get())));
  EXPECT_FALSE(open_callers_descriptor(getpid(), -1).valid());
  // Another link of /proc leads anywhere.
  EXPECT_FALSE(
      open_callers_path(getpid(), AT_FDCWD, "/proc/" + std::to_string(getpid()) + "/exe", true)
          .valid());
}

TEST_F(CallerPathTest, ANewNameIsOneOfADirectory) {
  const auto found = find_callers_name(getpid(), sub_.get(), "../new");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->name, "new");
  EXPECT_EQ(stat_of(found->directory.get())->stx_ino, stat_of_path(directory_)->stx_ino);
  EXPECT_TRUE(find_callers_name(getpid(), sub_.get(), "new"));
  for (const char* none : {"", "sub/", "..", "nowhere/new"})
    EXPECT_FALSE(find_callers_name(getpid(), sub_.get(), none)) << none;
}

TEST(CallerMemoryTest, IsReadUpToWhatIsThere) {
  const long page = sysconf(_SC_PAGESIZE);
  char* const two = static_cast<char*>(
      mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_EQ(munmap(two + page, page), 0);
  const auto at = [&](const char* where) { return reinterpret_cast<std::uint64_t>(where); };
  char* const text = two + page - 4;
  std::copy_n("abc", 4, text);
  EXPECT_EQ(read_string(getpid(), at(text), 100), "abc");
  EXPECT_EQ(read_string(getpid(), at(text), 2), "ab");
  EXPECT_EQ(read_bytes(getpid(), at(text), 3), "abc");
  EXPECT_FALSE(read_bytes(getpid(), at(text), 5));
  text[3] = 'd';
  EXPECT_FALSE(read_string(getpid(), at(text), 100)) << "it ends nowhere";
  EXPECT_FALSE(read_string(getpid(), 8, 100));
  munmap(two, page);
}

}  // namespace
}  // namespace holdfast
