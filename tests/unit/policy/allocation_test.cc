// decide() stands between a blocked process and its answer: where nothing matches it must not
// allocate.
// Not part of sanitizer builds, which bring an operator new of their own.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

#include <cstdlib>
#include <new>

#include "policy_samples.h"

namespace {
thread_local std::size_t allocations = 0;
}  // namespace

// Counts for the whole test program, and changes nothing else.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
// Out of line, or the compiler takes the pair for a mismatch.
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t /*size*/) noexcept {
  std::free(memory);
}

namespace holdfast::testing {
namespace {

TEST(Engine, AllocatesNothingWhereNothingMatches) {
  const auto set = valid(
      "file:\n  selectors:\n"
      "    - {name: paths, targetFilePath: [/opt/**, \"/srv/*/bin/x*y\", /a/b]}\n"
      "    - {name: image, containerImageName: [busybox, \"x*\"], containerImageTag: [\"1.*\"]}\n"
      "    - {name: labels, kubernetesPodLabel: [\"app:d*\", \"tier:db\"], kubernetesNamespace: "
      "[default]}\n"
      "  responses: [{match: [paths, image, labels], actions: [alert]}]\n");
  ASSERT_NE(set, nullptr);
  const Event event = full_event();
  ASSERT_EQ(set->decide(event).strongest, Action::allow);  // RE2 builds its automaton here
  const std::size_t before = allocations;
  const Decision decision = set->decide(event);
  EXPECT_EQ(allocations - before, 0U);
  EXPECT_EQ(decision.strongest, Action::allow);
}

TEST(Engine, AllocationsAreCounted) {
  const std::size_t before = allocations;
  const auto text = std::make_unique<std::string>(100, 'x');
  EXPECT_GE(allocations - before, 2U);
}

}  // namespace
}  // namespace holdfast::testing

#endif
