#include "cli/status_table.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

namespace holdfast {
namespace {

using nlohmann::json;

constexpr std::size_t kColumns = 13;
constexpr std::size_t kWidest = 48;  // of a column
using Row = std::array<std::string, kColumns>;

std::string text_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::uint64_t number_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_integer() ? found->get<std::uint64_t>() : 0;
}

json object_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_object() ? *found : json::object();
}

std::string printable(std::string text) {
  for (char& c : text) {
    // Bytes beyond ASCII too: a terminal may take 0x9b for an escape.
    if (c < ' ' || c > '~') c = '?';
  }
  return text;
}

// The end is what tells images and pods apart.
std::string shortened(std::string text) {
  text = printable(std::move(text));
  if (text.size() > kWidest) text = "..." + text.substr(text.size() - kWidest + 3);
  return text.empty() ? "-" : text;
}

std::string pod_of(const json& container) {
  const std::string space = text_of(container, "namespace"), pod = text_of(container, "pod"),
                    name = text_of(container, "name");
  std::string text = space.empty() || pod.empty() ? pod : space + "/" + pod;
  if (!name.empty()) text += (text.empty() ? "" : "/") + name;
  return text;
}

std::string image_of(const json& container) {
  const json image = object_of(container, "image");
  const std::string tag = text_of(image, "tag");
  return text_of(image, "name") + (tag.empty() ? "" : ":" + tag);
}

std::string runtime_of(const json& container) {
  std::string runtime = text_of(container, "runtime");
  if (!runtime.empty()) return runtime;
  return container.contains("missing") ? "(asked)" : "(none)";
}

std::string marks_of(const json& container) {
  std::string text = text_of(container, "root");
  if (const std::uint64_t marked = number_of(container, "marked"); marked > 1) {
    text += " +" + std::to_string(marked - 1);
  }
  if (const auto unmarked = container.find("unmarked");
      unmarked != container.end() && unmarked->is_array()) {
    text += ", " + std::to_string(unmarked->size()) + " unmarked";
  }
  return text;
}

Row row_of(const json& container) {
  const json enforcement = object_of(container, "enforcement");
  const json events = object_of(container, "events");
  const auto count = [&](const char* key) {
    return events.contains(key) ? std::to_string(number_of(events, key)) : "";
  };
  Row row{runtime_of(container),
          text_of(container, "id").substr(0, 12),
          pod_of(container),
          image_of(container),
          text_of(container, "coverage"),
          text_of(enforcement, "createExecutable"),
          text_of(enforcement, "modifyExecutable"),
          text_of(enforcement, "execMemFd"),
          count("read"),
          count("refused"),
          count("alerted"),
          count("killed"),
          marks_of(container)};
  for (std::string& cell : row) cell = shortened(std::move(cell));
  return row;
}

void print_rows(std::ostringstream& out, const std::vector<Row>& rows) {
  std::array<std::size_t, kColumns> widths{};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < kColumns; ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const Row& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < kColumns; ++i) {
      line += row[i] + std::string(widths[i] - row[i].size() + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << line << '\n';
  }
}

void print_remark(std::ostringstream& out, const json& container, const char* key,
                  const char* words) {
  const std::string text = text_of(container, key);
  if (text.empty()) return;
  out << "  " << shortened(text_of(container, "id").substr(0, 12)) << ": " << words
      << printable(text) << '\n';
}

}  // namespace

std::string status_table(const json& status) {
  std::ostringstream out;
  const auto enforcing = status.find("enforcing");
  out << "holdfast " << printable(text_of(status, "version")) << ": "
      << printable(text_of(status, "health")) << ", "
      << (enforcing != status.end() && *enforcing == true ? "blocking" : "reporting only") << '\n';
  std::vector<Row> rows{{"RUNTIME", "ID", "POD/NAME", "IMAGE", "COVERAGE", "CREATE", "MODIFY",
                         "MEMFD", "EVENTS", "REFUSED", "ALERTED", "KILLED", "MARKS"}};
  const json containers = status.value("containers", json::array());
  for (const json& container : containers) rows.push_back(row_of(container));
  if (rows.size() > 1) print_rows(out, rows);
  for (const json& container : containers) {
    print_remark(out, container, "reason", "");
    print_remark(out, container, "missing", "not known yet: ");
    print_remark(out, container, "changes_not_seen", "changes not seen: ");
  }
  for (const json& runtime : status.value("runtimes", json::array())) {
    const std::string error = text_of(runtime, "error");
    if (!error.empty()) out << "  runtime does not answer: " << printable(error) << '\n';
  }
  const json watch = object_of(status, "exec_watch");
  const std::string reason = text_of(watch, "reason");
  out << "  exec watch " << printable(text_of(watch, "state"));
  if (!reason.empty()) out << " (" << printable(reason) << ")";
  const json events = object_of(status, "events"), alerts = object_of(status, "alerts");
  out << "\n  events " << number_of(events, "read") << ", refused " << number_of(events, "refused")
      << ", killed " << number_of(events, "killed") << ", alerts written "
      << number_of(alerts, "written") << ", lost " << number_of(alerts, "lost") << '\n';
  return out.str();
}

}  // namespace holdfast
