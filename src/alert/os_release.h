// The text of os-release(5).
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace holdfast {

// Values without their quotes; lines that are no assignment are left out.
std::map<std::string, std::string> parse_os_release(std::string_view text);

}  // namespace holdfast
