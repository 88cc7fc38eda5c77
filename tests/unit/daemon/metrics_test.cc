#include "daemon/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "kernel/unique_fd.h"

namespace holdfast {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const char* const kStatus = R"({
  "version": "1.2", "health": "degraded", "enforcing": true, "policy_error": "p.yml:1:1: error: x",
  "runtime_hold": {"ready": false, "restarts": 2},
  "containers": [{"coverage": "full"}, {"coverage": "none"}, {"coverage": "full"}],
  "events": {"read": 7, "denied_by_kernel": {"EMFILE": 3}},
  "alerts": {"lost": 1}})";

std::string get(const std::string& target) {
  return http_response("GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n", [] { return kStatus; });
}

TEST(Metrics, OfTheStatus) {
  const std::string text = metrics_text(kStatus);
  for (const char* line :
       {"holdfast_build_info{version=\"1.2\"} 1\n", "holdfast_degraded 1\n",
        "holdfast_policy_last_reload_successful 0\n", "holdfast_enforcing 1\n",
        "holdfast_containers{coverage=\"full\"} 2\n", "holdfast_containers{coverage=\"none\"} 1\n",
        "holdfast_runtime_hold_ready 0\n", "holdfast_runtime_hold_restarts_total 2\n",
        "# TYPE holdfast_events_total counter\nholdfast_events_total 7\n",
        "holdfast_alerts_lost_total 1\n", "holdfast_denied_by_kernel_total{errno=\"EMFILE\"} 3\n"})
    EXPECT_THAT(text, HasSubstr(line));
  EXPECT_THAT(text, Not(HasSubstr("seccomp"))) << "what there is nothing of is left out";
  EXPECT_EQ(metrics_text("no JSON"), "");
}

TEST(Metrics, Responses) {
  EXPECT_THAT(get("/metrics"), StartsWith("HTTP/1.0 200 OK\r\n"));
  EXPECT_THAT(get("/metrics?x=1"), HasSubstr("text/plain; version=0.0.4"));
  EXPECT_THAT(get("/healthz"),
              HasSubstr("Content-Length: 9\r\nConnection: close\r\n\r\ndegraded\n"));
  EXPECT_THAT(get("/readyz"), StartsWith("HTTP/1.0 503 "));
  EXPECT_THAT(http_response("GET /readyz HTTP/1.0\r\n\r\n",
                            [] { return R"({"runtime_hold": {"ready": true}})"; }),
              StartsWith("HTTP/1.0 200 "));
  EXPECT_THAT(get("/"), StartsWith("HTTP/1.0 404 "));
}

TEST(Metrics, NoRequestIsNoQuestion) {
  const auto status = []() -> std::string {
    ADD_FAILURE() << "asked";
    return "";
  };
  for (const char* request : {"", "\r\n\r\n", "GET", "GET /metrics", "GET /metrics\n\n"})
    EXPECT_THAT(http_response(request, status), StartsWith("HTTP/1.0 400 ")) << request;
  EXPECT_THAT(http_response("POST /metrics HTTP/1.1\r\n\r\n", status), StartsWith("HTTP/1.0 405 "));
}

TEST(Metrics, ARequestIsReadToItsEnd) {
  for (const auto& [sent, read] :
       {std::pair<std::string, std::string>{"GET / HTTP/1.1\r\nA: b\r\n\r\n", "whole"},
        {"GET / HTTP/1.1\n\n", "whole"},
        {"GET / HTTP/1.1\r\n", ""},  // and then the end
        {std::string(9000, 'x'), ""}}) {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    const UniqueFd client(ends[0]);
    const UniqueFd server(ends[1]);
    ASSERT_EQ(send(client.get(), sent.data(), sent.size(), 0), static_cast<ssize_t>(sent.size()));
    shutdown(client.get(), SHUT_WR);
    EXPECT_EQ(read_request(server.get()), read.empty() ? "" : sent);
  }
}

}  // namespace
}  // namespace holdfast
