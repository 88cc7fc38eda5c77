// From a text to the selectors that name it: literals by hash, patterns in one RE2 set.
#pragma once

#include <re2/re2.h>
#include <re2/set.h>

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "policy/selector_bits.h"

namespace holdfast {

// Filled, compiled once, then read by any number of threads. RE2 guards the automaton it builds
// while matching; without patterns no lock is touched at all.
class ValueIndex {
 public:
  void add_literal(std::string_view text, std::size_t selector);
  // An expression of patterns.h; every text that it matches begins with `prefix`.
  void add_expression(const std::string& expression, std::size_t selector,
                      std::string_view prefix = {});

  // False: the patterns need more memory than they may have.
  [[nodiscard]] bool compile();

  // Adds the selectors of every value that matches. Allocates only where a pattern matches.
  void match(std::string_view text, SelectorBits& selectors) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  using Selectors = std::vector<std::size_t>;

  std::unordered_map<std::string, Selectors, Hash, std::equal_to<>> literals_;
  std::unordered_map<std::string, Selectors> expressions_;  // until compile()
  std::string prefix_;                                      // of all expressions
  std::vector<Selectors> patterns_;                         // by index in set_
  std::unique_ptr<re2::RE2::Set> set_;                      // null: no patterns
};

}  // namespace holdfast
