// metrics.sock: /metrics (Prometheus' text format), /healthz and /readyz over HTTP, from the
// document that `holdfast status --json` shows.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace holdfast {

// Pure. What the document does not have is left out.
std::string metrics_text(std::string_view status_document);

// Pure: the whole response to the first line of a request. `status` is asked for the document only
// where the response needs it. /healthz: 200 and the document's health, as the daemon answers.
// /readyz: 200 once containers are covered before their first process runs, 503 before.
std::string http_response(std::string_view request, const std::function<std::string()>& status);

// Reads a request's head from a client: at most 8 KiB of it; "" when none came in time.
std::string read_request(int client);

}  // namespace holdfast
