// From a pod's labels to the selectors that ask for them: by key, then by value.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "policy/selector_bits.h"
#include "policy/value_index.h"

namespace holdfast {

// Filled, compiled once, then read by any number of threads.
class LabelIndex {
 public:
  // "key:value", `*` in the value. Of the labels of a selector that share a slot one is enough, and
  // every slot it has must be met: slots are numbered from 0 for each selector.
  void add(std::string_view key_and_value, std::size_t slot, std::size_t selector);

  // False: the patterns need more memory than they may have.
  [[nodiscard]] bool compile();

  // The selectors whose labels are met.
  SelectorBits match(const std::map<std::string, std::string>& labels) const;

 private:
  struct Slot {
    SelectorBits asking;
    std::unordered_map<std::string, ValueIndex> values;  // by key
  };
  std::vector<Slot> slots_;
};

}  // namespace holdfast
