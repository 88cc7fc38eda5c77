// Literal and pattern lookup for one kind of condition.
#include "policy/value_index.h"

#include <algorithm>

#include "policy/patterns.h"

namespace holdfast {

void ValueIndex::add_literal(std::string_view text, std::size_t selector) {
  literals_[std::string(text)].push_back(selector);
}

void ValueIndex::add_expression(const std::string& expression, std::size_t selector,
                                std::string_view prefix) {
  if (expressions_.empty()) {
    prefix_ = prefix;
  } else {
    const auto [end, unused] =
        std::mismatch(prefix_.begin(), prefix_.end(), prefix.begin(), prefix.end());
    prefix_.erase(end, prefix_.end());
  }
  expressions_[expression].push_back(selector);
}

bool ValueIndex::compile() {
  if (expressions_.empty()) return true;
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
  const auto add = [&](const Selectors& found) {
    for (const std::size_t selector : found) selectors.set(selector);
  };
  if (const auto literal = literals_.find(text); literal != literals_.end()) add(literal->second);
  // Most texts are told apart by this, at a tenth of what the automaton costs.
  if (!set_ || !text.starts_with(prefix_)) return;
  const re2::StringPiece piece(text.data(), text.size());
  // Whether anything matches is found without allocating; which ones, not.
  if (!set_->Match(piece, nullptr)) return;
  thread_local std::vector<int> hits;
  set_->Match(piece, &hits);
  for (const int hit : hits) add(patterns_[static_cast<std::size_t>(hit)]);
}

}  // namespace holdfast
