// What read(2) of a fanotify group with names gives.
#include "kernel/change_events.h"

#include "fuzz.h"

using namespace holdfast;

void fuzz(std::string_view bytes) {
  std::string_view rest = bytes;
  const auto inside = [&](std::string_view part) {
    return part.empty() || (part.data() >= bytes.data() &&
                            part.data() + part.size() <= bytes.data() + bytes.size());
  };
  for (std::size_t before = rest.size(); const auto event = next_change(rest);
       before = rest.size()) {
    require(rest.size() < before, "each event is taken off");
    require(inside(event->directory) && inside(event->name) && inside(event->file),
            "an event's parts are parts of what was read");
    require(event->directory.empty() == event->name.empty(), "a directory comes with a name");
    require(event->name.find('/') == std::string_view::npos, "a name is one component");
  }
  require(rest.empty(), "nothing is left");
}
