// A set of selectors, by their index in a PolicySet.
#pragma once

#include <bitset>

namespace holdfast {

// In all policies together. Bounded so that a decision needs no memory but its stack; Elastic's own
// limit is 64 for each section.
inline constexpr std::size_t kMaxSelectors = 1024;
using SelectorBits = std::bitset<kMaxSelectors>;
using ResponseBits = SelectorBits;  // by index in a section's responses, of which there are no more

template <typename Visit>
void for_each_selector(const SelectorBits& bits, Visit visit) {
  for (std::size_t i = bits._Find_first(); i < bits.size(); i = bits._Find_next(i)) visit(i);
}

}  // namespace holdfast
