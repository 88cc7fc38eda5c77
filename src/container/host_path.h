// Paths of the host, looked at from a process whose own root may be another one.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace holdfast {

// `path` with every symbolic link resolved as a process whose root is `prefix` would: an absolute
// link, and "..", stay below it. `prefix` is "" or a directory such as "/proc/1/root"; `path` is
// absolute. The answer is absolute too and without the prefix; nullopt: there is nothing there.
std::optional<std::string> resolve_below(const std::string& prefix, std::string_view path);

}  // namespace holdfast
