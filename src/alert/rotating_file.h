// One NDJSON file: appended to, rotated by rename, created anew when someone took it away.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "alert/line_sink.h"
#include "kernel/unique_fd.h"

namespace holdfast {

class RotatingFile : public LineSink {
 public:
  // A file that would grow beyond `rotate_bytes` is renamed to PATH.1, the one before to PATH.2 and
  // so on up to PATH.`keep`; with keep 0 it is removed. Pipes and devices are never renamed.
  // Error: the file cannot be opened, with the remedy.
  static Result<std::unique_ptr<RotatingFile>> open(std::string path, std::uint64_t rotate_bytes,
                                                    int keep);

  Status write_line(std::string_view line) override;

 private:
  RotatingFile(std::string path, std::uint64_t rotate_bytes, int keep)
      : path_(std::move(path)), rotate_bytes_(rotate_bytes), keep_(keep) {}

  Status reopen();
  Status prepare(std::size_t bytes);
  bool rotate() const;
  Status append(std::string_view text);
  bool take_back(off_t size_before, std::size_t written) const;

  std::string path_;
  std::uint64_t rotate_bytes_;
  int keep_;
  UniqueFd file_;
  struct stat state_ {};          // of the open file, as of the last look
  bool torn_ = false;             // the file ends inside a line
  bool rotation_failed_ = false;  // reported already
};

}  // namespace holdfast
