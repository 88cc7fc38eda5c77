// `holdfast replay`: what a policy would have done with what was recorded.
#include "replay/replay.h"

#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <thread>

#include "cli/commands.h"
#include "cli/load_set.h"

namespace holdfast {
namespace {

// A bar on the terminal, drawn when another hundredth is done.
Progress progress_bar() {
  if (isatty(STDERR_FILENO) != 1) return {};
  return [last = -1](std::uint64_t done, std::uint64_t size) mutable {
    const int percent = size == 0 ? 0 : static_cast<int>(std::min(done, size) * 100 / size);
    if (percent == last || size == 0) return;
    last = percent;
    std::cerr << "\r[" << std::string(static_cast<std::size_t>(percent) / 2, '#')
              << std::string(50 - static_cast<std::size_t>(percent) / 2, ' ') << "] " << percent
              << " %" << (percent == 100 ? "\n" : "") << std::flush;
  };
}

}  // namespace

int replay_command(const std::vector<std::string>& policies, const std::vector<std::string>& logs,
                   bool json) {
  const Result<std::shared_ptr<const PolicySet>> set = load_set(policies);
  if (!set) {
    std::cerr << "holdfast replay: " << set.error().message() << "\n";
    return 2;
  }
  const unsigned threads = std::clamp(std::thread::hardware_concurrency(), 1U, 8U);
  std::vector<Replay> parts(threads);
  const auto unread = each_recorded(
      logs, threads,
      [&](unsigned thread, const RecordedEvent& event) { parts[thread].add(event, **set); },
      progress_bar());
  if (!unread) {
    std::cerr << "holdfast replay: " << unread.error().message() << "\n";
    return 2;
  }
  if (unread->malformed > 0) std::cerr << "holdfast replay: " << complaint(*unread) << "\n";
  for (unsigned thread = 1; thread < threads; ++thread) {
    parts[0].merge(parts[thread]);
    parts[thread] = Replay();
  }
  std::cout << (json ? parts[0].json(*unread) : parts[0].table(*unread)) << std::flush;
  return 0;
}

}  // namespace holdfast
