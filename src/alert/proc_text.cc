#include "alert/proc_text.h"

#include <algorithm>
#include <charconv>

namespace holdfast {
namespace {

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || at != end) return std::nullopt;
  return number;
}

// The next field up to white space; empty at the end of the text.
std::string_view next_field(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\n"), text.size()));
  const std::string_view field = text.substr(0, text.find_first_of(" \t\n"));
  text.remove_prefix(field.size());
  return field;
}

// What follows `key` on the line that starts with it.
std::optional<std::string_view> line_of(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (line.starts_with(key)) return line.substr(key.size());
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return std::nullopt;
}

std::string base64(std::string_view bytes) {
  static constexpr char kAlphabet[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - at);
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      group = group << 8 | (i < count ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      text += i <= count ? kAlphabet[group >> (18 - 6 * i) & 63] : '=';
    }
  }
  return text;
}

}  // namespace

std::optional<ProcStat> parse_proc_stat(std::string_view text) {
  // The name may hold parentheses and line ends itself; nothing after it can.
  const std::size_t open = text.find(" (");
  const std::size_t close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open + 2) {
    return std::nullopt;
  }
  ProcStat stat;
  const auto pid = parse_number<pid_t>(text.substr(0, open));
  if (!pid) return std::nullopt;
  stat.pid = *pid;
  stat.name = text.substr(open + 2, close - open - 2);

  std::string_view rest = text.substr(close + 1);
  constexpr int kParent = 4, kGroup = 5, kSession = 6, kTty = 7, kStart = 22;  // as proc(5) counts
  for (int field = 3; field <= kStart; ++field) {
    const std::string_view value = next_field(rest);
    if (field == kStart) {
      const auto ticks = parse_number<std::uint64_t>(value);
      if (!ticks) return std::nullopt;
      stat.start_ticks = *ticks;
    } else if (field >= kParent && field <= kTty) {
      const auto number = parse_number<std::int32_t>(value);
      if (!number) return std::nullopt;
      if (field == kParent) stat.parent = *number;
      if (field == kGroup) stat.group = *number;
      if (field == kSession) stat.session = *number;
      if (field == kTty) stat.tty = static_cast<std::uint32_t>(*number);
    }
  }
  return stat;
}

std::optional<ProcStatus> parse_proc_status(std::string_view text) {
  const auto group_line = line_of(text, "Tgid:");
  if (!group_line) return std::nullopt;
  std::string_view group_text = *group_line;
  const auto group = parse_number<pid_t>(next_field(group_text));
  if (!group) return std::nullopt;
  ProcStatus status;
  status.thread_group = *group;
  // "Uid: real effective saved filesystem"
  if (auto line = line_of(text, "Uid:")) {
    next_field(*line);
    status.effective_uid = parse_number<uid_t>(next_field(*line));
  }
  if (auto line = line_of(text, "Gid:")) {
    next_field(*line);
    status.effective_gid = parse_number<gid_t>(next_field(*line));
  }
  return status;
}

std::vector<std::string> parse_cmdline(std::string_view text, std::size_t max_args,
                                       std::size_t max_bytes) {
  while (!text.empty() && text.back() == '\0') text.remove_suffix(1);
  std::vector<std::string> args;
  while (!text.empty() && args.size() < max_args) {
    const std::string_view arg = text.substr(0, text.find('\0'));
    args.emplace_back(arg.substr(0, max_bytes));
    text.remove_prefix(std::min(arg.size() + 1, text.size()));
  }
  return args;
}

std::optional<std::int64_t> parse_boot_time(std::string_view proc_stat) {
  auto line = line_of(proc_stat, "btime ");
  if (!line) return std::nullopt;
  return parse_number<std::int64_t>(next_field(*line));
}

std::optional<std::uint64_t> parse_namespace_link(std::string_view link) {
  const std::size_t open = link.find(":[");
  if (open == std::string_view::npos || !link.ends_with(']')) return std::nullopt;
  return parse_number<std::uint64_t>(link.substr(open + 2, link.size() - open - 3));
}

std::string_view without_deleted_mark(std::string_view link) {
  constexpr std::string_view kMark = " (deleted)";
  if (link.ends_with(kMark)) link.remove_suffix(kMark.size());
  return link;
}

std::string process_entity_id(std::uint64_t pid_namespace, std::string_view boot_id, pid_t pid,
                              std::int64_t start_seconds) {
  return base64(std::to_string(pid_namespace) + "__" + std::string(boot_id) + "__" +
                std::to_string(pid) + "__" + std::to_string(start_seconds));
}

}  // namespace holdfast
