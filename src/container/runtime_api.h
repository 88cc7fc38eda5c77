// A container runtime's API, asked who a container is. Never on a decision's path: an answer may
// take seconds, or not come.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "container/workload_facts.h"
#include "holdfast/result.h"

namespace holdfast {

inline constexpr std::size_t kMostAnswerBytes = std::size_t{16} << 20;

class RuntimeApi {
 public:
  virtual ~RuntimeApi() = default;
  virtual const std::string& socket() const = 0;  // host path
  // nullopt: it does not know the container. An error: it did not say, in about `kCallTakes`.
  virtual Result<std::optional<WorkloadFacts>> container(const std::string& id) = 0;
  static constexpr std::chrono::milliseconds kCallTakes{2000};
};

// The socket is at `path` for this process; `name` is what the operator calls it. Both are
// thread-safe and connect at each call anew or keep a connection that comes back by itself.
std::unique_ptr<RuntimeApi> make_cri_client(std::string name, const std::string& path);
// Docker's Engine API; podman's sockets speak it too, and say more on paths of their own.
std::unique_ptr<RuntimeApi> make_docker_client(std::string name, std::string path);
std::unique_ptr<RuntimeApi> make_podman_client(std::string name, std::string path);

}  // namespace holdfast
