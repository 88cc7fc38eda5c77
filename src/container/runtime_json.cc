// Reading and picking apart runtimes' JSON without exceptions.
#include "container/runtime_json.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>

#include "kernel/unique_fd.h"

namespace holdfast {
namespace {

constexpr off_t kLargestFile = off_t{64} << 20;

bool take_number(std::string_view& text, std::size_t digits, int& value) {
  if (text.size() < digits) return false;
  value = 0;
  for (const char c : text.substr(0, digits)) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(digits);
  return true;
}

bool take(std::string_view& text, char expected) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(1);
  return true;
}

// ".123" in nanoseconds; digits beyond the ninth are dropped.
std::optional<long> take_fraction(std::string_view& text) {
  if (!take(text, '.')) return 0;
  long nanoseconds = 0;
  long unit = 100'000'000;
  const std::size_t before = text.size();
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    nanoseconds += (text.front() - '0') * unit;
    unit /= 10;
    text.remove_prefix(1);
  }
  return text.size() == before ? std::nullopt : std::optional(nanoseconds);
}

// "Z" or "+02:00", in seconds east of Greenwich.
std::optional<int> take_zone(std::string_view& text) {
  if (take(text, 'Z')) return 0;
  const bool west = text.starts_with('-');
  if (!take(text, '+') && !take(text, '-')) return std::nullopt;
  int hours = 0;
  int minutes = 0;
  if (!take_number(text, 2, hours) || !take(text, ':') || !take_number(text, 2, minutes)) {
    return std::nullopt;
  }
  const int seconds = hours * 3600 + minutes * 60;
  return west ? -seconds : seconds;
}

}  // namespace

std::optional<std::string> read_text_file(const std::string& path) {
  // A FIFO or a device in the file's place must not even be opened.
  const UniqueFd found(::open(path.c_str(), O_PATH | O_CLOEXEC));
  struct stat st {};
  if (!found.valid() || ::fstat(found.get(), &st) != 0 || !S_ISREG(st.st_mode) ||
      st.st_size > kLargestFile) {
    return std::nullopt;
  }
  const std::string same = "/proc/self/fd/" + std::to_string(found.get());
  const UniqueFd file(::open(same.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file.valid()) return std::nullopt;
  std::string text(static_cast<std::size_t>(st.st_size), '\0');
  std::size_t filled = 0;
  while (filled < text.size()) {
    const ssize_t count = ::read(file.get(), text.data() + filled, text.size() - filled);
    if (count < 0) return std::nullopt;
    if (count == 0) break;
    filled += static_cast<std::size_t>(count);
  }
  text.resize(filled);
  return text;
}

namespace {

// Before the parser, whose own callback takes time with the square of an array's length. What is no
// JSON is the parser's to refuse.
bool is_too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false, escaped = false;
  for (const char c : text) {
    if (escaped) {
      escaped = false;
    } else if (c == '"') {
      in_string = !in_string;
    } else if (in_string) {
      escaped = c == '\\';
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxJsonDepth) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

}  // namespace

std::optional<nlohmann::json> parse_json(std::string_view text) {
  if (is_too_deep(text)) return std::nullopt;
  auto json = nlohmann::json::parse(text.begin(), text.end(), nullptr, false);
  if (json.is_discarded()) return std::nullopt;
  return json;
}

std::optional<nlohmann::json> read_json_file(const std::string& path) {
  const auto text = read_text_file(path);
  return text ? parse_json(*text) : std::nullopt;
}

const nlohmann::json& member(const nlohmann::json& object, std::string_view key) {
  static const nlohmann::json kNull;
  if (!object.is_object()) return kNull;
  const auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

std::optional<std::string> text_member(const nlohmann::json& object, std::string_view key) {
  const auto* text = member(object, key).get_ptr<const std::string*>();
  if (text == nullptr || text->empty()) return std::nullopt;
  return *text;
}

Annotations string_members(const nlohmann::json& object) {
  Annotations members;
  if (!object.is_object()) return members;
  for (const auto& [key, value] : object.items()) {
    if (const auto* text = value.get_ptr<const std::string*>()) members.emplace(key, *text);
  }
  return members;
}

std::optional<std::chrono::system_clock::time_point> parse_time(std::string_view text) {
  struct tm date {};
  if (!take_number(text, 4, date.tm_year) || !take(text, '-') ||
      !take_number(text, 2, date.tm_mon) || !take(text, '-') ||
      !take_number(text, 2, date.tm_mday) || !(take(text, 'T') || take(text, 't')) ||
      !take_number(text, 2, date.tm_hour) || !take(text, ':') ||
      !take_number(text, 2, date.tm_min) || !take(text, ':') ||
      !take_number(text, 2, date.tm_sec)) {
    return std::nullopt;
  }
  const auto nanoseconds = take_fraction(text);
  const auto zone = take_zone(text);
  // Go's zero time (year 1) means that the runtime has not set it.
  if (!nanoseconds || !zone || !text.empty() || date.tm_year < 1970 || date.tm_year > 2200 ||
      date.tm_mon < 1 || date.tm_mon > 12) {
    return std::nullopt;
  }
  date.tm_year -= 1900;
  date.tm_mon -= 1;
  const std::chrono::nanoseconds since_epoch =
      std::chrono::seconds(::timegm(&date) - *zone) + std::chrono::nanoseconds(*nanoseconds);
  return std::chrono::system_clock::time_point(
      std::chrono::duration_cast<std::chrono::system_clock::duration>(since_epoch));
}

}  // namespace holdfast
