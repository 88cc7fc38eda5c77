// Splits at the digest, then at a colon of the last path component: one before it is a port.
#include "container/image_name.h"

#include <algorithm>

namespace holdfast {
namespace {

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_image_id(std::string_view text) {
  constexpr std::size_t kSha256Digits = 64;
  return text.starts_with("sha256:") || (text.size() == kSha256Digits && is_hex(text));
}

}  // namespace

ImageName split_image_name(std::string_view reference) {
  const std::string_view whole = reference.substr(0, reference.find('@'));
  const bool foreign = std::any_of(whole.begin(), whole.end(), [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == '<' || c == '>';
  });
  if (whole.empty() || foreign || is_image_id(whole)) return {};

  ImageName image;
  const std::size_t slash = whole.rfind('/');
  const std::size_t colon = whole.find(':', slash == std::string_view::npos ? 0 : slash);
  const std::string_view name = whole.substr(0, colon);
  if (name.empty() || name.ends_with('/')) return {};
  image.name = std::string(name);
  if (colon != std::string_view::npos && colon + 1 < whole.size()) {
    image.tag = std::string(whole.substr(colon + 1));
  }
  return image;
}

}  // namespace holdfast
