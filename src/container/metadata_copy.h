// Copies of a file's attributes alone, as an overlay with metacopy=on makes them for chown and
// chmod (podman's default on some distributions): the upper layer's file has the size and no data.
#pragma once

#include <string>
#include <string_view>

namespace holdfast {

// `file` leads to an upper layer's file, `path` is its path in the container. True: its data is
// still that of the image's file at that path.
bool is_metadata_copy(const std::string& file, const std::string& path);

// Pure. A redirect is the path of the lower file, or its name in the same directory.
bool redirect_leads_to(std::string_view redirect, std::string_view path);

}  // namespace holdfast
