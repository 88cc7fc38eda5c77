// Parses /proc/PID/mountinfo; called on every mount change of the host, so it scans the text once.
#include "container/mountinfo.h"

#include <sys/sysmacros.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace holdfast {
namespace {

// Takes the text up to the next space, and the space. Two spaces in a row hold an empty field:
// the kernel writes an empty mount source so.
std::string_view take_field(std::string_view& rest) {
  const std::size_t end = rest.find(' ');
  const std::string_view field = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return field;
}

template <typename Number>
bool parse_number(std::string_view text, Number& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

bool parse_device(std::string_view text, dev_t& device) {
  const std::size_t colon = text.find(':');
  unsigned int major_number = 0;
  unsigned int minor_number = 0;
  if (colon == std::string_view::npos || !parse_number(text.substr(0, colon), major_number) ||
      !parse_number(text.substr(colon + 1), minor_number)) {
    return false;
  }
  device = makedev(major_number, minor_number);
  return true;
}

std::optional<Mount> parse_line(std::string_view line) {
  Mount mount;
  if (!parse_number(take_field(line), mount.id) || !parse_number(take_field(line), mount.parent) ||
      !parse_device(take_field(line), mount.device)) {
    return std::nullopt;
  }
  mount.root = unescape_octal(take_field(line));
  mount.mount_point = unescape_octal(take_field(line));
  mount.options = std::string(take_field(line));
  // Optional fields ("shared:1", "master:2") end at a lone dash.
  std::string_view field;
  do {
    if (line.empty()) return std::nullopt;
    field = take_field(line);
  } while (field != "-");
  mount.type = unescape_octal(take_field(line));
  // A source may be missing altogether; the superblock's options never are.
  if (line.find(' ') != std::string_view::npos) mount.source = unescape_octal(take_field(line));
  mount.super_options = std::string(line);
  if (mount.root.empty() || mount.mount_point.empty() || mount.type.empty()) return std::nullopt;
  return mount;
}

bool is_octal(char c, char highest) { return c >= '0' && c <= highest; }

}  // namespace

std::string unescape_octal(std::string_view text) {
  if (text.find('\\') == std::string_view::npos) return std::string(text);
  std::string plain;
  plain.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && is_octal(text[i + 1], '3') &&
        is_octal(text[i + 2], '7') && is_octal(text[i + 3], '7')) {
      plain += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                                 (text[i + 3] - '0'));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

std::vector<Mount> parse_mountinfo(std::string_view text) {
  std::vector<Mount> mounts;
  mounts.reserve(static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1);
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (auto mount = parse_line(text.substr(0, end))) mounts.push_back(std::move(*mount));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return mounts;
}

}  // namespace holdfast
