#include "container/volume_reference.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "kernel/procfs.h"

namespace holdfast {
namespace {

constexpr std::size_t kMostWorkloads = 8192;

}  // namespace

VolumeReferences::VolumeReferences(std::string file) : file_(std::move(file)) {
  const Result<std::string> text = read_small_file(file_, 16U << 20);
  if (!text) return;
  const nlohmann::json saved = nlohmann::json::parse(*text, nullptr, false);
  if (!saved.is_object()) return;
  for (const auto& [key, time] : saved.items()) {
    if (time.is_number_integer()) times_[key] = time.get<std::int64_t>();
  }
}

std::int64_t VolumeReferences::of(const WorkloadFacts& facts, std::int64_t started_ns) {
  using std::chrono::duration_cast, std::chrono::nanoseconds;
  const std::int64_t created =
      facts.created ? duration_cast<nanoseconds>(facts.created->time_since_epoch()).count()
                    : started_ns;
  if (facts.sandbox_id.empty() || !facts.workload->container.name) return created;
  std::lock_guard lock(mutex_);
  const auto [entry, is_new] =
      times_.try_emplace(facts.sandbox_id + "/" + *facts.workload->container.name, created);
  const std::int64_t time = entry->second;
  if (!is_new) return time;
  if (times_.size() > kMostWorkloads) {
    times_.erase(std::min_element(times_.begin(), times_.end(), [](const auto& a, const auto& b) {
      return a.second < b.second;
    }));
  }
  save();
  return time;
}

void VolumeReferences::save() const {
  const std::string fresh = file_ + ".new";
  std::ofstream(fresh) << nlohmann::json(times_).dump(-1, ' ', false,
                                                      nlohmann::json::error_handler_t::replace);
  std::rename(fresh.c_str(), file_.c_str());
}

}  // namespace holdfast
