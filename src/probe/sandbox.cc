#include "probe/sandbox.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "kernel/procfs.h"

namespace holdfast {
namespace {

Status make_tool(const std::string& directory) {
  const std::string path = directory + "/tool";
  std::ofstream(path) << ProbeSandbox::kScript;
  if (chmod(path.c_str(), 0755) != 0) return errno_error("make " + path);
  return {};
}

}  // namespace

Result<ProbeSandbox> ProbeSandbox::enter() {
  if (unshare(CLONE_NEWNS) != 0) {
    return errno_error("make a mount namespace", "it needs CAP_SYS_ADMIN");
  }
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return errno_error("make mounts private");
  }
  // Over a directory that is there: a read-only or minimal root has no room for another.
  for (const char* directory : {"/tmp", "/run", "/mnt", "/var", "/sys"}) {
    if (mount("holdfast-probe", directory, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=700") != 0)
      continue;
    ProbeSandbox sandbox;
    sandbox.tmpfs_ = sandbox.files_ = directory;
    for (const char* name : {"/lower", "/upper", "/work", "/merged", "/securityfs"}) {
      if (mkdir((sandbox.tmpfs_ + name).c_str(), 0755) != 0) return errno_error("make directories");
    }
    if (Status made = make_tool(sandbox.tmpfs_ + "/lower"); !made) return made.error();
    sandbox.files_ = sandbox.tmpfs_ + "/lower";
    return sandbox;
  }
  return errno_error("mount a tmpfs");
}

Status ProbeSandbox::mount_overlay() {
  const std::string merged = tmpfs_ + "/merged";
  const std::string layers =
      "lowerdir=" + tmpfs_ + "/lower,upperdir=" + tmpfs_ + "/upper,workdir=" + tmpfs_ + "/work";
  if (mount("overlay", merged.c_str(), "overlay", 0, layers.c_str()) != 0) {
    return errno_error("mount an overlay", errno == ENODEV ? "load the kernel module overlay" : "");
  }
  files_ = merged;
  return {};
}

std::string read_security_modules(const ProbeSandbox& sandbox) {
  const auto read = [](const std::string& path) {
    const Result<std::string> text = read_small_file(path, 4096);
    return text ? *text : std::string();
  };
  std::string names = read("/sys/kernel/security/lsm");
  if (!names.empty()) return names;
  const std::string mounted = sandbox.tmpfs() + "/securityfs";
  if (mount("securityfs", mounted.c_str(), "securityfs", 0, nullptr) != 0) return "";
  return read(mounted + "/lsm");
}

}  // namespace holdfast
