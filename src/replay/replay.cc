#include "replay/replay.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>
#include <tuple>

#include "policy/language.h"
#include "policy/wording.h"

namespace holdfast {
namespace {

std::string was_text(const std::optional<Action>& was) {
  return was ? std::string(to_string(*was)) : "-";
}

// On one line, without the quotes where there is nothing to quote.
std::string plain(const std::string& text) {
  const std::string quoted = in_quotes(text);
  return quoted.size() == text.size() + 2 ? text : quoted;
}

}  // namespace

void Replay::add(const RecordedEvent& recorded, const PolicySet& policies) {
  const Event& event = recorded.event;
  Group group;
  group.image = event.workload->container.image_name.value_or("");
  group.operation = to_string(event.operation);
  group.path = event.path;
  group.process = event.process.executable.value_or(event.process.name.value_or(""));
  group.was = recorded.was;
  group.would = policies.decide(event).strongest;
  if (recorded.on_file) {
    Event other = event;
    other.operation = file_operation(event.operation);
    group.would = std::max(group.would, policies.decide(other).strongest);
  }
  group.count = recorded.count;
  events_ += group.count;
  if (group.changed()) changed_ += group.count;
  count(std::move(group));
}

void Replay::count(Group group) {
  const auto key = [&] {
    std::string text;
    for (const std::string& part :
         {group.image, group.operation, group.path, group.process, was_text(group.was)}) {
      text.append(part).push_back('\0');
    }
    return text.append(to_string(group.would));
  };
  std::string text = key();
  auto found = groups_.find(text);
  if (found == groups_.end() && groups_.size() >= kMaxGroups) {
    group.path = group.path.substr(0, group.path.rfind('/') + 1) + "...";
    // As many directories again, then no more of them either.
    if (groups_.size() >= 2 * kMaxGroups) group.path = "...";
    text = key();
    found = groups_.find(text);
  }
  if (found != groups_.end()) {
    found->second.count += group.count;
  } else {
    groups_.emplace(std::move(text), std::move(group));
  }
}

void Replay::merge(const Replay& other) {
  events_ += other.events_;
  changed_ += other.changed_;
  for (const auto& [key, group] : other.groups_) count(group);
}

std::vector<const Replay::Group*> Replay::sorted() const {
  std::vector<const Group*> list;
  for (const auto& [key, group] : groups_) list.push_back(&group);
  const auto rank = [](const Group& g) {
    return std::make_tuple(!g.changed(), UINT64_MAX - g.count, std::cref(g.image),
                           std::cref(g.path), std::cref(g.process), std::cref(g.operation), g.was,
                           g.would);
  };
  std::sort(list.begin(), list.end(),
            [&](const Group* a, const Group* b) { return rank(*a) < rank(*b); });
  return list;
}

std::string Replay::table(const UnreadLines& unread) const {
  std::ostringstream text;
  for (const Group* group : sorted()) {
    text << (group->changed() ? "! " : "  ") << was_text(group->was) << " -> "
         << to_string(group->would) << "  " << group->count << " x " << group->operation << " "
         << plain(group->path) << " by "
         << (group->process.empty() ? "unknown" : plain(group->process)) << " in "
         << (group->image.empty() ? "unknown image" : plain(group->image)) << "\n";
  }
  text << events_ << " events, " << changed_ << " would change";
  if (unread.other > 0) text << "; " << unread.other << " documents about no act";
  if (unread.malformed > 0) {
    text << "; " << unread.malformed << " lines not understood (" << unread.first << ")";
  }
  text << "\n";
  return text.str();
}

std::string Replay::json(const UnreadLines& unread) const {
  using Json = nlohmann::ordered_json;
  const auto line = [](const Json& node) {
    return node.dump(-1, ' ', false, Json::error_handler_t::replace);
  };
  Json head = {{"events", events_},
               {"changed", changed_},
               {"other", unread.other},
               {"malformed", unread.malformed}};
  std::string text = line(head);
  text.back() = ',';  // the groups are written one by one: a document of all takes twice the memory
  text += "\"groups\":[";
  const char* separator = "";
  for (const Group* group : sorted()) {
    const auto known = [](const std::string& fact) { return fact.empty() ? Json() : Json(fact); };
    const Json object = {{"image", known(group->image)},
                         {"operation", group->operation},
                         {"path", group->path},
                         {"process", known(group->process)},
                         {"was", group->was ? Json(to_string(*group->was)) : Json()},
                         {"would", to_string(group->would)},
                         {"changed", group->changed()},
                         {"count", group->count}};
    text += separator + line(object);
    separator = ",";
  }
  return text + "]}\n";
}

}  // namespace holdfast
