#include "container/image_name.h"

#include <gtest/gtest.h>

namespace holdfast {
namespace {

struct Case {
  const char* reference;
  const char* name;  // "" stands for absent
  const char* tag;
};

TEST(ImageName, Table) {
  const std::string id(64, 'a');
  const std::string digest = "sha256:" + id;
  const std::string pinned = "nginx@" + digest;
  const std::string tagged = "reg.example.com:5000/t/app:2.3@" + digest;
  const Case cases[] = {
      {"docker.io/library/nginx:1.25", "docker.io/library/nginx", "1.25"},
      {"nginx", "nginx", ""},
      {"nginx:1.25-alpine", "nginx", "1.25-alpine"},
      {"localhost/bb:latest", "localhost/bb", "latest"},
      {"reg.example.com:5000/team/app", "reg.example.com:5000/team/app", ""},
      {"reg.example.com:5000/team/app:2.3", "reg.example.com:5000/team/app", "2.3"},
      {"localhost:5000/app:v1", "localhost:5000/app", "v1"},
      {"[::1]:5000/app:v1", "[::1]:5000/app", "v1"},
      {pinned.c_str(), "nginx", ""},
      {tagged.c_str(), "reg.example.com:5000/t/app", "2.3"},
      {digest.c_str(), "", ""},
      {id.c_str(), "", ""},
      {"sha256:0123", "", ""},
      {"@sha256:0123", "", ""},
      {"nginx:", "nginx", ""},
      {":1.25", "", ""},
      {"reg/:1.25", "", ""},
      {"", "", ""},
      {"<none>:<none>", "", ""},
      {"two words", "", ""},
      {"new\nline", "", ""},
  };
  for (const Case& c : cases) {
    const ImageName image = split_image_name(c.reference);
    EXPECT_EQ(image.name.value_or(""), c.name) << c.reference;
    EXPECT_EQ(image.tag.value_or(""), c.tag) << c.reference;
    EXPECT_NE(image.name, "") << c.reference;
    EXPECT_NE(image.tag, "") << c.reference;
  }
}

}  // namespace
}  // namespace holdfast
