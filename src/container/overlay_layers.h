// The layer directories of an overlay mount, from its mountinfo line.
#pragma once

#include <string>
#include <vector>

#include "container/mountinfo.h"
#include "holdfast/result.h"

namespace holdfast {

struct OverlayLayers {
  std::vector<std::string> lower;      // topmost first, absolute, openable below `prefix`
  std::vector<std::string> data_only;  // layers after "::": reached by redirect, never by path
  std::string upper;                   // empty: the overlay is read-only
  bool user_xattr = false;             // marks are user.overlay.*, not trusted.overlay.*
};

// Handles `lowerdir=` lists with escaped colons, commas and octal escapes, relative entries (to the
// snapshot root, as containerd shortens them: found by trying the ancestors of upperdir, of workdir
// and of the mount point; docker and podman make upperdir relative as well), docker's and podman's
// `l/` short links, repeated `lowerdir+=` and `datadir+=`, data-only layers after "::". `prefix` is
// prepended to every host path that is looked at and returned: "" on the host,
// "/proc/1/root" inside a DaemonSet.
// No directory is searched for inside the upper layer, where names are the container's.
// Error: the mount is no overlay, or a layer's directory cannot be found (named).
Result<OverlayLayers> overlay_layers(const Mount& mount, const std::string& prefix);

}  // namespace holdfast
