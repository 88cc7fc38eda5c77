#include "alert/rotating_file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "alert_samples.h"

namespace holdfast {
namespace {

namespace fs = std::filesystem;

std::unique_ptr<RotatingFile> open_file(const std::string& path, std::uint64_t bytes = 1 << 20,
                                        int keep = 2) {
  auto file = RotatingFile::open(path, bytes, keep);
  EXPECT_TRUE(file.ok()) << (file.ok() ? "" : file.error().message());
  return std::move(*file);
}

TEST(RotatingFile, AppendsToWhatIsThere) {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.ndjson";
  std::ofstream(path) << "old\n";
  ASSERT_TRUE(open_file(path)->write_line("new\n"));
  EXPECT_EQ(text_of(path), "old\nnew\n");
}

TEST(RotatingFile, IsNotReadableForOthers) {
  const TemporaryDirectory directory;
  const mode_t before = umask(0);
  open_file(directory / "a");
  umask(before);
  struct stat state {};
  ASSERT_EQ(stat((directory / "a").c_str(), &state), 0);
  EXPECT_EQ(state.st_mode & 07777, 0640U);
}

TEST(RotatingFile, MissingDirectoryIsAClearError) {
  const TemporaryDirectory directory;
  const std::string path = directory / "no/such/alerts.ndjson";
  const auto file = RotatingFile::open(path, 1000, 1);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, ENOENT);
  EXPECT_NE(file.error().message().find(path), std::string::npos);
  EXPECT_NE(file.error().message().find("create its directory"), std::string::npos);
  const auto directory_itself = RotatingFile::open(directory / "", 1000, 1);
  ASSERT_FALSE(directory_itself);
  EXPECT_FALSE(directory_itself.error().remedy.empty());
}

TEST(RotatingFile, RotatesByRename) {
  const TemporaryDirectory directory;
  const std::string path = directory / "a";
  const auto file = open_file(path, 10);
  for (const char* line : {"one-one\n", "two-two\n", "three\n", "four-four-four-four\n"}) {
    ASSERT_TRUE(file->write_line(line));
  }
  EXPECT_EQ(text_of(path), "four-four-four-four\n");  // longer than the limit, and not lost
  EXPECT_EQ(text_of(path + ".1"), "three\n");
  EXPECT_EQ(text_of(path + ".2"), "two-two\n");
  EXPECT_FALSE(fs::exists(path + ".3"));
}

TEST(RotatingFile, FillsUpToTheLimit) {
  const TemporaryDirectory directory;
  const std::string path = directory / "a";
  const auto file = open_file(path, 8);
  ASSERT_TRUE(file->write_line("123\n"));
  ASSERT_TRUE(file->write_line("567\n"));
  EXPECT_EQ(text_of(path), "123\n567\n");
  EXPECT_FALSE(fs::exists(path + ".1"));
}

TEST(RotatingFile, KeepsNoneIfAskedTo) {
  const TemporaryDirectory directory;
  const std::string path = directory / "a";
  const auto file = open_file(path, 4, 0);
  ASSERT_TRUE(file->write_line("one\n"));
  ASSERT_TRUE(file->write_line("two\n"));
  EXPECT_EQ(text_of(path), "two\n");
  EXPECT_FALSE(fs::exists(path + ".1"));
}

TEST(RotatingFile, GrowsWhenItCannotBeRenamed) {
  const TemporaryDirectory directory;
  const std::string path = directory / "a";
  const auto file = open_file(path, 4, 1);
  fs::create_directory(path + ".1");  // a file cannot be renamed over a directory
  ASSERT_TRUE(file->write_line("one\n"));
  ASSERT_TRUE(file->write_line("two\n"));
  EXPECT_EQ(text_of(path), "one\ntwo\n");
}

TEST(RotatingFile, NoticesAShipper) {
  const TemporaryDirectory directory;
  const std::string path = directory / "a";
  const auto file = open_file(path);
  ASSERT_TRUE(file->write_line("one\n"));
  fs::rename(path, path + ".taken");
  ASSERT_TRUE(file->write_line("two\n"));
  EXPECT_EQ(text_of(path), "two\n");
  fs::remove(path);
  ASSERT_TRUE(file->write_line("three\n"));
  EXPECT_EQ(text_of(path), "three\n");
  fs::resize_file(path, 0);  // "copytruncate"
  ASSERT_TRUE(file->write_line("four\n"));
  EXPECT_EQ(text_of(path), "four\n");
  fs::rename(path, path + ".1");  // "create": another file is there before the next line
  std::ofstream(path) << "new\n";
  ASSERT_TRUE(file->write_line("five\n"));
  EXPECT_EQ(text_of(path), "new\nfive\n");
  EXPECT_EQ(text_of(path + ".taken"), "one\n");
}

TEST(RotatingFile, DirectoryTakenAwayAndBack) {
  const TemporaryDirectory directory;
  fs::create_directory(directory / "log");
  const auto file = open_file(directory / "log/a");
  ASSERT_TRUE(file->write_line("one\n"));
  fs::remove_all(directory / "log");
  const Status refused = file->write_line("two\n");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ENOENT);
  fs::create_directory(directory / "log");
  ASSERT_TRUE(file->write_line("two\n"));
  EXPECT_EQ(text_of(directory / "log/a"), "two\n");
}

TEST(RotatingFile, StartsAFreshLineAfterATornOne) {
  const TemporaryDirectory directory;
  const std::string path = directory / "a";
  std::ofstream(path) << "{\"half";
  const auto file = open_file(path);
  ASSERT_TRUE(file->write_line("one\n"));
  ASSERT_TRUE(file->write_line("two\n"));
  EXPECT_EQ(text_of(path), "{\"half\none\ntwo\n");
}

// The kernel really writes a part and then refuses: no file may grow beyond this many bytes.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    getrlimit(RLIMIT_FSIZE, &before_);
    handler_ = signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  sighandler_t handler_;
};

TEST(RotatingFile, ShortWriteLeavesNothingBehind) {
  const TemporaryDirectory directory;
  const std::string path = directory / "a";
  const auto file = open_file(path);
  ASSERT_TRUE(file->write_line("one\n"));
  Status refused;
  {
    const FileSizeLimit limit(8);
    refused = file->write_line("two-two-two\n");
  }
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, EFBIG);
  EXPECT_EQ(text_of(path), "one\n");
  ASSERT_TRUE(file->write_line("two-two-two\n"));
  EXPECT_EQ(text_of(path), "one\ntwo-two-two\n");
}

TEST(RotatingFile, FullDevice) {
  const auto file = open_file("/dev/full", 1, 1);
  const Status refused = file->write_line("one\n");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ENOSPC);
  EXPECT_NE(refused.error().message().find("make room"), std::string::npos);
  EXPECT_TRUE(fs::exists("/dev/full"));  // never renamed
}

TEST(RotatingFile, PipeWhoseReaderSleeps) {
  const TemporaryDirectory directory;
  const std::string path = directory / "fifo";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  const UniqueFd reader(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  const auto file = open_file(path, 1);
  const std::string line = std::string(1000, 'x') + "\n";
  Status status;
  int written = 0;
  for (; written < 1000 && (status = file->write_line(line)).ok(); ++written) {
  }
  ASSERT_FALSE(status);  // not blocked
  EXPECT_EQ(status.error().code, EAGAIN);
  EXPECT_GT(written, 10);
  std::string drained(2000 * 1000, '\0');
  ASSERT_GT(read(reader.get(), drained.data(), drained.size()), 0);
  EXPECT_TRUE(file->write_line(line));
}

}  // namespace
}  // namespace holdfast
