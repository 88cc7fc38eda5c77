// Events: the names of operations and actions, and the JSON form of the contract.
#include "holdfast/event.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "holdfast/decision.h"
#include "policy/event_reader.h"
#include "policy/wording.h"

namespace holdfast {
namespace {

using Json = nlohmann::json;

constexpr std::array<std::string_view, kOperationCount> kOperations = {
    "createExecutable", "modifyExecutable", "execMemFd", "createFile",
    "modifyFile",       "deleteFile",       "fork",      "exec"};

// Reads members of one document; the first problem is kept and ends the reading.
class EventReader {
 public:
  explicit EventReader(const Json& document) : document_(document) {}

  Result<Event> read() {
    const bool alert = find("holdfast.operation") != nullptr;
    Event event;
    operation(alert, event);
    path(alert, event);
    event.volume = volume(alert);
    event.workload = workload();
    process(event.process);
    if (!problem_.empty()) return Error{0, "event: " + problem_, ""};
    return event;
  }

 private:
  // The member at a dotted path; null when it, or an object on the way, is missing or null.
  const Json* find(std::string_view dotted) {
    const Json* node = &document_;
    for (std::size_t start = 0; start <= dotted.size();) {
      const std::size_t end = std::min(dotted.find('.', start), dotted.size());
      const auto found = node->find(dotted.substr(start, end - start));
      if (found == node->end() || found->is_null()) return nullptr;
      node = &*found;
      if (end < dotted.size() && !node->is_object()) {
        fail(std::string(dotted.substr(0, end)) + " must be an object, not " + node->type_name());
        return nullptr;
      }
      start = end + 1;
    }
    return node;
  }

  std::optional<std::string> text(std::string_view dotted) {
    const Json* node = find(dotted);
    if (node == nullptr) return std::nullopt;
    if (!node->is_string()) return wrong(dotted, "a string", *node);
    return node->get<std::string>();
  }

  // ECS makes the tag an array.
  std::optional<std::string> text_or_array(std::string_view dotted) {
    const Json* node = find(dotted);
    if (node == nullptr || !node->is_array()) return text(dotted);
    if (node->empty()) return std::nullopt;
    if (!node->front().is_string()) return wrong(dotted, "an array of strings", node->front());
    return node->front().get<std::string>();
  }

  void operation(bool alert, Event& event) {
    const std::string_view member = alert ? "holdfast.operation" : "operation";
    const auto name = text(member);
    if (!name) {
      return fail(
          "no operation; an event has it in \"operation\", an alert document in "
          "\"holdfast.operation\"");
    }
    const auto operation = parse_operation(*name);
    if (!operation)
      return fail(std::string(member) + ": unknown operation " + holdfast::in_quotes(*name));
    event.operation = *operation;
  }

  void path(bool alert, Event& event) {
    const std::string_view member = alert ? "file.path" : "path";
    auto path = text(member);
    // A memory file has a name and no path.
    if (!path && alert && event.operation == Operation::exec_memfd) {
      if (const auto name = text("file.name")) path = "/memfd:" + *name;
    }
    const bool needed = event.operation != Operation::fork && event.operation != Operation::exec;
    if (!path && needed)
      return fail("no " + std::string(member) + "; this operation needs the file's absolute path");
    if (path && (path->empty() || path->front() != '/')) {
      return fail(std::string(member) + " must be an absolute path, not " +
                  holdfast::in_quotes(*path));
    }
    event.path = path.value_or("");
  }

  Volume volume(bool alert) {
    const std::string_view member = alert ? "holdfast.volume" : "volume";
    if (const auto kind = text(member)) {
      if (*kind == "mount") return Volume::mount;
      if (*kind == "file") return Volume::file;
      fail(std::string(member) + " must be null, \"mount\" or \"file\", not " +
           holdfast::in_quotes(*kind));
    }
    // An alert document names a volume or there is none; an event says null.
    return alert || document_.contains(member) ? Volume::none : Volume::unknown;
  }

  std::shared_ptr<const Workload> workload() {
    auto workload = std::make_shared<Workload>();
    workload->container.id = text("container.id").value_or("");
    workload->container.name = text("container.name");
    workload->container.image_name = text("container.image.name");
    workload->container.image_tag = text_or_array("container.image.tag");
    Workload::Orchestrator& orchestrator = workload->orchestrator;
    orchestrator.type = text("orchestrator.type");
    orchestrator.cluster_id = text("orchestrator.cluster.id");
    orchestrator.cluster_name = text("orchestrator.cluster.name");
    orchestrator.namespace_ = text("orchestrator.namespace");
    orchestrator.resource_name = text("orchestrator.resource.name");
    orchestrator.resource_labels = labels("orchestrator.resource.label");
    return workload;
  }

  // An object in an event, an array of "key:value" in ECS.
  std::optional<std::map<std::string, std::string>> labels(std::string_view dotted) {
    const Json* node = find(dotted);
    if (node == nullptr) return std::nullopt;
    std::map<std::string, std::string> labels;
    if (node->is_object()) {
      for (const auto& [key, value] : node->items()) {
        if (!value.is_string()) {
          wrong(std::string(dotted) + " " + holdfast::in_quotes(key), "a string", value);
          return std::nullopt;
        }
        labels[key] = value.get<std::string>();
      }
      return labels;
    }
    if (!node->is_array()) {
      wrong(dotted, "an object of strings", *node);
      return std::nullopt;
    }
    for (const Json& item : *node) {
      const std::string label = item.is_string() ? item.get<std::string>() : "";
      const std::size_t colon = label.find(':');
      if (colon == std::string::npos) {
        fail(std::string(dotted) + " must hold strings of the form key:value");
        return std::nullopt;
      }
      labels[label.substr(0, colon)] = label.substr(colon + 1);
    }
    return labels;
  }

  void process(Process& process) {
    if (const Json* pid = find("process.pid")) {
      const bool natural = pid->is_number_unsigned() && pid->get<std::uint64_t>() <= INT32_MAX;
      if (natural) {
        process.pid = pid->get<std::int64_t>();
      } else {
        // Only a number: dump() recurses, and lists may be nested as deep as the text is long.
        fail("process.pid must be a process number, not " +
             (pid->is_number() ? pid->dump() : pid->type_name()));
      }
    }
    process.name = text("process.name");
    process.executable = text("process.executable");
    if (const Json* interactive = find("process.interactive")) {
      if (interactive->is_boolean()) {
        process.interactive = interactive->get<bool>();
      } else {
        wrong("process.interactive", "true or false", *interactive);
      }
    }
  }

  std::nullopt_t wrong(std::string_view member, std::string_view type, const Json& found) {
    fail(std::string(member) + " must be " + std::string(type) + ", not " + found.type_name());
    return std::nullopt;
  }

  void fail(std::string problem) {
    if (problem_.empty()) problem_ = std::move(problem);
  }

  const Json& document_;
  std::string problem_;
};

}  // namespace

std::string_view to_string(Action action) {
  switch (action) {
    case Action::allow:
      return "allow";
    case Action::log:
      return "log";
    case Action::alert:
      return "alert";
    case Action::block:
      return "block";
  }
  return "allow";
}

std::string_view to_string(Operation operation) {
  return kOperations[static_cast<std::size_t>(operation)];
}

std::optional<Operation> parse_operation(std::string_view name) {
  const auto* const found = std::find(kOperations.begin(), kOperations.end(), name);
  if (found == kOperations.end()) return std::nullopt;
  return static_cast<Operation>(found - kOperations.begin());
}

Result<Event> parse_event_json(std::string_view text) {
  const Result<Json> document = read_event_document(text);
  return document ? event_from_json(*document) : document.error();
}

Result<Event> event_from_json(const Json& document) {
  if (!document.is_object()) {
    return Error{0, std::string("event: must be a JSON object, not ") + document.type_name(), ""};
  }
  return EventReader(document).read();
}

}  // namespace holdfast
