// From a text to the selectors that name it: literals by hash, beginnings by binary search, other
// patterns in one RE2 set.
#pragma once

#include <re2/re2.h>
#include <re2/set.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "policy/patterns.h"
#include "policy/selector_bits.h"

namespace holdfast {

// Filled, compiled once, then read by any number of threads. RE2 guards the automaton it builds
// while matching; without patterns no lock is touched at all.
class ValueIndex {
 public:
  // A value as a policy has it, with the wildcards of paths or of names (patterns.h).
  void add_path(std::string_view value, std::size_t selector);
  void add_name(std::string_view value, std::size_t selector);

  // False: the patterns need more memory than they may have.
  [[nodiscard]] bool compile();

  // Most texts go through the automaton: no beginning that its patterns share tells them apart.
  bool is_costly() const { return set_ != nullptr && expression_prefix_.size() <= 1; }

  // Adds the selectors of every value that matches. Allocates only where an expression does.
  void match(std::string_view text, SelectorBits& selectors) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  using Selectors = std::vector<std::size_t>;

  struct Start {
    std::string text;
    std::size_t shortest = 0;  // what begins with it and is shorter does not match
    std::size_t selector = 0;
    std::size_t outer = kNone;  // the longest of those that it begins with itself
  };
  static constexpr std::size_t kNone = SIZE_MAX;

  void add_literal(std::string_view text, std::size_t selector);
  void add_start(const Beginning& beginning, std::size_t selector);
  void add_expression(const std::string& expression, std::string_view prefix, std::size_t selector);
  bool compile_expressions();
  void match_literals(std::string_view text, SelectorBits& selectors) const;
  void match_starts(std::string_view text, SelectorBits& selectors) const;
  void match_expressions(std::string_view text, SelectorBits& selectors) const;

  std::unordered_map<std::string, Selectors, Hash, std::equal_to<>> literals_;
  std::size_t shortest_literal_ = SIZE_MAX;
  std::size_t longest_literal_ = 0;
  std::vector<Start> starts_;                               // sorted by compile()
  std::string start_prefix_;                                // of all starts
  std::unordered_map<std::string, Selectors> expressions_;  // until compile()
  std::string expression_prefix_;                           // of all expressions
  std::vector<Selectors> patterns_;                         // by index in set_
  std::unique_ptr<re2::RE2::Set> set_;                      // null: no expressions
};

}  // namespace holdfast
