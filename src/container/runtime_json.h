// The JSON files of container runtimes, read with the caution that foreign bytes need: a missing,
// half-written or oddly typed one is an absent value, never an exception.
#pragma once

#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast {

// The text of a regular file of at most 64 MiB.
std::optional<std::string> read_text_file(const std::string& path);

// Nothing for a text that nests deeper than kMaxJsonDepth: what copies or prints a document
// recurses.
inline constexpr int kMaxJsonDepth = 64;
std::optional<nlohmann::json> parse_json(std::string_view text);
std::optional<nlohmann::json> read_json_file(const std::string& path);

// An object's member; null when `object` is none or lacks it.
const nlohmann::json& member(const nlohmann::json& object, std::string_view key);
// Its text, if it is a string that is not empty.
std::optional<std::string> text_member(const nlohmann::json& object, std::string_view key);

// An object's members that are strings.
using Annotations = std::map<std::string, std::string>;
Annotations string_members(const nlohmann::json& object);

// "2024-05-01T10:20:30.123456789+02:00" (RFC 3339).
std::optional<std::chrono::system_clock::time_point> parse_time(std::string_view text);

}  // namespace holdfast
