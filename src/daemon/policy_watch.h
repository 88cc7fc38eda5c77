// Tells when policy files change, by inotify on their directories.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "holdfast/result.h"
#include "kernel/unique_fd.h"

namespace holdfast {

// Watches every directory that is named, and that of every file that is named, whatever the way of
// the change: written in place, renamed over, or a ConfigMap's ..data link swapped. A file that is
// a symbolic link is watched at both its ends. A directory that is replaced is watched again.
class PolicyWatch {
 public:
  // `changed` is called on the watch's thread, once for changes that come together.
  static Result<std::unique_ptr<PolicyWatch>> start(std::vector<std::string> paths,
                                                    std::function<void()> changed);
  ~PolicyWatch();
  PolicyWatch(const PolicyWatch&) = delete;
  PolicyWatch& operator=(const PolicyWatch&) = delete;

 private:
  PolicyWatch(std::vector<std::string> paths, std::function<void()> changed, UniqueFd inotify,
              UniqueFd stop);
  void run();
  bool drain();      // true: something that matters changed
  void add_marks();  // again and again: the same watch stays one, and a new directory gets its own

  std::vector<std::string> paths_;
  std::function<void()> changed_;
  UniqueFd inotify_;
  UniqueFd stop_;  // an eventfd
  std::thread thread_;
};

}  // namespace holdfast
