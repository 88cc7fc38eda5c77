// What is found in a process, before any policy: the exec watch's counterpart to the gates.
#pragma once

#include <memory>
#include <optional>

#include "container/held_file.h"
#include "container/running_program.h"
#include "sensor/gates.h"
#include "sensor/places.h"

namespace holdfast {

// By what it is judged: null for the host's programs, and for what cannot be the image's.
std::shared_ptr<RootContent> content_of(FoundPlace place, const RunningProgram& program,
                                        const std::string& path, const Places& places);

// `path`: the program's, as the container sees it. Nothing: it is the image's, the host's, or a
// volume's that has not changed.
std::optional<Act> running_gate(const RunningProgram& program, FoundPlace place,
                                const std::string& path, RootContent* content);

// An executable that a process of the container could write to before anybody watched. Nothing: it
// is none, or the host's.
std::optional<Act> held_gate(const HeldFile& held, FoundPlace place, const std::string& path,
                             RootContent* content);

}  // namespace holdfast
