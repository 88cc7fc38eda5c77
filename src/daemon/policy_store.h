// The policies in force: swapped whole, shared by all threads.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "holdfast/policy.h"

namespace holdfast {

class PolicyStore {
 public:
  explicit PolicyStore(std::shared_ptr<const PolicySet> set) : set_(std::move(set)) {}

  std::shared_ptr<const PolicySet> get() const {
    std::lock_guard lock(mutex_);
    return set_;
  }
  void replace(std::shared_ptr<const PolicySet> set) {
    std::lock_guard lock(mutex_);
    set_ = std::move(set);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const PolicySet> set_;
};

}  // namespace holdfast
