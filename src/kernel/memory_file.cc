#include "kernel/memory_file.h"

#include <fcntl.h>
#include <linux/memfd.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>

#include "kernel/file_stat.h"
#include "kernel/unique_fd.h"

namespace holdfast {
namespace {

constexpr unsigned kNoExecSeal = 8;  // MFD_NOEXEC_SEAL, 6.3; newer than Debian 12's headers

// Takes no page. Where vm.memfd_noexec is 2 only files that never execute can be made.
UniqueFd make(unsigned flags) {
  UniqueFd fd(memfd_create("holdfast", MFD_CLOEXEC | kNoExecSeal | flags));
  if (!fd.valid() && errno == EINVAL) fd.reset(memfd_create("holdfast", MFD_CLOEXEC | flags));
  return fd;
}

std::vector<dev_t> find_devices() {
  std::vector<dev_t> devices;
  std::vector<UniqueFd> files = huge_page_files();
  files.push_back(make(0));
  for (const UniqueFd& fd : files) {
    const std::optional<FileStat> file = fd.valid() ? stat_of(fd.get()) : std::nullopt;
    if (file) devices.push_back(device_of(*file));
  }
  return devices;
}

}  // namespace

std::vector<UniqueFd> huge_page_files() {
  std::vector<UniqueFd> files;
  // 64 KiB to 16 GiB: the page sizes of all architectures.
  for (const unsigned size :
       {MFD_HUGE_64KB, MFD_HUGE_512KB, MFD_HUGE_1MB, MFD_HUGE_2MB, MFD_HUGE_8MB, MFD_HUGE_16MB,
        MFD_HUGE_32MB, MFD_HUGE_256MB, MFD_HUGE_512MB, MFD_HUGE_1GB, MFD_HUGE_2GB, MFD_HUGE_16GB}) {
    UniqueFd fd = make(MFD_HUGETLB | size);
    if (fd.valid()) files.push_back(std::move(fd));
  }
  return files;
}

const std::vector<dev_t>& memory_file_devices() {
  static const std::vector<dev_t> devices = find_devices();
  return devices;
}

bool is_sealed(int fd) {
  constexpr int kWanted = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK;
  const int seals = fcntl(fd, F_GET_SEALS);
  return seals >= 0 && (seals & kWanted) == kWanted;
}

}  // namespace holdfast
