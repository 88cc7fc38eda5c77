// /proc/PID/mountinfo and the layers of the overlays in it.
#include "container/mountinfo.h"

#include "container/overlay_layers.h"
#include "fuzz.h"

using namespace holdfast;

void fuzz(std::string_view text) {
  require(unescape_octal(text).size() <= text.size(), "unescaping does not grow the text");
  for (const Mount& mount : parse_mountinfo(text)) {
    require(!mount.root.empty() && !mount.mount_point.empty() && !mount.type.empty(),
            "a mount has a root, a mount point and a type");
    // Below /usr there are directories to be found, the same on every machine.
    const auto layers = overlay_layers(mount, "/usr");
    if (!layers) {
      require(!layers.error().what.empty(), "an error says what was attempted");
      continue;
    }
    require(mount.type == "overlay" && !layers->lower.empty(), "only overlays have layers");
    for (const std::string& lower : layers->lower) {
      require(lower.starts_with("/usr/"), "layers stay below the prefix");
    }
    require(layers->upper.empty() || layers->upper.starts_with("/usr/"),
            "the upper layer stays below the prefix");
  }
}
