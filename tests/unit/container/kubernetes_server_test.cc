#include "container/kubernetes_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>

#include "container/runtime_api.h"
#include "temp_tree.h"
#include "tls_server.h"
#include "unix_server.h"

namespace holdfast {
namespace {

using testing::HasSubstr;

TEST(ServerUrl, AnAddressAndAPort) {
  const auto url = parse_server_url("https://10.96.0.1:6443/");
  ASSERT_TRUE(url);
  EXPECT_TRUE(url->tls);
  EXPECT_EQ(url->address, "10.96.0.1");
  EXPECT_EQ(url->port, 6443);
  EXPECT_EQ(url->host, "10.96.0.1:6443");
  EXPECT_EQ(parse_server_url("https://10.96.0.1")->port, 443);
  EXPECT_EQ(parse_server_url("https://[fd00::1]:10250")->address, "fd00::1");
  EXPECT_EQ(parse_server_url("https://[fd00::1]")->host, "[fd00::1]:443");
  EXPECT_FALSE(parse_server_url("http://127.0.0.1:10255")->tls);
  EXPECT_TRUE(parse_server_url("http://[::1]:10255"));
}

TEST(ServerUrl, AnythingElseIsRefused) {
  for (const char* text : {"",
                           "https://",
                           "10.0.0.1:1",
                           "ftp://10.0.0.1",
                           "https://node:10250",
                           "https://localhost",
                           "https://10.0.0.1:",
                           "https://10.0.0.1:0",
                           "https://10.0.0.1:65536",
                           "https://10.0.0.1:1x",
                           "https://10.0.0.1/x",
                           "https://10.0.0.1:1/x",
                           "https://[fd00::1",
                           "https://fd00::1",
                           "https://[10.0.0.1]:1",
                           "https://10.0.0.1:1\r\nX: y",
                           "https://[::1]x",
                           "https://u@10.0.0.1",
                           "http://10.0.0.1:10255",
                           "http://127.evil:1"}) {
    EXPECT_FALSE(parse_server_url(text)) << text;
  }
  EXPECT_THAT(parse_server_url("https://node:1").error().message(), HasSubstr("IP address"));
  EXPECT_THAT(parse_server_url("http://10.0.0.1").error().message(), HasSubstr("loopback"));
}

class Server : public testing::Test {
 protected:
  void SetUp() override { tree_.file("token", "t0k\n"); }

  KubernetesServer server(const std::string& url, const std::string& trusted) const {
    tree_.file("ca", trusted);
    return {*parse_server_url(url), tree_.path(), "/ca", tree_ / "token", {"node-1"}};
  }
  // Why the question failed; the server never got one.
  std::string refused(const TestCertificate& shown, const std::string& trusted) const {
    const TlsServer running(&shown, [](auto&, auto& send) { send(http("{}")); });
    const auto answer = ask(server(running.url(), trusted), "/pods");
    EXPECT_EQ(running.requests(), 0) << "the token was told";
    return answer ? "not refused" : answer.error().message();
  }
  // What becomes of these bytes, over TLS.
  Result<std::string> answered(const TlsServer::Answer& answer) const {
    const TlsServer running(&own_, answer);
    return ask(server(running.url(), own_.pem()), "/pods");
  }

  TempTree tree_;
  const TestCertificate authority_ = make_certificate("");
  const TestCertificate own_ = make_certificate("DNS:elsewhere");
};

TEST_F(Server, ATokenIsReadAtEachCall) {
  std::string seen;
  const TlsServer running(&own_, [&](const std::string& request, auto& send) {
    seen = request;
    send(http("[1]"));
  });
  const KubernetesServer asked = server(running.url(), own_.pem());
  ASSERT_TRUE(ask(asked, "/pods"));
  EXPECT_THAT(seen, testing::StartsWith("GET /pods HTTP/1.1\r\nHost: 127.0.0.1:"));
  EXPECT_THAT(seen, HasSubstr("\r\nAuthorization: Bearer t0k\r\n"));
  tree_.file("token", "other");
  const auto answer = ask(asked, "/pods");
  ASSERT_TRUE(answer);
  EXPECT_EQ(*answer, "[1]");
  EXPECT_THAT(seen, HasSubstr("\r\nAuthorization: Bearer other\r\n"));
}

TEST_F(Server, PlainlyNoTokenIsSent) {
  std::string seen;
  const TlsServer running(nullptr, [&](const std::string& request, auto& send) {
    seen = request;
    send(http("[]"));
  });
  ASSERT_TRUE(ask(server(running.url(), ""), "/pods"));
  EXPECT_THAT(seen, testing::Not(HasSubstr("Authorization")));
}

TEST_F(Server, ItsCertificateIsSignedAndItsOwn) {
  for (const char* names : {"IP:127.0.0.1", "DNS:node-1", "DNS:a,IP:10.0.0.1,DNS:node-1"}) {
    const TestCertificate shown = make_certificate(names, &authority_);
    const TlsServer running(&shown, [](auto&, auto& send) { send(http("{}")); });
    const auto answer = ask(server(running.url(), authority_.pem()), "/pods");
    EXPECT_TRUE(answer) << names << ": " << answer.error().message();
  }
}

TEST_F(Server, AnotherCertificateGetsNoToken) {
  const TestCertificate stranger = make_certificate("");
  EXPECT_THAT(refused(make_certificate("IP:127.0.0.1"), authority_.pem()),
              HasSubstr("certificate is not valid"));
  EXPECT_THAT(refused(make_certificate("IP:127.0.0.1", &stranger), authority_.pem()),
              HasSubstr("certificate is not valid"));
  EXPECT_THAT(refused(make_certificate("IP:127.0.0.2,DNS:node-2", &authority_), authority_.pem()),
              HasSubstr("for another server"));
  EXPECT_THAT(refused(make_certificate("DNS:*.node-1,DNS:*", &authority_), authority_.pem()),
              HasSubstr("for another server"));
  EXPECT_THAT(
      refused(make_certificate("IP:127.0.0.1", &authority_, -7200, -3600), authority_.pem()),
      HasSubstr("expired"));
  // Signed by a certificate in the file that may sign none.
  const TestCertificate leaf = make_certificate("DNS:node-1", &authority_);
  EXPECT_THAT(refused(make_certificate("IP:127.0.0.1", &leaf), leaf.pem()),
              HasSubstr("certificate is not valid"));
}

TEST_F(Server, WithoutAReadableFileNothingIsAsked) {
  EXPECT_THAT(refused(own_, "no PEM"), HasSubstr("read the certificates in " + tree_ / "ca"));
  for (const char* token : {"", "\n", "a b", "a\r\nX: y", "\x80"}) {
    tree_.file("token", token);
    EXPECT_THAT(refused(own_, own_.pem()), HasSubstr("there is no token in")) << token;
  }
}

TEST_F(Server, OnlyStatus200IsAnAnswer) {
  for (const char* status : {"301 Moved", "302 Found", "401 Unauthorized", "403 No", "404 No",
                             "500 Oops", "204 Nothing"}) {
    std::atomic<int> asked{0};
    const auto answer = answered([&](auto&, auto& send) {
      ++asked;
      send("HTTP/1.1 " + std::string(status) +
           "\r\nLocation: https://127.0.0.1:1/\r\nContent-Length: 2\r\n\r\n{}");
    });
    ASSERT_FALSE(answer);
    EXPECT_THAT(answer.error().message(), HasSubstr(std::string("HTTP status ")));
    EXPECT_EQ(asked, 1);
  }
}

TEST_F(Server, HostileAnswersAreErrors) {
  const std::string head = "HTTP/1.1 200 OK\r\n";
  const std::string block(1 << 20, 'x');
  const std::map<std::string, TlsServer::Answer> answers = {
      {"nothing", [](auto&, auto&) {}},
      {"garbage", [](auto&, auto& send) { send("\x16\x03garbage\r\n\r\n"); }},
      {"a head without an end", [&](auto&, auto& send) { send(head + "X: " + block); }},
      {"too long a body is said to come",
       [&](auto&, auto& send) { send(head + "Content-Length: 99999999999\r\n\r\nx"); }},
      {"a body that ends early",
       [&](auto&, auto& send) { send(head + "Content-Length: 10\r\n\r\n[]"); }},
      {"too long a body",
       [&](auto&, auto& send) {
         bool sent = send(head + "\r\n");
         for (int i = 0; sent && i < 20; ++i) sent = send(block);
       }},
      {"a chunk's line without an end", [&](auto&, auto& send) {
         bool sent = send(head + "Transfer-Encoding: chunked\r\n\r\n1;");
         for (int i = 0; sent && i < 20; ++i) sent = send(block);
       }}};
  for (const auto& [what, answer] : answers) {
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_FALSE(answered(answer)) << what;
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(4)) << what;
  }
}

TEST_F(Server, WhoeverTricklesIsLeftInTime) {
  for (const bool tls : {true, false}) {
    const auto begin = std::chrono::steady_clock::now();
    const TlsServer running(tls ? &own_ : nullptr, [](auto&, auto& send) {
      bool sent = send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
      for (int i = 0; sent && i < 100; ++i) {
        sent = send("x");
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
      }
    });
    EXPECT_FALSE(ask(server(running.url(), own_.pem()), "/pods"));
    EXPECT_LT(std::chrono::steady_clock::now() - begin,
              RuntimeApi::kCallTakes + std::chrono::seconds(1));
  }
}

// It takes the connection and says nothing that is TLS, or nothing at all.
TEST_F(Server, AHandshakeHasAnEnd) {
  const TlsServer silent(nullptr, [](auto&, auto&) {});
  const std::string url = "https" + silent.url().substr(4);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_FALSE(ask(server(url, own_.pem()), "/pods"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin,
            RuntimeApi::kCallTakes + std::chrono::seconds(1));
}

TEST_F(Server, NobodyListens) {
  EXPECT_THAT(ask(server("https://127.0.0.1:1", own_.pem()), "/pods").error().message(),
              HasSubstr("ask https://127.0.0.1:1/pods: connect: Connection refused"));
}

TEST_F(Server, TheClusterIsToldByItsSystemNamespace) {
  std::string body = R"({"metadata":{"name":"kube-system","uid":"u-1"}})";
  std::string seen;
  const TlsServer running(&own_, [&](const std::string& request, auto& send) {
    seen = request;
    send(http(body));
  });
  const KubernetesServer api = server(running.url(), own_.pem());
  ASSERT_TRUE(ask_cluster_id(api));
  EXPECT_EQ(*ask_cluster_id(api), "u-1");
  EXPECT_THAT(seen, testing::StartsWith("GET /api/v1/namespaces/kube-system HTTP/1.1\r\n"));
  for (const std::string& other :
       {std::string("{}"), std::string("no JSON"), std::string(R"({"metadata":{"uid":7}})"),
        R"({"metadata":{"uid":")" + std::string(65, 'u') + "\"}}"}) {
    body = other;
    EXPECT_FALSE(ask_cluster_id(api)) << other;
  }
}

}  // namespace
}  // namespace holdfast
