// How an act is named in ECS: event.category, event.type and event.action.
#pragma once

#include <string_view>
#include <vector>

#include "alert/alert_record.h"

namespace holdfast {

struct EventKind {
  std::string_view category;            // event.category
  std::vector<std::string_view> types;  // event.type; has "denied" for what was blocked or killed
  std::string_view action;              // event.action
  std::string_view hook_point;          // cloud_defend.hook_point; empty: none that is true
};

// The words are those that Elastic's documents use for the same acts. An act of a file operation
// that was met when the file ran (exec gate, exec watch) is an execution.
EventKind event_kind(const AlertRecord& record);

// The act was met at the execution of the file, not when it was written.
bool met_at_execution(const AlertRecord& record);

}  // namespace holdfast
