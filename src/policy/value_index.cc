// Literal and pattern lookup for one kind of condition.
#include "policy/value_index.h"

#include <algorithm>

namespace holdfast {
namespace {

std::size_t common_length(std::string_view a, std::string_view b) {
  return static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first -
                                  a.begin());
}

}  // namespace

void ValueIndex::add_path(std::string_view value, std::size_t selector) {
  if (!has_wildcard(value)) {
    add_literal(value, selector);
  } else if (const auto beginning = path_beginning(value)) {
    add_start(*beginning, selector);
  } else {
    add_expression(path_expression(value), literal_prefix(value), selector);
  }
}

void ValueIndex::add_name(std::string_view value, std::size_t selector) {
  if (!has_wildcard(value)) {
    add_literal(value, selector);
  } else if (const auto beginning = name_beginning(value)) {
    add_start(*beginning, selector);
  } else {
    add_expression(name_expression(value), literal_prefix(value), selector);
  }
}

void ValueIndex::add_literal(std::string_view text, std::size_t selector) {
  literals_[std::string(text)].push_back(selector);
  shortest_literal_ = std::min(shortest_literal_, text.size());
  longest_literal_ = std::max(longest_literal_, text.size());
}

void ValueIndex::add_start(const Beginning& beginning, std::size_t selector) {
  starts_.push_back({std::string(beginning.text), beginning.shortest, selector, kNone});
}

void ValueIndex::add_expression(const std::string& expression, std::string_view prefix,
                                std::size_t selector) {
  if (expressions_.empty()) {
    expression_prefix_ = prefix;
  } else {
    expression_prefix_.resize(common_length(expression_prefix_, prefix));
  }
  expressions_[expression].push_back(selector);
}

bool ValueIndex::compile() {
  std::sort(starts_.begin(), starts_.end(),
            [](const Start& a, const Start& b) { return a.text < b.text; });
  for (std::size_t i = 1; i < starts_.size(); ++i) {
    // What is around this one is the one before, or around that.
    std::size_t outer = i - 1;
    while (outer != kNone && !starts_[i].text.starts_with(starts_[outer].text)) {
      outer = starts_[outer].outer;
    }
    starts_[i].outer = outer;
  }
  if (!starts_.empty()) {
    const std::string& first = starts_.front().text;
    start_prefix_ = first.substr(0, common_length(first, starts_.back().text));
  }
  return expressions_.empty() || compile_expressions();
}

bool ValueIndex::compile_expressions() {
  set_ = std::make_unique<re2::RE2::Set>(expression_options(), re2::RE2::ANCHOR_BOTH);
  for (auto& [expression, selectors] : expressions_) {
    if (set_->Add(expression, nullptr) < 0) return false;
    patterns_.push_back(std::move(selectors));
  }
  expressions_.clear();
  if (!set_->Compile()) return false;
  // The automaton is built at the first match, and a set too large for it would match nothing from
  // then on. Once it could be built it can always go on: it empties its cache when that is full.
  re2::RE2::Set::ErrorInfo error{re2::RE2::Set::kNoError};
  return set_->Match("/", nullptr, &error) || error.kind == re2::RE2::Set::kNoError;
}

void ValueIndex::match(std::string_view text, SelectorBits& selectors) const {
  // Most texts are told apart by their length or their first letters, at a fraction of what a look
  // costs.
  if (text.size() >= shortest_literal_ && text.size() <= longest_literal_) {
    match_literals(text, selectors);
  }
  if (!starts_.empty() && text.starts_with(start_prefix_)) match_starts(text, selectors);
  if (set_ && text.starts_with(expression_prefix_)) match_expressions(text, selectors);
}

void ValueIndex::match_literals(std::string_view text, SelectorBits& selectors) const {
  const auto literal = literals_.find(text);
  if (literal == literals_.end()) return;
  for (const std::size_t selector : literal->second) selectors.set(selector);
}

void ValueIndex::match_starts(std::string_view text, SelectorBits& selectors) const {
  // All that the text begins with lie around the last one that does not come after it.
  const auto after = std::upper_bound(
      starts_.begin(), starts_.end(), text,
      [](std::string_view wanted, const Start& start) { return wanted < start.text; });
  if (after == starts_.begin()) return;
  auto i = static_cast<std::size_t>(after - starts_.begin()) - 1;
  const std::size_t common = common_length(starts_[i].text, text);
  for (; i != kNone; i = starts_[i].outer) {
    const Start& start = starts_[i];
    if (start.text.size() <= common && text.size() >= start.shortest) selectors.set(start.selector);
  }
}

void ValueIndex::match_expressions(std::string_view text, SelectorBits& selectors) const {
  const re2::StringPiece piece(text.data(), text.size());
  // Whether anything matches is found without allocating; which ones, not.
  if (!set_->Match(piece, nullptr)) return;
  thread_local std::vector<int> hits;
  set_->Match(piece, &hits);
  for (const int hit : hits) {
    for (const std::size_t selector : patterns_[static_cast<std::size_t>(hit)]) {
      selectors.set(selector);
    }
  }
}

}  // namespace holdfast
