// A directory of policy files that goes away with the test.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace holdfast::testing {

class TempPolicies {
 public:
  TempPolicies() {
    std::string name =
        (std::filesystem::temp_directory_path() / "holdfast-policies.XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp " + name);
    path_ = name;
  }
  ~TempPolicies() { std::filesystem::remove_all(path_); }
  TempPolicies(const TempPolicies&) = delete;
  TempPolicies& operator=(const TempPolicies&) = delete;

  std::string path() const { return path_.string(); }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
    return (path_ / name).string();
  }

 private:
  std::filesystem::path path_;
};

}  // namespace holdfast::testing
