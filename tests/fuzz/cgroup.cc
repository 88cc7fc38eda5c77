// /proc/PID/cgroup.
#include "container/cgroup_path.h"
#include "fuzz.h"

using namespace holdfast;

namespace {

class EveryShortName final : public KnownIds {
 public:
  bool contains(std::string_view id) const override { return id.size() < 8; }
};

const EveryShortName kKnown;

}  // namespace

void fuzz(std::string_view text) {
  const auto id = container_of_cgroup(text);
  require(!id || (!id->empty() && id->find('/') == std::string::npos), "an id is one name");
  const auto owner = container_of_process(text, nullptr);
  const auto known = container_of_process(text, &kKnown);
  require(!owner || owner == known, "known ids are asked only where no line names a container");
  require(!known || (text.find(*known) != std::string_view::npos && !known->empty()),
          "an id is part of the text");
}
