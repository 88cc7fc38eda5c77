// `holdfast explain`: decides events offline, with the daemon's own engine.
#include <fstream>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/load_set.h"
#include "holdfast/policy.h"
#include "policy/event_reader.h"
#include "policy/explain_tree.h"

namespace holdfast {
namespace {

int fail(const std::string& text) {
  std::cerr << "holdfast explain: " << text << "\n";
  return 2;
}

// A longer event is nobody's, and must not be read into memory.
constexpr std::size_t kLongestEvent = 4 << 20;

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

Error too_long() { return Error{0, "event: longer than 4 MiB", "give one event, or one a line"}; }

// Hands out events one by one: a log may be larger than the memory.
class EventStream {
 public:
  explicit EventStream(std::istream& stream) : stream_(stream) {}

  // The next event; nullopt at the end.
  Result<std::optional<Event>> next() {
    for (;;) {
      const auto line = read_line();
      if (!line) return line.error();
      if (!*line) {
        if (events_ == 0) return parse_event_json("").error();
        return std::optional<Event>();
      }
      if (is_blank(**line)) continue;
      const Result<nlohmann::json> document = read_event_document(**line);
      // A first line that is no JSON is the beginning of an event of several lines.
      Result<Event> event = document       ? event_from_json(*document)
                            : events_ == 0 ? rest_of(**line)
                                           : document.error();
      if (!event && events_ > 0) {
        return Error{0, "line " + std::to_string(line_) + ": " + event.error().message(), ""};
      }
      if (!event) return event.error();
      ++events_;
      return std::optional<Event>(std::move(*event));
    }
  }

 private:
  Result<std::optional<std::string_view>> read_line() {
    stream_.getline(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
    const auto count = static_cast<std::size_t>(stream_.gcount());
    ++line_;
    if (stream_.bad()) return Error{0, "event: no event in it", "is it a directory?"};
    if (stream_.eof()) {
      if (count == 0) return std::optional<std::string_view>();
      return std::optional<std::string_view>({buffer_.data(), count});
    }
    if (stream_.fail()) return too_long();
    return std::optional<std::string_view>({buffer_.data(), count - 1});
  }

  Result<Event> rest_of(std::string_view first_line) {
    std::string text(first_line);
    for (;;) {
      const auto line = read_line();
      if (!line) return line.error();
      if (!*line) return parse_event_json(text);
      if (text.size() + (*line)->size() > kLongestEvent) return too_long();
      text.append("\n").append(**line);
    }
  }

  std::istream& stream_;
  std::vector<char> buffer_ = std::vector<char>(kLongestEvent + 1);
  std::size_t line_ = 0;
  std::size_t events_ = 0;
};

}  // namespace

int explain_command(const std::vector<std::string>& policies,
                    const std::optional<std::string>& event_file, bool tree) {
  const Result<std::shared_ptr<const PolicySet>> set = load_set(policies);
  if (!set) return fail(set.error().message());

  std::ifstream file;
  if (event_file && *event_file != "-") {
    file.open(*event_file, std::ios::binary);
    if (!file) {
      return fail(
          errno_error("open " + *event_file, "check the path and its permissions").message());
    }
  }
  EventStream events(file.is_open() ? file : std::cin);
  for (;;) {
    const auto event = events.next();
    if (!event || !*event) {
      std::cout.flush();
      return event ? 0 : fail(event.error().message());
    }
    const std::string document = (*set)->explain(**event);
    std::cout << (tree ? explain_tree(document, **event) : document + "\n");
  }
}

}  // namespace holdfast
