#include "alert/rotating_file.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <stdio.h>
#include <unistd.h>

namespace holdfast {
namespace {

bool is_regular(const struct stat& state) { return S_ISREG(state.st_mode); }

std::string remedy_for(int error) {
  switch (error) {
    case ENOENT:
      return "create its directory, or set another with --state-dir or log_dir";
    case EACCES:
    case EPERM:
    case EROFS:
      return "make the directory writable for root, or set another with log_dir";
    case EISDIR:
      return "name a file, not a directory";
    case ENOTDIR:
      return "a part of the path is a file; set another directory with log_dir";
    case ENOSPC:
    case EDQUOT:
      return "make room on that file system";
    default:
      return "";
  }
}

// True if a file of at least one byte does not end in a line end: someone died while writing.
bool ends_inside_line(int fd, off_t size) {
  char last = '\n';
  return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

}  // namespace

Result<std::unique_ptr<RotatingFile>> RotatingFile::open(std::string path,
                                                         std::uint64_t rotate_bytes, int keep) {
  std::unique_ptr<RotatingFile> file(new RotatingFile(std::move(path), rotate_bytes, keep));
  if (Status opened = file->reopen(); !opened) return opened.error();
  return file;
}

Status RotatingFile::reopen() {
  // Non-blocking matters for a pipe alone: a reader that stopped reading must not stop the writer
  // thread, its lines wait in the queue instead. Reading is for ends_inside_line().
  UniqueFd file(
      ::open(path_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0640));
  if (!file.valid()) {
    const int error = errno;
    return Error{error, "open alert log " + path_, remedy_for(error)};
  }
  struct stat state {};
  if (fstat(file.get(), &state) != 0) return errno_error("stat alert log " + path_);
  torn_ = is_regular(state) && ends_inside_line(file.get(), state.st_size);
  state_ = state;
  file_ = std::move(file);
  return {};
}

Status RotatingFile::write_line(std::string_view line) {
  if (Status ready = prepare(line.size()); !ready) return ready;
  return append(torn_ ? "\n" + std::string(line) : std::string(line));
}

// The right file is open, and has room for that many bytes more.
Status RotatingFile::prepare(std::size_t bytes) {
  struct stat now {};
  const bool same = file_.valid() && stat(path_.c_str(), &now) == 0 &&
                    now.st_dev == state_.st_dev && now.st_ino == state_.st_ino;
  if (!same) {
    if (Status opened = reopen(); !opened) return opened;
  } else {
    state_ = now;
  }
  // A pipe or device has size 0, so it is never full and never renamed.
  const bool full =
      state_.st_size > 0 && static_cast<std::uint64_t>(state_.st_size) + bytes > rotate_bytes_;
  if (!full) return {};
  if (rotate()) {
    rotation_failed_ = false;
    return reopen();
  }
  // A log that grows is better than one that stops.
  if (!rotation_failed_) {
    spdlog::warn("rename alert log {}: {}; it grows beyond {} bytes (make its directory writable)",
                 path_, std::strerror(errno), rotate_bytes_);
  }
  rotation_failed_ = true;
  return {};
}

bool RotatingFile::rotate() const {
  if (keep_ <= 0) return unlink(path_.c_str()) == 0;
  const auto numbered = [this](int number) { return path_ + "." + std::to_string(number); };
  for (int number = keep_ - 1; number >= 1; --number) {
    const bool moved = rename(numbered(number).c_str(), numbered(number + 1).c_str()) == 0;
    if (!moved && errno != ENOENT) return false;
  }
  return rename(path_.c_str(), numbered(1).c_str()) == 0;
}

Status RotatingFile::append(std::string_view text) {
  std::size_t written = 0;
  while (written < text.size()) {
    const ssize_t length = write(file_.get(), text.data() + written, text.size() - written);
    if (length > 0) {
      written += static_cast<std::size_t>(length);
      continue;
    }
    const int error = length < 0 ? errno : ENOSPC;
    if (error == EINTR) continue;
    if (written > 0 && !take_back(state_.st_size, written)) torn_ = true;
    return Error{error, "write alert log " + path_, remedy_for(error)};
  }
  torn_ = false;
  return {};
}

// Removes what a failed line left, unless the end of the file is not ours alone.
bool RotatingFile::take_back(off_t size_before, std::size_t written) const {
  struct stat now {};
  return is_regular(state_) && fstat(file_.get(), &now) == 0 &&
         now.st_size == size_before + static_cast<off_t>(written) &&
         ftruncate(file_.get(), size_before) == 0;
}

}  // namespace holdfast
