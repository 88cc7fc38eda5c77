#include "daemon/metrics.h"

#include <sys/socket.h>

#include <array>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

namespace holdfast {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds kRequestTakes{2};

struct Metric {
  const char* pointer;  // where the document has it
  const char* name;
  const char* type;
  const char* help;
};

constexpr std::array kMetrics{
    Metric{"/enforcing", "holdfast_enforcing", "gauge", "1 if some policy blocks."},
    Metric{"/runtime_hold/ready", "holdfast_runtime_hold_ready", "gauge",
           "1 if starts of runtimes wait until their container is covered."},
    Metric{"/runtime_hold/restarts", "holdfast_runtime_hold_restarts_total", "counter",
           "Runtime holds that ended."},
    Metric{"/worker/restarts", "holdfast_worker_restarts_total", "counter",
           "Workers that ended and were replaced."},
    Metric{"/worker/killed", "holdfast_workers_killed_total", "counter",
           "Workers that were killed because events had aged."},
    Metric{"/events/read", "holdfast_events_total", "counter", "Events read from the kernel."},
    Metric{"/events/refused", "holdfast_refused_total", "counter", "Opens and execs refused."},
    Metric{"/events/alerted", "holdfast_alerted_total", "counter",
           "Acts that were let happen and reported."},
    Metric{"/events/killed", "holdfast_killed_total", "counter", "Processes ended."},
    Metric{"/events/compared", "holdfast_comparisons_total", "counter",
           "Executables compared with the image's."},
    Metric{"/events/uncompared", "holdfast_uncompared_total", "counter",
           "Decided as drift because the comparison took too long."},
    Metric{"/events/undecided", "holdfast_undecided_total", "counter",
           "Events answered by the fail mode."},
    Metric{"/events/inherited", "holdfast_inherited_total", "counter",
           "Events that a dead worker had read and its successor decided."},
    Metric{"/events/paused", "holdfast_paused_total", "counter",
           "Times that a container's events were left unread for a while."},
    Metric{"/events/hung_readers", "holdfast_hung_readers_total", "counter",
           "Times that a reader was stuck in one event."},
    Metric{"/events/overflows", "holdfast_overflows_total", "counter",
           "Times that the kernel dropped notifications (alert-only policies)."},
    Metric{"/events/leftovers", "holdfast_leftovers_total", "counter",
           "Empty files of refused creations that stayed."},
    Metric{"/changes/read", "holdfast_changes_total", "counter",
           "Changes of names and modes read from the kernel."},
    Metric{"/changes/overflows", "holdfast_changes_overflows_total", "counter",
           "Times that the kernel dropped such changes."},
    Metric{"/exec_watch/execs", "holdfast_execs_total", "counter", "Execs heard of."},
    Metric{"/exec_watch/lost", "holdfast_execs_lost_total", "counter",
           "Times that execs went unheard: all processes were looked at."},
    Metric{"/seccomp/listeners", "holdfast_seccomp_listeners", "gauge",
           "Seccomp listeners of covered containers."},
    Metric{"/seccomp/states", "holdfast_seccomp_states_total", "counter",
           "Container states that runtimes sent to the seccomp agent."},
    Metric{"/seccomp/states_refused", "holdfast_seccomp_states_refused_total", "counter",
           "Messages to the seccomp agent that were no valid state."},
    Metric{"/seccomp/notifications", "holdfast_seccomp_notifications_total", "counter",
           "System calls that the seccomp agent was asked about."},
    Metric{"/identities/known", "holdfast_identities", "gauge",
           "Containers that are known, also those that ended within the last 30 seconds."},
    Metric{"/identities/incomplete", "holdfast_identities_incomplete", "gauge",
           "Running containers of which no runtime has told all facts."},
    Metric{"/alerts/written", "holdfast_alerts_written_total", "counter", "Documents written."},
    Metric{"/alerts/coalesced", "holdfast_alerts_coalesced_total", "counter",
           "Repeats counted in another document."},
    Metric{"/alerts/queued", "holdfast_alerts_queued", "gauge", "Documents that wait."},
    Metric{"/alerts/lost", "holdfast_alerts_lost_total", "counter",
           "Documents that could not be written."},
    Metric{"/alerts/write_errors", "holdfast_alerts_write_errors_total", "counter",
           "Failed writes of an alert log."},
};

void head(std::ostream& out, const char* name, const char* type, const char* help) {
  out << "# HELP " << name << " " << help << "\n# TYPE " << name << " " << type << "\n";
}

std::string response(const char* status, const std::string& body,
                     const char* type = "text/plain; charset=utf-8") {
  return std::string("HTTP/1.0 ") + status + "\r\nContent-Type: " + type +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" +
         body;
}

json parsed(std::string_view document) { return json::parse(document, nullptr, false); }

std::string readiness(const json& status) {
  if (status.value("/runtime_hold/ready"_json_pointer, false)) return response("200 OK", "ready\n");
  return response("503 Service Unavailable",
                  "the runtime hold is not ready: containers may start before they are covered\n");
}

}  // namespace

std::string metrics_text(std::string_view status_document) {
  const json status = parsed(status_document);
  if (!status.is_object()) return "";
  std::ostringstream out;
  head(out, "holdfast_build_info", "gauge", "Always 1.");
  out << "holdfast_build_info{version=\"" << status.value("version", "") << "\"} 1\n";
  head(out, "holdfast_degraded", "gauge", "1 if something is not protected, lost or not in force.");
  out << "holdfast_degraded " << (status.value("health", "") == "ok" ? 0 : 1) << "\n";
  head(out, "holdfast_policy_last_reload_successful", "gauge",
       "0 if the policy files are not what is in force.");
  out << "holdfast_policy_last_reload_successful " << (status.contains("policy_error") ? 0 : 1)
      << "\n";
  std::map<std::string, int> coverage{{"full", 0}, {"none", 0}};
  for (const json& container : status.value("containers", json::array()))
    ++coverage[container.value("coverage", "")];
  head(out, "holdfast_containers", "gauge", "Containers by their coverage.");
  for (const auto& [state, count] : coverage)
    out << "holdfast_containers{coverage=\"" << state << "\"} " << count << "\n";
  for (const Metric& metric : kMetrics) {
    const json::json_pointer pointer(metric.pointer);
    if (!status.contains(pointer)) continue;
    const json& value = status[pointer];
    head(out, metric.name, metric.type, metric.help);
    out << metric.name << " "
        << (value.is_boolean() ? json(value.get<bool>() ? 1 : 0) : value).dump() << "\n";
  }
  head(out, "holdfast_denied_by_kernel_total", "counter",
       "Openers that the kernel denied without an event, by errno.");
  const json denied = status.value("/events/denied_by_kernel"_json_pointer, json::object());
  for (const auto& [error, count] : denied.items())
    out << "holdfast_denied_by_kernel_total{errno=\"" << error << "\"} " << count << "\n";
  return out.str();
}

std::string http_response(std::string_view request, const std::function<std::string()>& status) {
  std::istringstream line{std::string(request.substr(0, request.find_first_of("\r\n")))};
  std::string method;
  std::string target;
  std::string version;
  line >> method >> target >> version;
  if (!version.starts_with("HTTP/")) return response("400 Bad Request", "no HTTP request\n");
  if (method != "GET") return response("405 Method Not Allowed", "use GET\n");
  const std::string path = target.substr(0, target.find('?'));
  if (path == "/metrics")
    return response("200 OK", metrics_text(status()), "text/plain; version=0.0.4");
  if (path == "/healthz")
    return response("200 OK", parsed(status()).value("health", "degraded") + "\n");
  if (path == "/readyz") return readiness(parsed(status()));
  return response("404 Not Found", "there are /metrics, /healthz and /readyz\n");
}

std::string read_request(int client) {
  const auto end = std::chrono::steady_clock::now() + kRequestTakes;
  std::array<char, 8192> buffer{};
  std::size_t length = 0;
  // Each read ends by the socket's own limit; a client that sends byte for byte by this one.
  while (length < buffer.size() && std::chrono::steady_clock::now() < end) {
    const ssize_t got = recv(client, buffer.data() + length, buffer.size() - length, 0);
    if (got <= 0) return "";
    length += static_cast<std::size_t>(got);
    const std::string_view text(buffer.data(), length);
    if (text.find("\r\n\r\n") != std::string_view::npos || text.find("\n\n") != text.npos)
      return std::string(text);
  }
  return "";
}

}  // namespace holdfast
