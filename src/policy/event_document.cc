// Alert documents are long, and little of them is asked for: a small document is built while the
// text is read. RapidJSON reads it because nlohmann's parser takes four times as long, which was
// most of what a replay cost (docs/performance.md).
#include <rapidjson/error/en.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "policy/event_reader.h"
#include "policy/utf8.h"

namespace holdfast {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kTop[] = {"operation",    "path",    "container",
                                     "orchestrator", "process", "volume",
                                     "holdfast",     "file",    "event"};
constexpr std::string_view kOfProcess[] = {"pid", "name", "executable", "interactive"};
constexpr std::string_view kOfHoldfast[] = {"operation", "outcome", "mechanism",
                                            "volume",    "repeats", "lost"};
constexpr std::string_view kOfFile[] = {"path", "name"};
constexpr std::string_view kOfEvent[] = {"kind"};

bool is_one_of(std::string_view key, std::span<const std::string_view> keys) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

// RapidJSON's handler: keeps the members that are asked for.
class Filter {
 public:
  Json take() { return std::move(root_); }
  const char* problem() const { return problem_; }  // why a handler stopped the parser

  bool Null() { return value(nullptr); }
  bool Bool(bool v) { return value(v); }
  bool Int(int v) { return value(v); }
  bool Uint(unsigned v) { return value(v); }
  bool Int64(std::int64_t v) { return value(v); }
  bool Uint64(std::uint64_t v) { return value(v); }
  bool Double(double v) { return value(v); }
  bool RawNumber(const char* v, unsigned size, bool /*copy*/) {
    return value(std::string_view(v, size));
  }
  bool String(const char* v, unsigned size, bool /*copy*/) {
    const std::string_view text(v, size);
    return is_text(text) && value(text);
  }
  bool StartObject() { return open(Json::value_t::object); }
  bool EndObject(unsigned /*members*/) { return close(); }
  bool StartArray() { return open(Json::value_t::array); }
  bool EndArray(unsigned /*elements*/) { return close(); }
  bool Key(const char* v, unsigned size, bool /*copy*/) {
    if (skipped_ > 0) return true;
    const std::string_view name(v, size);
    wanted_ = wants(name);
    if (wanted_) {
      if (!is_text(name)) return false;
      key_ = name;
      if (path_.size() == 1) top_ = name;
    }
    return true;
  }

 private:
  bool wants(std::string_view name) const {
    if (path_.size() == 1) return is_one_of(name, kTop);
    if (path_.size() != 2) return true;
    if (top_ == "process") return is_one_of(name, kOfProcess);
    if (top_ == "holdfast") return is_one_of(name, kOfHoldfast);
    if (top_ == "file") return is_one_of(name, kOfFile);
    if (top_ == "event") return is_one_of(name, kOfEvent);
    return true;
  }
  bool fail(const char* problem) {
    problem_ = problem;
    return false;
  }
  // An escape may stand for half a character.
  bool is_text(std::string_view text) {
    return ignored() || well_formed_length(text) == text.size() ||
           fail("Half of a surrogate pair in a string.");
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
    if (!ignored()) place(Json(v));
    return true;
  }
  bool open(Json::value_t type) {
    // The parser calls itself for each level.
    if (path_.size() + skipped_ >= kDeepestEvent) return fail("Too deeply nested.");
    if (ignored()) {
      ++skipped_;
    } else {
      path_.push_back(place(Json(type)));
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
  const char* problem_ = "";
};

// "column 6" or "line 2, column 6", from 1.
std::string place_in(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const auto newlines = std::count(before.begin(), before.end(), '\n');
  const std::string column = "column " + std::to_string(offset - (before.rfind('\n') + 1) + 1);
  return newlines == 0 ? column : "line " + std::to_string(newlines + 1) + ", " + column;
}

}  // namespace

Result<Json> read_event_document(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  const auto malformed = [&](std::size_t offset, const char* problem) {
    return Error{0, "event: malformed JSON: " + place_in(text, offset) + ": " + problem, ""};
  };
  const std::size_t well_formed = well_formed_length(text);
  if (well_formed < text.size()) return malformed(well_formed, "Not UTF-8.");

  std::string copy(text);  // strings are unescaped where they are
  Filter filter;
  rapidjson::InsituStringStream stream(copy.data());
  rapidjson::Reader reader;
  const rapidjson::ParseResult parsed = reader.Parse<rapidjson::kParseInsituFlag>(stream, filter);
  if (parsed.Code() == rapidjson::kParseErrorTermination) {
    return malformed(parsed.Offset(), filter.problem());
  }
  if (parsed.IsError()) {
    return malformed(parsed.Offset(), rapidjson::GetParseError_En(parsed.Code()));
  }
  // It takes a NUL for the end.
  if (stream.Tell() < text.size()) return malformed(stream.Tell(), "A NUL byte.");
  return filter.take();
}

}  // namespace holdfast
