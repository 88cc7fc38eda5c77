// The state files of runc, crun, containerd, podman, CRI-O and docker: the input stands in all of
// them, in a directory that is also the host's root. They are links to one file in memory: writing
// seven files for each input would be most of the work.
#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>
#include <initializer_list>
#include <string>

#include "container/engine_store.h"
#include "container/oci_store.h"
#include "fuzz.h"
#include "kernel/unique_fd.h"

using namespace holdfast;

namespace {

class Host {
 public:
  Host() : file_(::memfd_create("state", MFD_CLOEXEC)) {
    require(file_.valid(), "a memory file can be made");
    std::string name = std::filesystem::temp_directory_path() / "holdfast-fuzz-XXXXXX";
    require(::mkdtemp(name.data()) != nullptr, "a temporary directory can be made");
    root_ = name;
    for (const char* file : kFiles) {
      std::filesystem::create_directories((root_ / file).parent_path());
      std::filesystem::create_symlink("/proc/self/fd/" + std::to_string(file_.get()), root_ / file);
    }
  }
  ~Host() { std::filesystem::remove_all(root_); }
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  void fill(std::string_view text) const {
    require(::ftruncate(file_.get(), 0) == 0 && ::pwrite(file_.get(), text.data(), text.size(),
                                                         0) == static_cast<ssize_t>(text.size()),
            "the memory file can be written");
  }
  std::string operator/(const char* name) const { return root_ / name; }
  std::string root() const { return root_; }

 private:
  static constexpr std::initializer_list<const char*> kFiles = {
      "runc/c/state.json",
      "crun/c/status",
      "bundle/config.json",
      "tasks/default/c/config.json",
      "storage/overlay-containers/containers.json",
      "storage/overlay-containers/c/userdata/config.json",
      "docker/containers/c/config.v2.json"};
  UniqueFd file_;
  std::filesystem::path root_;
};

void check(const std::optional<WorkloadFacts>& facts) {
  require(!facts || (facts->workload && facts->workload->container.id == "c"),
          "facts are about the container that was asked for");
}

}  // namespace

void fuzz(std::string_view text) {
  static const Host kHost;
  kHost.fill(text);
  for (const char* runtime : {"runc", "crun"}) {
    if (const auto state = oci_state(kHost / runtime, "c", kHost.root())) check(state->facts);
  }
  check(containerd_task(kHost / "tasks", "c"));
  check(storage_container(kHost / "storage", "c"));
  storage_container_of_layer(kHost / "storage", "l");
  check(docker_container(kHost / "docker", "c"));
  parse_time(text);
}
