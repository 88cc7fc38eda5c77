// What `holdfast status` prints for people.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace holdfast {

// Of the daemon's status document. Containers choose their names, images and labels: what could
// steer a terminal is shown as '?'.
std::string status_table(const nlohmann::json& status);

}  // namespace holdfast
