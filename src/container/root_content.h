// Is a file on a container's root content of the image? (docs/architecture.md, "Drift".)
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "holdfast/result.h"
#include "kernel/file_stat.h"

namespace holdfast {

struct Judgement {
  enum class Origin : std::uint8_t {
    image,  // never copied up, or copied up with the same bytes
    drift,
    undetermined,  // copied up, same size: compare() has to read both
  };
  Origin origin = Origin::drift;
  bool had_original = false;  // the image has a regular file at that path
  std::string reason;         // for the alert: "not part of the image"
};

// One container's root. Thread-safe.
class RootContent {
 public:
  virtual ~RootContent() = default;

  // The common answer without a path: certainly image content. False: judge() has to look.
  virtual bool certainly_image(const FileStat& file) const = 0;

  virtual Judgement judge(const FileStat& file, const std::string& path) = 0;

  // Reads the whole file behind `fd` and the original; may take seconds. Never undetermined.
  virtual Judgement compare(int fd, const FileStat& file, const std::string& path) = 0;

  // The image has a regular file at that path, and whether that one had an x bit.
  struct Original {
    bool exists = false;
    bool executable = false;
  };
  virtual Original original(const FileStat& file, const std::string& path) const = 0;

  // An image copy that was let run. It counts as executable whatever its mode is now: otherwise
  // chmod -x, write, and the run that was already allowed would get the new bytes.
  virtual bool was_let_run(const FileStat& file) const = 0;
};

}  // namespace holdfast
