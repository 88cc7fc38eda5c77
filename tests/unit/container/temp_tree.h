// A directory of a test's own, gone with it, and short ways to fill it.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace holdfast {

class TempTree {
 public:
  TempTree() {
    std::string pattern = testing::TempDir() + "holdfast-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) ADD_FAILURE() << "mkdtemp " << pattern;
    path_ = std::filesystem::canonical(pattern).string();
  }
  TempTree(const TempTree&) = delete;
  TempTree& operator=(const TempTree&) = delete;
  ~TempTree() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + '/' + name; }

  void directory(const std::string& name) const {
    std::filesystem::create_directories(*this / name);
  }
  void file(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(*this / name).parent_path());
    std::ofstream(*this / name) << text;
  }
  void link(const std::string& target, const std::string& name) const {
    std::filesystem::create_directories(std::filesystem::path(*this / name).parent_path());
    std::filesystem::create_symlink(target, *this / name);
  }

 private:
  std::string path_;
};

// A tmpfs mounted on a directory of its own; `mounted()` is false where that is not allowed.
class TempMount {
 public:
  TempMount() : mounted_(::mount("tmpfs", tree_.path().c_str(), "tmpfs", 0, "size=16m") == 0) {}
  TempMount(const TempMount&) = delete;
  TempMount& operator=(const TempMount&) = delete;
  ~TempMount() {
    if (mounted_) ::umount2(tree_.path().c_str(), MNT_DETACH);
  }

  bool mounted() const { return mounted_; }
  const TempTree& tree() const { return tree_; }

 private:
  TempTree tree_;
  bool mounted_;
};

}  // namespace holdfast
