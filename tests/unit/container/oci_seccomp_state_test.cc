#include "container/oci_seccomp_state.h"

#include <gtest/gtest.h>

namespace holdfast {
namespace {

// As runc 1.1 sends it; crun's differs in white space, and has pid 0 for an exec.
constexpr const char* kState =
    R"({"ociVersion":"1.0.2-dev","fds":["seccompFd"],"pid":41,"metadata":"",)"
    R"("state":{"ociVersion":"1.0.2-dev","id":"web-1","status":"creating","pid":41,)"
    R"("bundle":"/b","annotations":{"a":"b"}}})";

TEST(OciSeccompStateTest, TellsWhoseTheListenerIs) {
  const auto state = parse_seccomp_state(kState, 1);
  ASSERT_TRUE(state) << state.error().message();
  EXPECT_EQ(state->container_id, "web-1");
  EXPECT_EQ(state->listener, 0U);
}

TEST(OciSeccompStateTest, CrunHasNoPidForAnExec) {
  const auto state = parse_seccomp_state(
      "{\n \"fds\": [\"other\", \"seccompFd\"],\n \"pid\": 0,\n"
      " \"state\": {\"id\": \"c\", \"pid\": 0}\n}\n",
      2);
  ASSERT_TRUE(state);
  EXPECT_EQ(state->listener, 1U);
}

TEST(OciSeccompStateTest, WhatIsNoStateIsRefused) {
  EXPECT_FALSE(parse_seccomp_state(kState, 0)) << "no descriptor came";
  EXPECT_FALSE(parse_seccomp_state(kState, 2)) << "one that nobody named";
  for (const char* text :
       {"", "garbage", "[]", "{}", R"({"fds":["seccompFd"]})",
        R"({"fds":["x"],"state":{"id":"a"}})", R"({"fds":[7],"state":{"id":"a"}})",
        R"({"fds":"seccompFd","state":{"id":"a"}})", R"({"fds":["seccompFd"],"state":{"id":""}})",
        R"({"fds":["seccompFd"],"state":{"id":7}})", R"({"fds":["seccompFd"],"state":"a"})",
        R"({"fds":["seccompFd"],"state":{"id":"a\u0000b"}})"}) {
    EXPECT_FALSE(parse_seccomp_state(text, 1)) << text;
  }
  EXPECT_FALSE(parse_seccomp_state(R"({"fds":["seccompFd","seccompFd"],"state":{"id":"a"}})", 2));
  EXPECT_FALSE(parse_seccomp_state(
      R"({"fds":["seccompFd"],"state":{"id":")" + std::string(1025, 'x') + "\"}}", 1));
}

}  // namespace
}  // namespace holdfast
