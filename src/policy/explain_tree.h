// The explain document for people: which response acted, and which selector failed on what.
#pragma once

#include <string>
#include <string_view>

#include "holdfast/event.h"

namespace holdfast {

// `document`: what PolicySet::explain() says of `event`. Several lines, each ended.
std::string explain_tree(std::string_view document, const Event& event);

}  // namespace holdfast
