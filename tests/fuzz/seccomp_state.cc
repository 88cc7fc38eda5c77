// What runtimes send to the seccomp agent, and profiles that the rules are added to.
#include "container/oci_seccomp_state.h"
#include "container/runtime_json.h"
#include "container/seccomp_profile.h"
#include "fuzz.h"

using namespace holdfast;

void fuzz(std::string_view text) {
  for (const std::size_t descriptors : {0, 1, 2}) {
    const auto state = parse_seccomp_state(text, descriptors);
    if (!state) continue;
    require(state->listener < descriptors, "the listener is one of the descriptors");
    require(!state->container_id.empty() && state->container_id.size() <= 1024, "an id has a size");
  }
  const auto profile = parse_json(text);
  if (!profile) return;
  const NotifyRules all{
      .memfd = true, .mount = true, .namespaces = true, .io_uring = true, .permissions = true};
  const auto merged = add_notify_rules(*profile, all, "/s");
  if (merged) require((*merged)["listenerPath"] == "/s", "a merged profile names the agent");
  (void)resolve_conditions(*profile, {{"CAP_CHOWN"}, "x86_64", {5, 10}}).ok();
}
