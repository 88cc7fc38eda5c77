#include "alert/os_release.h"

#include <gtest/gtest.h>

namespace holdfast {
namespace {

TEST(ParseOsRelease, QuotesAndComments) {
  const auto values =
      parse_os_release("# ID=no\nID=debian\nNAME=\"Debian GNU/Linux\"\nVERSION_ID='12'\n");
  EXPECT_EQ(values, (std::map<std::string, std::string>{
                        {"ID", "debian"}, {"NAME", "Debian GNU/Linux"}, {"VERSION_ID", "12"}}));
}

TEST(ParseOsRelease, BadText) {
  EXPECT_TRUE(parse_os_release("").empty());
  EXPECT_TRUE(parse_os_release("no assignment\n\n").empty());
  EXPECT_EQ(parse_os_release("A=\"").at("A"), "\"");
  EXPECT_EQ(parse_os_release("A=").at("A"), "");
}

}  // namespace
}  // namespace holdfast
