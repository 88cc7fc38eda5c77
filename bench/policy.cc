// Compiling policies and deciding events by them. `make bench-policy`; figures in
// docs/performance.md.
#include "holdfast/policy.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

namespace {

using namespace holdfast;

// `count` selectors of every kind, `count` responses; nothing of it is alike.
std::string policy(int count) {
  std::string selectors;
  std::string responses;
  for (int i = 0; i < count; ++i) {
    const std::string n = std::to_string(i);
    const std::string name = "s" + n;
    selectors +=
        "    - name: " + name + "\n      operation: [createExecutable, modifyExecutable]\n";
    switch (i % 4) {
      case 0:
        selectors += "      targetFilePath: [/opt/app" + n + "/**, \"/srv/*/v" + n + "/bin/*\"]\n";
        break;
      case 1:
        selectors += "      containerImageName: [image" + n + ", \"team" + n +
                     "-*\"]\n      targetFilePath: [/usr/local/bin/tool" + n + "]\n";
        break;
      case 2:
        selectors += "      kubernetesNamespace: [ns" + n + ", \"team" + n +
                     "-*\"]\n      kubernetesPodLabel: [\"app:web" + n + "\", \"tier" + n +
                     ":*\"]\n";
        break;
      default:
        selectors += "      containerImageFullName: [\"registry.example/team" + n +
                     "/*\"]\n      targetFilePath: [/var/cache/" + n + "/**]\n";
    }
    responses += "    - match: [" + name + "]\n" +
                 (i > 0 ? "      exclude: [s" + std::to_string(i - 1) + "]\n" : "") +
                 "      actions: [alert, block]\n";
  }
  return "file:\n  selectors:\n" + selectors + "  responses:\n" + responses;
}

std::shared_ptr<const PolicySet> compiled(int count) {
  return compile_policies({{"p.yml", policy(count)}}).set;
}

// `nth` is the selector that matches; beyond `count` nothing does.
Event event(int nth) {
  const std::string n = std::to_string(nth);
  Event event;
  auto workload = std::make_shared<Workload>();
  workload->container = {"4f1c", "web-1", "registry.example/team/web", "1.25"};
  workload->orchestrator.type = "kubernetes";
  workload->orchestrator.namespace_ = "default";
  workload->orchestrator.resource_name = "web-7d4";
  workload->orchestrator.resource_labels = {{"app", "web"}, {"env", "prod"}, {"tier", "front"}};
  event.workload = std::move(workload);
  event.path = "/opt/app" + n + "/releases/current/bin/a-program-with-some-name";
  event.process = {41, "cp", "/bin/cp", false};
  return event;
}

void compile(benchmark::State& state) {
  const std::vector<PolicyText> texts = {{"p.yml", policy(static_cast<int>(state.range(0)))}};
  for (auto _ : state) benchmark::DoNotOptimize(compile_policies(texts));
}

void decide(benchmark::State& state, int nth) {
  const auto set = compiled(static_cast<int>(state.range(0)));
  const Event subject = event(nth);
  for (auto _ : state) benchmark::DoNotOptimize(set->decide(subject));
}

// The 99th percentile, over batches of 8: one decision is about as short as the clock's reading.
void decide_p99(benchmark::State& state, int nth) {
  constexpr int kBatch = 8;
  const auto set = compiled(static_cast<int>(state.range(0)));
  const Event subject = event(nth);
  std::vector<double> times;
  for (auto _ : state) {
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < kBatch; ++i) benchmark::DoNotOptimize(set->decide(subject));
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begin;
    times.push_back(took.count() / kBatch);
  }
  const auto p99 = times.begin() + static_cast<std::ptrdiff_t>(times.size() * 99 / 100);
  std::nth_element(times.begin(), p99, times.end());
  state.counters["p99_ns"] = *p99;
}

BENCHMARK(compile)->Arg(1)->Arg(64);
BENCHMARK_CAPTURE(decide, nothing_matches, 9999)->Arg(1)->Arg(16)->Arg(64);
BENCHMARK_CAPTURE(decide, one_matches, 0)->Arg(1)->Arg(16)->Arg(64);
BENCHMARK_CAPTURE(decide_p99, nothing_matches, 9999)->Arg(64)->Iterations(200'000);
BENCHMARK_CAPTURE(decide_p99, one_matches, 0)->Arg(64)->Iterations(200'000);

}  // namespace

BENCHMARK_MAIN();
