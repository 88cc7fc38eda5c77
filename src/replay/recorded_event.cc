// Alert documents are long and little of them is asked for: a filter builds a small document while
// the text is read, which costs a third of building it whole.
#include "replay/recorded_event.h"

#include <sys/stat.h>

#include <array>
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

constexpr std::array kTop = {"operation", "path",   "container", "orchestrator",
                             "process",   "volume", "holdfast",  "file"};
constexpr std::array kOfProcess = {"pid", "name", "executable", "interactive"};
constexpr std::array kOfHoldfast = {"operation", "outcome", "mechanism",
                                    "volume",    "repeats", "lost"};
constexpr std::array kOfFile = {"path", "name"};

template <std::size_t N>
bool is_one_of(const std::string& key, const std::array<const char*, N>& keys) {
  for (const char* candidate : keys) {
    if (key == candidate) return true;
  }
  return false;
}

// Keeps the members that are asked for; of the others only that they are well formed.
class Filter final : public nlohmann::json_sax<Json> {
 public:
  Json take() { return std::move(root_); }
  const std::string& problem() const { return problem_; }

  bool null() override { return value(nullptr); }
  bool boolean(bool v) override { return value(v); }
  bool number_integer(number_integer_t v) override { return value(v); }
  bool number_unsigned(number_unsigned_t v) override { return value(v); }
  bool number_float(number_float_t v, const string_t& /*text*/) override { return value(v); }
  bool string(string_t& v) override { return value(std::move(v)); }
  bool binary(binary_t& /*v*/) override { return false; }
  bool start_object(std::size_t /*size*/) override { return open(Json::object()); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t /*size*/) override { return open(Json::array()); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    if (skipped_ > 0) return true;
    wanted_ = wants(name);
    if (wanted_) {
      key_ = std::move(name);
      if (path_.size() == 1) top_ = key_;
    }
    return true;
  }
  bool parse_error(std::size_t /*position*/, const std::string& /*token*/,
                   const nlohmann::detail::exception& error) override {
    problem_ = error.what();
    return false;
  }

 private:
  bool wants(const std::string& name) const {
    if (path_.size() == 1) return is_one_of(name, kTop) || name == "event";
    if (path_.size() != 2) return true;
    if (top_ == "process") return is_one_of(name, kOfProcess);
    if (top_ == "holdfast") return is_one_of(name, kOfHoldfast);
    if (top_ == "file") return is_one_of(name, kOfFile);
    if (top_ == "event") return name == "kind";
    return true;
  }
  Json* place(Json node) {
    if (path_.empty()) {
      root_ = std::move(node);
      return &root_;
    }
    Json& parent = *path_.back();
    if (parent.is_array()) {
      parent.push_back(std::move(node));
      return &parent.back();
    }
    return &(parent[key_] = std::move(node));
  }
  bool ignored() const {
    return skipped_ > 0 || (!path_.empty() && path_.back()->is_object() && !wanted_);
  }
  template <typename Value>
  bool value(Value v) {
    if (!ignored()) place(Json(std::move(v)));
    return true;
  }
  bool open(Json node) {
    if (ignored() || path_.size() >= kDeepestEvent) {
      ++skipped_;
    } else {
      path_.push_back(place(std::move(node)));
    }
    return true;
  }
  bool close() {
    if (skipped_ > 0) {
      --skipped_;
    } else {
      path_.pop_back();
    }
    return true;
  }

  Json root_;
  std::vector<Json*> path_;  // open and kept, outermost first
  std::string top_;          // the member of the document that is open
  std::string key_;
  bool wanted_ = true;
  std::size_t skipped_ = 0;  // open and not kept
  std::string problem_;
};

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

// A file's lines, handed out in blocks that end with one.
class Lines {
 public:
  Lines(std::istream& stream, std::uint64_t size, const Progress& progress)
      : stream_(stream), size_(size), progress_(progress) {}

  // The next block; empty at the end. A line that is too long comes cut.
  std::string next() {
    std::lock_guard guard(mutex_);
    std::string block = std::move(rest_);
    rest_.clear();
    while (stream_) {
      const std::size_t start = block.size();
      block.resize(start + kBlock);
      stream_.read(block.data() + start, static_cast<std::streamsize>(kBlock));
      block.resize(start + static_cast<std::size_t>(stream_.gcount()));
      const std::size_t end = block.rfind('\n');
      if (end != std::string::npos) {
        rest_ = block.substr(end + 1);
        block.resize(end + 1);
        break;
      }
      if (block.size() > kLongestLine) block.resize(1);  // malformed, whatever follows
    }
    done_ += block.size();
    if (progress_) progress_(done_, size_);
    return block;
  }

 private:
  std::istream& stream_;
  std::uint64_t size_;
  const Progress& progress_;
  std::mutex mutex_;
  std::string rest_;
  std::uint64_t done_ = 0;
};

void read_lines(std::string_view block, const std::string& file, UnreadLines& unread,
                const std::function<void(RecordedEvent)>& visit) {
  while (!block.empty()) {
    const std::size_t end = std::min(block.find('\n'), block.size());
    const std::string_view line = block.substr(0, end);
    block.remove_prefix(std::min(end + 1, block.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    Result<std::optional<RecordedEvent>> recorded = parse_recorded(line);
    if (!recorded) {
      if (unread.malformed++ == 0) unread.first = file + ": " + recorded.error().message();
    } else if (!*recorded) {
      ++unread.other;
    } else {
      visit(std::move(**recorded));
    }
  }
}

}  // namespace

Result<std::optional<RecordedEvent>> parse_recorded(std::string_view line) {
  Filter filter;
  if (!Json::sax_parse(line, &filter)) {
    return Error{0, "event: malformed JSON: " + filter.problem(), ""};
  }
  const Json document = filter.take();
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
  UnreadLines all;
  for (const std::string& file : files) {
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
    std::vector<UnreadLines> unread(threads);
    const auto work = [&](unsigned thread) {
      for (std::string block = lines.next(); !block.empty(); block = lines.next()) {
        read_lines(block, file, unread[thread],
                   [&](RecordedEvent event) { visit(thread, std::move(event)); });
      }
    };
    std::vector<std::jthread> others;
    for (unsigned thread = 1; thread < threads; ++thread) others.emplace_back(work, thread);
    work(0);
    others.clear();  // joined
    for (const UnreadLines& part : unread) {
      all.other += part.other;
      all.malformed += part.malformed;
      if (all.first.empty()) all.first = part.first;
    }
  }
  return all;
}

}  // namespace holdfast
