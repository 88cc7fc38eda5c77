// An image reference taken apart (the grammar of distribution/reference).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace holdfast {

struct ImageName {
  std::optional<std::string> name;  // "docker.io/library/nginx", as given: nothing is completed
  std::optional<std::string> tag;   // absent means unknown, never "latest"
};

// "registry:5000/team/app:2.3@sha256:..." gives registry:5000/team/app and 2.3. A bare digest or
// image id has no name.
ImageName split_image_name(std::string_view reference);

}  // namespace holdfast
