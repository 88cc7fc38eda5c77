// os-release(5).
#include "alert/os_release.h"

#include "fuzz.h"

void fuzz(std::string_view text) {
  for (const auto& [key, value] : holdfast::parse_os_release(text)) {
    require(text.find(value) != std::string_view::npos, "a value is part of the text");
    require(key.find('\n') == std::string::npos, "a key is part of one line");
  }
}
