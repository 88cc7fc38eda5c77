#include "policy/explain_tree.h"

#include <nlohmann/json.hpp>

#include "policy/language.h"
#include "policy/wording.h"

namespace holdfast {
namespace {

using Json = nlohmann::json;

std::string known(const std::optional<std::string>& text) {
  return text ? in_quotes(*text) : "unknown";
}

// The event's value that a condition was compared with.
std::string value_of(ConditionKind kind, const Event& event) {
  const Workload::Container& container = event.workload->container;
  const Workload::Orchestrator& orchestrator = event.workload->orchestrator;
  switch (kind) {
    case ConditionKind::operation:
      return std::string(to_string(event.operation));
    case ConditionKind::ignore_volume_mounts:
    case ConditionKind::ignore_volume_files:
      switch (event.volume) {
        case Volume::none:
          return "on no volume";
        case Volume::mount:
          return "on a mounted directory";
        case Volume::file:
          return "a mounted file";
        case Volume::unknown:
          return "unknown";
      }
      return "unknown";
    case ConditionKind::interactive:
      if (!event.process.interactive) return "unknown";
      return *event.process.interactive ? "true" : "false";
    case ConditionKind::orchestrator_type:
      return known(orchestrator.type);
    case ConditionKind::cluster_id:
      return known(orchestrator.cluster_id);
    case ConditionKind::cluster_name:
      return known(orchestrator.cluster_name);
    case ConditionKind::namespace_:
      return known(orchestrator.namespace_);
    case ConditionKind::resource_name:
      return known(orchestrator.resource_name);
    case ConditionKind::image_name:
    case ConditionKind::image_full_name:
      return known(container.image_name);
    case ConditionKind::image_tag:
      return known(container.image_tag);
    case ConditionKind::process_name:
      return known(event.process.name);
    case ConditionKind::process_executable:
      return known(event.process.executable);
    case ConditionKind::target_path:
      return in_quotes(event.path);
    case ConditionKind::labels: {
      if (!orchestrator.resource_labels) return "unknown";
      std::string text;
      for (const auto& [key, value] : *orchestrator.resource_labels) {
        text += text.empty() ? "" : ", ";
        text += in_quotes(std::string(key).append(":").append(value));
      }
      return text.empty() ? "no labels" : text;
    }
  }
  return "unknown";
}

std::string joined(const Json& names) {
  std::string text;
  for (const Json& name : names) {
    text += (text.empty() ? "" : ", ") + in_quotes(name.get<std::string>());
  }
  return text;
}

std::string why(const Json& response) {
  if (response["matched"].empty()) return "does not apply: no match selector matches";
  if (response["applies"]) return "applies: matched " + joined(response["matched"]);
  return "does not apply: matched " + joined(response["matched"]) + ", excluded by " +
         joined(response["excluded"]);
}

}  // namespace

std::string explain_tree(std::string_view document, const Event& event) {
  const Json explained = Json::parse(document);
  std::string text = explained["decision"].get<std::string>();
  if (!explained["actions"].empty()) text += " (" + joined(explained["actions"]) + ")";
  text += ": " + std::string(to_string(event.operation)) + " " + in_quotes(event.path) + "\n";
  std::string policy;
  const auto open_policy = [&](const Json& entry) {
    if (entry["policy"] == policy) return;
    policy = entry["policy"];
    text += "  " + policy + "\n";
  };
  for (const Json& response : explained["responses"]) {
    open_policy(response);
    text += "    response " + std::to_string(response["index"].get<int>() + 1) + " of " +
            response["section"].get<std::string>() + " " + why(response) + "\n";
  }
  policy.clear();
  for (const Json& selector : explained["selectors"]) {
    open_policy(selector);
    const std::string name = in_quotes(selector["name"].get<std::string>());
    text += "    selector " + name +
            (selector["matches"].get<bool>() ? " matches\n" : " does not match\n");
    for (const Json& failed : selector["failed"]) {
      const auto spelling = failed.get<std::string>();
      text += "      " + spelling + " fails: the event has " +
              value_of(find_condition(spelling)->kind, event) + "\n";
    }
  }
  return text;
}

}  // namespace holdfast
