// Tries each kernel interface that the daemon uses, with the daemon's own code where it has some.
#pragma once

#include <functional>
#include <string>

#include "probe/findings.h"

namespace holdfast {

// What an attempt has found, at once: a later one may hang.
using FindingSink = std::function<void(Feature, Finding)>;
using ModulesSink = std::function<void(const std::string&)>;

// Enters the sandbox and tries everything. `store`: a directory on the filesystem of containers'
// layers. In a process of its own: it forks, and an alarm ends it.
void try_everything(const std::string& store, const FindingSink& tell, const ModulesSink& modules);

}  // namespace holdfast
