#include "container/kubelet_client.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "tls_server.h"
#include "unix_server.h"

namespace holdfast {
namespace {

const std::string kId(64, 'a');

std::string pods(const std::string& uid, const std::string& id) {
  return http(R"({"items":[{"metadata":{"name":"web-0","namespace":"shop","uid":")" + uid +
              R"("},"spec":{"containers":[{"name":"a"},{"name":"b"}]},"status":)" +
              R"({"containerStatuses":[{"name":"a","image":"a:1","containerID":"c://)" + id +
              "\"}]}}]}");
}

class Kubelet : public testing::Test {
 protected:
  std::atomic<bool> knows_{true};
  const TlsServer server_{nullptr, [this](auto&, auto& send) {
                            send(knows_ ? pods("u", kId) : http("{}", "500 Oops"));
                          }};
  KubeletClient client_{{*parse_server_url(server_.url()), "", "", "", {}}};
};

TEST_F(Kubelet, ManyContainersLeadToFewQuestions) {
  std::vector<std::thread> askers;
  for (int i = 0; i < 8; ++i) {
    askers.emplace_back([this] {
      for (int k = 0; k < 25; ++k) {
        const auto told = client_.container("u", kId);
        EXPECT_TRUE(told && *told && (*told)->workload->container.name == "a");
      }
    });
  }
  for (std::thread& asker : askers) asker.join();
  EXPECT_EQ(server_.requests(), 1);
}

TEST_F(Kubelet, AnUnknownPodIsAskedForAnew) {
  ASSERT_TRUE(client_.container("u", kId));
  const auto unknown = client_.container("v", kId);
  ASSERT_TRUE(unknown);
  EXPECT_FALSE(*unknown);
  EXPECT_EQ(server_.requests(), 2);
}

TEST_F(Kubelet, AContainerThatIsNotNamedYetIsAskedForSoon) {
  const auto provisional = [&] {
    const auto told = client_.container("u", std::string(64, 'f'));
    return told && *told && (*told)->provisional;
  };
  EXPECT_TRUE(provisional());
  EXPECT_TRUE(provisional());
  EXPECT_EQ(server_.requests(), 1);
  std::this_thread::sleep_for(std::chrono::milliseconds(250));
  EXPECT_TRUE(provisional());
  EXPECT_EQ(server_.requests(), 2);
  ASSERT_TRUE(client_.container("u", kId));  // which is named, in an answer that is young enough
  EXPECT_EQ(server_.requests(), 2);
}

TEST_F(Kubelet, AnErrorIsNoAnswerAndDoesNotStay) {
  knows_ = false;
  EXPECT_FALSE(client_.container("u", kId));
  knows_ = true;
  EXPECT_TRUE(client_.container("u", kId));
}

}  // namespace
}  // namespace holdfast
