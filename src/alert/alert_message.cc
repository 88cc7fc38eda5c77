#include "alert/alert_message.h"

#include "alert/event_kind.h"
#include "alert/proc_text.h"

namespace holdfast {
namespace {

constexpr std::size_t kShortId = 12;  // digits of a container id, as runtimes print it

std::string_view last_component(std::string_view path) {
  return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

// "pod shop/web-7d4, container web (nginx:1.25)", as far as it is known.
std::string place(const Workload& workload) {
  std::string text;
  if (const auto& pod = workload.orchestrator.resource_name) {
    text = "pod ";
    if (const auto& space = workload.orchestrator.namespace_) text += *space + "/";
    text += *pod + ", ";
  }
  const Workload::Container& container = workload.container;
  text += "container " + container.name.value_or(container.id.substr(0, kShortId));
  if (container.image_name) {
    text += " (" + std::string(last_component(*container.image_name));
    if (container.image_tag) text += ":" + *container.image_tag;
    text += ")";
  }
  return text;
}

std::string act(const AlertRecord& record) {
  const bool ran = met_at_execution(record);
  const std::string& path = record.event.path;
  switch (record.event.operation) {
    case Operation::create_executable:
      return (ran              ? "execution of added executable "
              : record.is_read ? "opening of added code "
                               : "creation of executable ") +
             path;
    case Operation::modify_executable:
      return (ran              ? "execution of modified executable "
              : record.is_read ? "opening of modified code "
                               : "modification of executable ") +
             path;
    case Operation::exec_memfd:
      return "execution of memory file " + file_name_of(record.event);
    case Operation::create_file:
      return "creation of file " + path;
    case Operation::modify_file:
      return "modification of file " + path;
    case Operation::delete_file:
      return "deletion of file " + path;
    case Operation::fork:
      return "fork";
    case Operation::exec:
      return "execution of " + path;
  }
  return "act on " + path;
}

std::string_view verb(const AlertRecord& record) {
  if (record.outcome == Outcome::blocked) return "Blocked ";
  if (record.outcome == Outcome::killed) return "Killed after ";
  return record.decision.alert ? "Detected " : "Observed ";
}

}  // namespace

std::string file_name_of(const Event& event) {
  std::string_view name = last_component(event.path);
  if (event.operation == Operation::exec_memfd) {
    constexpr std::string_view kMemfd = "memfd:";
    // The name of a memory file may hold slashes.
    const std::size_t at = event.path.find(kMemfd);
    if (at <= 1) name = std::string_view(event.path).substr(at + kMemfd.size());
    name = without_deleted_mark(name);
  }
  return std::string(name);
}

std::string alert_message(const AlertRecord& record) {
  static const Workload kUnknown;
  const Workload& workload = record.event.workload ? *record.event.workload : kUnknown;
  if (record.outcome == Outcome::unprotected) {
    std::string text = "Containers were not protected";
    if (record.event.workload) {
      text = place(workload) + " is not protected";
      text[0] = text[0] == 'p' ? 'P' : 'C';
    }
    if (!record.reason.empty()) text += ": " + record.reason;
    return text;
  }
  std::string text(verb(record));
  text += act(record);
  const std::string& name = record.process.process.name;
  const std::string by = !name.empty() ? name : record.event.process.name.value_or("");
  if (!by.empty()) text += " by " + by;
  text += " in " + place(workload);
  if (record.repeats > 0) text += ", " + std::to_string(record.repeats) + " more times";
  return text;
}

}  // namespace holdfast
