// The policies that a command is to decide by.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "holdfast/policy.h"

namespace holdfast {

// Read and compiled; the first error and the number of others when they are not valid.
Result<std::shared_ptr<const PolicySet>> load_set(const std::vector<std::string>& policies);

}  // namespace holdfast
