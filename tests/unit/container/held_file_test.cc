#include "container/held_file.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include "kernel/unique_fd.h"
#include "temp_tree.h"

namespace holdfast {
namespace {

TEST(HeldFile, IsOpenForWriting) {
  EXPECT_TRUE(is_open_for_writing("pos:\t0\nflags:\t0100001\nmnt_id:\t29\n"));
  EXPECT_TRUE(is_open_for_writing("flags:\t02100002\n"));
  EXPECT_FALSE(is_open_for_writing("pos:\t1\nflags:\t0100000\n"));
  EXPECT_FALSE(is_open_for_writing("pos:\t0\nflags:\t012000001\n")) << "O_PATH";
  for (const char* text : {"", "flags:", "flags:\t", "pos:\t1\n", "x\nflags:\tz\n"})
    EXPECT_FALSE(is_open_for_writing(text)) << text;
}

TEST(HeldFile, DescriptorsAndMappingsEachOnce) {
  TempTree tree;
  for (const char* name : {"open", "mapped", "private", "read", "unlinked"})
    tree.file(name, "0123456789");
  const UniqueFd open_file(open((tree / "open").c_str(), O_WRONLY | O_CLOEXEC));
  const UniqueFd again(open((tree / "open").c_str(), O_RDWR | O_CLOEXEC));
  const UniqueFd read(open((tree / "read").c_str(), O_RDONLY | O_CLOEXEC));
  const UniqueFd unlinked(open((tree / "unlinked").c_str(), O_RDWR | O_CLOEXEC));
  std::filesystem::remove(tree / "unlinked");
  void* mapped = nullptr;
  void* not_shared = nullptr;
  {
    const UniqueFd fd(open((tree / "mapped").c_str(), O_RDWR | O_CLOEXEC));
    mapped = mmap(nullptr, 10, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
    const UniqueFd other(open((tree / "private").c_str(), O_RDWR | O_CLOEXEC));
    not_shared = mmap(nullptr, 10, PROT_READ | PROT_WRITE, MAP_PRIVATE, other.get(), 0);
  }
  std::vector<std::string> found;
  for (const HeldFile& held : files_held_for_writing(getpid())) {
    if (!held.file.path.starts_with(tree.path())) continue;
    EXPECT_EQ(held.mapped, held.file.path.ends_with("/mapped"));
    found.push_back(held.file.path);
  }
  munmap(mapped, 10);
  munmap(not_shared, 10);
  EXPECT_EQ(found, (std::vector{tree / "open", tree / "mapped"}));
}

TEST(HeldFile, NoneOfAProcessThatIsGone) { EXPECT_TRUE(files_held_for_writing(0).empty()); }

}  // namespace
}  // namespace holdfast
