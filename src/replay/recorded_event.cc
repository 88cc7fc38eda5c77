// Alert documents and recorded events, and logs of them read by several threads.
#include "replay/recorded_event.h"

#include <sys/stat.h>

#include <fstream>
#include <iostream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "policy/event_reader.h"

namespace holdfast {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kBlock = 1 << 20;  // bytes that a thread takes at once
// A longer line is no document of anybody's, and must not be read into memory.
constexpr std::size_t kLongestLine = 4 << 20;

const Json* member(const Json& document, const char* object, const char* name) {
  const auto outer = document.find(object);
  if (outer == document.end() || !outer->is_object()) return nullptr;
  const auto inner = outer->find(name);
  return inner == outer->end() ? nullptr : &*inner;
}

bool says(const Json* node, const char* text) { return node != nullptr && *node == text; }

std::optional<Action> done_to(const Json& document) {
  const Json* outcome = member(document, "holdfast", "outcome");
  if (says(outcome, "blocked") || says(outcome, "killed")) return Action::block;
  if (says(member(document, "event", "kind"), "event")) return Action::log;
  if (says(outcome, "alerted")) return Action::alert;
  return std::nullopt;
}

struct Block {
  std::string text;              // whole lines; "" at the end
  std::uint64_t first_line = 1;  // its number in the file
};

// A file's lines, handed out in blocks.
class Lines {
 public:
  Lines(std::istream& stream, std::uint64_t size, const Progress& progress)
      : stream_(stream), size_(size), progress_(progress) {}

  // The next block. A line that is too long comes cut.
  Block next() {
    std::lock_guard guard(mutex_);
    std::string text = std::move(rest_);
    rest_.clear();
    while (stream_) {
      const std::size_t start = text.size();
      text.resize(start + kBlock);
      stream_.read(text.data() + start, static_cast<std::streamsize>(kBlock));
      text.resize(start + static_cast<std::size_t>(stream_.gcount()));
      const std::size_t end = text.rfind('\n');
      if (end != std::string::npos) {
        rest_ = text.substr(end + 1);
        text.resize(end + 1);
        break;
      }
      if (text.size() > kLongestLine) text.resize(1);  // malformed, whatever follows
    }
    done_ += text.size();
    if (progress_) progress_(done_, size_);
    const std::uint64_t first_line = line_;
    for (std::size_t end = text.find('\n'); end != std::string::npos;
         end = text.find('\n', end + 1)) {
      ++line_;
    }
    return {std::move(text), first_line};
  }

 private:
  std::istream& stream_;
  std::uint64_t size_;
  const Progress& progress_;
  std::mutex mutex_;
  std::string rest_;
  std::uint64_t done_ = 0;
  std::uint64_t line_ = 1;
};

void read_lines(const Block& block, const std::vector<std::string>& files, std::size_t file,
                UnreadLines& unread, const std::function<void(RecordedEvent)>& visit) {
  std::uint64_t number = block.first_line;
  for (std::string_view rest = block.text; !rest.empty(); ++number) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    Result<std::optional<RecordedEvent>> recorded = parse_recorded(line);
    if (!recorded) {
      if (unread.malformed++ == 0) {
        unread.first_at = {file, number};
        unread.first =
            files[file] + ":" + std::to_string(number) + ": " + recorded.error().message();
      }
    } else if (!*recorded) {
      ++unread.other;
    } else {
      visit(std::move(**recorded));
    }
  }
}

UnreadLines sum(const std::vector<UnreadLines>& parts) {
  UnreadLines all;
  for (const UnreadLines& part : parts) {
    all.other += part.other;
    if (part.malformed > 0 && (all.malformed == 0 || part.first_at < all.first_at)) {
      all.first = part.first;
      all.first_at = part.first_at;
    }
    all.malformed += part.malformed;
  }
  return all;
}

}  // namespace

Result<std::optional<RecordedEvent>> parse_recorded(std::string_view line) {
  const Result<Json> read = read_event_document(line);
  if (!read) return read.error();
  const Json& document = *read;
  if (document.is_object()) {
    const Json* outcome = member(document, "holdfast", "outcome");
    const bool no_act = document.find("operation") == document.end() &&
                        member(document, "holdfast", "operation") == nullptr &&
                        (outcome != nullptr || member(document, "holdfast", "lost") != nullptr);
    if (no_act || says(outcome, "unprotected")) return std::optional<RecordedEvent>();
  }
  Result<Event> event = event_from_json(document);
  if (!event) return event.error();
  RecordedEvent recorded{std::move(*event), done_to(document), 1};
  const Json* repeats = member(document, "holdfast", "repeats");
  if (repeats != nullptr && repeats->is_number_unsigned()) {
    recorded.count += std::min<std::uint64_t>(repeats->get<std::uint64_t>(), UINT32_MAX);
  }
  const Json* mechanism = member(document, "holdfast", "mechanism");
  recorded.on_file = says(mechanism, "open_gate") || says(mechanism, "change_watch");
  return std::optional<RecordedEvent>(std::move(recorded));
}

std::string complaint(const UnreadLines& unread) {
  if (unread.malformed == 0) return "";
  return std::to_string(unread.malformed) + (unread.malformed == 1 ? " line" : " lines") +
         " not understood (" + unread.first + ")";
}

Result<UnreadLines> each_recorded(const std::vector<std::string>& files, unsigned threads,
                                  const std::function<void(unsigned, RecordedEvent)>& visit,
                                  const Progress& progress) {
  std::vector<UnreadLines> unread(threads);
  for (std::size_t index = 0; index < files.size(); ++index) {
    const std::string& file = files[index];
    std::ifstream opened;
    struct stat status {};
    if (file != "-") {
      opened.open(file, std::ios::binary);
      if (!opened || stat(file.c_str(), &status) != 0) {
        return errno_error("open " + file, "check the path and its permissions");
      }
      if (S_ISDIR(status.st_mode)) {
        return Error{EISDIR, "read " + file, "name the log files in it"};
      }
      // Some devices have no end.
      if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)) {
        return Error{0, "read " + file + ": is a device",
                     "name a log file, or - for standard input"};
      }
    }
    Lines lines(file == "-" ? std::cin : opened, static_cast<std::uint64_t>(status.st_size),
                progress);
    const auto work = [&](unsigned thread) {
      for (Block block = lines.next(); !block.text.empty(); block = lines.next()) {
        read_lines(block, files, index, unread[thread],
                   [&](RecordedEvent event) { visit(thread, std::move(event)); });
      }
    };
    std::vector<std::jthread> others;
    for (unsigned thread = 1; thread < threads; ++thread) others.emplace_back(work, thread);
    work(0);
    others.clear();  // joined
  }
  return sum(unread);
}

}  // namespace holdfast
