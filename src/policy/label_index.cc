// Label lookup for all selectors at once.
#include "policy/label_index.h"

namespace holdfast {

void LabelIndex::add(std::string_view key_and_value, std::size_t slot, std::size_t selector) {
  const std::size_t colon = key_and_value.find(':');
  const std::string_view value = key_and_value.substr(colon + 1);
  if (slots_.size() <= slot) slots_.resize(slot + 1);
  slots_[slot].asking.set(selector);
  slots_[slot].values[std::string(key_and_value.substr(0, colon))].add_name(value, selector);
}

bool LabelIndex::compile() {
  for (Slot& slot : slots_) {
    for (auto& [key, values] : slot.values) {
      if (!values.compile()) return false;
    }
  }
  return true;
}

SelectorBits LabelIndex::match(const std::map<std::string, std::string>& labels) const {
  if (slots_.empty()) return {};
  SelectorBits met = slots_.front().asking;
  for (const Slot& slot : slots_) {
    SelectorBits hits;
    for (const auto& [key, value] : labels) {
      if (const auto found = slot.values.find(key); found != slot.values.end()) {
        found->second.match(value, hits);
      }
    }
    met &= hits | ~slot.asking;
    if (met.none()) break;
  }
  return met;
}

}  // namespace holdfast
