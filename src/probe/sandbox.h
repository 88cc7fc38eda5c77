// A mount namespace with an overlay of its own on tmpfs: it is seen by nobody, and gone with its
// process.
#pragma once

#include <string>
#include <string_view>

#include "holdfast/result.h"

namespace holdfast {

class ProbeSandbox {
 public:
  // Puts the calling process into the namespace.
  static Result<ProbeSandbox> enter();

  // Mounts the overlay; before that, and if it fails, files() is a directory on the tmpfs.
  Status mount_overlay();

  // A script without an interpreter: let happen, its execve gives ENOENT.
  static constexpr std::string_view kScript = "#!/holdfast/none\n";

  // Where files are tried, with an executable `tool` that holds the script.
  const std::string& files() const { return files_; }
  const std::string& tmpfs() const { return tmpfs_; }

 private:
  std::string tmpfs_;
  std::string files_;
};

// The names in /sys/kernel/security/lsm, from a securityfs of its own if it is not mounted; empty:
// not known. In the sandbox.
std::string read_security_modules(const ProbeSandbox& sandbox);

}  // namespace holdfast
