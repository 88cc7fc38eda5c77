#include "container/metadata_copy.h"

#include <gtest/gtest.h>
#include <sys/xattr.h>

#include "temp_tree.h"

namespace holdfast {
namespace {

TEST(MetadataCopy, ARedirectIsAPathOrANameInTheSameDirectory) {
  EXPECT_TRUE(redirect_leads_to("/app/tool", "/app/tool"));
  EXPECT_TRUE(redirect_leads_to("tool", "/app/tool"));
  EXPECT_FALSE(redirect_leads_to("/app/other", "/app/tool"));
  EXPECT_FALSE(redirect_leads_to("other", "/app/tool"));
  EXPECT_FALSE(redirect_leads_to("", "/app/tool"));
}

TEST(MetadataCopy, IsToldByItsAttributes) {
  const TempTree tree;
  tree.file("tool", "bytes");
  const std::string file = tree / "tool";
  EXPECT_FALSE(is_metadata_copy(file, "/app/tool"));
  if (setxattr(file.c_str(), "trusted.overlay.metacopy", "", 0, 0) != 0) {
    GTEST_SKIP() << "no trusted attributes here";
  }
  EXPECT_TRUE(is_metadata_copy(file, "/app/tool"));
  ASSERT_EQ(setxattr(file.c_str(), "trusted.overlay.redirect", "/app/tool", 9, 0), 0);
  EXPECT_TRUE(is_metadata_copy(file, "/app/tool"));
  EXPECT_FALSE(is_metadata_copy(file, "/app/another"));
}

}  // namespace
}  // namespace holdfast
