// Image references.
#include "container/image_name.h"

#include "fuzz.h"

void fuzz(std::string_view text) {
  const auto image = holdfast::split_image_name(text);
  require(image.name || !image.tag, "a tag belongs to a name");
  require(!image.name || (!image.name->empty() && text.starts_with(*image.name)),
          "the name is given back as it stands");
  require(!image.tag || !image.tag->empty(), "a tag is not empty");
}
