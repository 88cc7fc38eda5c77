#include "daemon/shared_state.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cstring>

#include "kernel/unique_fd.h"

namespace holdfast {
namespace {

constexpr std::uint64_t kLayout = 0x686f6c6466617374 ^ (sizeof(SharedState) << 8) ^ 1;

}  // namespace

void SharedState::clear() {
  // Everything in here is a number whose zero means empty.
  char* begin = reinterpret_cast<char*>(&events);
  std::memset(begin, 0, reinterpret_cast<char*>(this) + sizeof *this - begin);
}

void UnmapSharedState::operator()(SharedState* state) const { munmap(state, sizeof *state); }

Result<SharedStatePtr> map_shared_state(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) return errno_error("open " + path);
  struct stat file {};
  if (fstat(fd.get(), &file) != 0) return errno_error("look at " + path);
  if (file.st_size != sizeof(SharedState) && ftruncate(fd.get(), 0) != 0) {
    return errno_error("empty " + path);
  }
  // Allocated now: a full filesystem is an error here, not a signal later.
  if (const int code = posix_fallocate(fd.get(), 0, sizeof(SharedState)); code != 0) {
    return Error{code, "make room for " + path, "free space on its filesystem"};
  }
  void* address =
      mmap(nullptr, sizeof(SharedState), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (address == MAP_FAILED) return errno_error("map " + path);
  SharedStatePtr state(static_cast<SharedState*>(address));
  if (state->layout != kLayout) {
    std::memset(address, 0, sizeof(SharedState));
    state->layout = kLayout;
  }
  return state;
}

}  // namespace holdfast
