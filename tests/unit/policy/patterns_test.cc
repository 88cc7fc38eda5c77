#include "policy/patterns.h"

#include <gtest/gtest.h>

namespace holdfast {
namespace {

using re2::RE2;

bool path_matches(std::string_view pattern, std::string_view path) {
  const RE2 expression(path_expression(pattern), expression_options());
  return RE2::FullMatch(re2::StringPiece(path.data(), path.size()), expression);
}

bool name_matches(std::string_view pattern, std::string_view name) {
  const RE2 expression(name_expression(pattern), expression_options());
  return RE2::FullMatch(re2::StringPiece(name.data(), name.size()), expression);
}

struct Case {
  const char* pattern;
  const char* text;
  bool matches;
};

TEST(PathPatterns, TruthTable) {
  const Case cases[] = {
      {"/usr/bin/*", "/usr/bin/echo", true},
      {"/usr/bin/*", "/usr/bin/.hidden", true},
      {"/usr/bin/*", "/usr/bin/x/y", false},
      {"/usr/bin/*", "/usr/bin", false},
      {"/usr/bin/*", "/usr/bin/", false},
      {"/usr/bin/*", "/usr/binary", false},
      {"/usr/local/**", "/usr/local/a", true},
      {"/usr/local/**", "/usr/local/a/b/c", true},
      {"/usr/local/**", "/usr/local", false},
      {"/usr/local/**", "/usr/local/", false},
      {"/usr/local/**", "/usr/locale/a", false},
      {"/usr/local/**", "/x/usr/local/a", false},
      {"/**", "/a", true},
      {"/**", "/a/b", true},
      {"/**", "/", false},
      {"/**", "relative", false},
      {"/*", "/a", true},
      {"/*", "/a/b", false},
      {"/a/**/b", "/a/b", true},
      {"/a/**/b", "/a/x/b", true},
      {"/a/**/b", "/a/x/y/b", true},
      {"/a/**/b", "/ab", false},
      {"/a/**/b", "/a/xb", false},
      {"/a/**/b", "/a/b/c", false},
      {"/**/b", "/b", true},
      {"/**/b", "/x/y/b", true},
      {"/**/b", "/xb", false},
      {"/a/**/**/b", "/a/b", true},
      {"/a/**/**", "/a/b", true},
      {"/a/**/**", "/a", false},
      {"/opt/**/bin/*", "/opt/bin/a", true},
      {"/opt/**/bin/*", "/opt/x/y/bin/a", true},
      {"/opt/**/bin/*", "/opt/bin/x/a", false},
      {"/usr/sbin*", "/usr/sbin2", true},
      {"/usr/sbin*", "/usr/sbin", true},
      {"/usr/sbin*", "/usr/sbin/x", false},
      {"/usr/sbin**", "/usr/sbin/x", true},
      {"/usr/lib/lib*.so", "/usr/lib/libc.so", true},
      {"/usr/lib/lib*.so", "/usr/lib/lib.so", true},
      {"/usr/lib/lib*.so", "/usr/lib/x/libc.so", false},
      {"/usr/lib/lib*.so", "/usr/lib/libcxso", false},
      {"/a*b*c", "/aXbYc", true},
      {"/a*b*c", "/aXcYb", false},
      {"/a***c", "/a/b/c", true},
      {"/*/bin/x", "/usr/bin/x", true},
      {"/*/bin/x", "/usr/local/bin/x", false},
      // Nothing but * is special.
      {"/a.[b]?(c)+\\d$/*", "/a.[b]?(c)+\\d$/x", true},
      {"/a./*", "/ab/x", false},
      // Names are bytes: line ends and what is no UTF-8 are like any other.
      {"/tmp/*", "/tmp/a\nb", true},
      {"/tmp/**", "/tmp/a\n/b", true},
      {"/tmp/*", "/tmp/\xFF\xFE", true},
      {"/tmp/\u00E9*", "/tmp/\u00E9t\u00E9", true},
      {"/tmp/\u00E9*", "/tmp/\xC3\xA8", false},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(path_matches(c.pattern, c.text), c.matches) << c.pattern << " on " << c.text;
  }
}

TEST(NamePatterns, TruthTable) {
  const Case cases[] = {
      {"nginx*", "nginx", true},
      {"nginx*", "nginx-unprivileged", true},
      {"nginx*", "my-nginx", false},
      {"elastic-*-agent", "elastic-x-agent", true},
      {"elastic-*-agent", "elastic-agent", false},
      {"*", "", true},
      {"*", "anything/at all\n", true},
      {"*ginx", "nginx", true},
      {"1.*", "1.25", true},
      {"1.*", "1x25", false},
      {"a**b", "ab", true},
      {"r.io/t/*", "r.io/t/x/y", true},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(name_matches(c.pattern, c.text), c.matches) << c.pattern << " on " << c.text;
  }
}

}  // namespace
}  // namespace holdfast
