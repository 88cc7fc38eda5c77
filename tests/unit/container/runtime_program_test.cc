#include "container/runtime_program.h"

#include "running_child.h"

namespace holdfast {
namespace {

using Seal = RunningChild::Seal;
constexpr const char* kRuntime = "/bin/sleep";
constexpr const char* kName = "runc_cloned:/proc/self/exe";

class RuntimeProgram : public testing::Test {
 protected:
  bool is_copy(const RunningChild& child) {
    const auto program = running_program(child.pid());
    return program && programs_.is_copy(child.pid(), *program, "web");
  }
  bool looks_like_copy(const RunningChild& child) {
    const auto program = running_program(child.pid());
    return program && programs_.looks_like_copy(child.pid(), *program);
  }
  NoIds ids_;
  BoundedCalls calls_;
  RuntimePrograms programs_{[] {
                              return std::vector<std::string>{"/nonexistent", kRuntime};
                            },
                            ids_, calls_};
};

TEST_F(RuntimeProgram, TheBinaryItself) { EXPECT_TRUE(is_copy(RunningChild(kRuntime))); }

TEST_F(RuntimeProgram, ItsBytesInASealedMemoryFileWhateverTheName) {
  EXPECT_TRUE(is_copy(RunningChild(kRuntime, kName, Seal::yes)));
  EXPECT_TRUE(is_copy(RunningChild(kRuntime, "x", Seal::yes)));
}

TEST_F(RuntimeProgram, WhatCanStillBeWrittenIsNone) {
  EXPECT_FALSE(is_copy(RunningChild(kRuntime, kName, Seal::no)));
  EXPECT_FALSE(looks_like_copy(RunningChild(kRuntime, kName, Seal::no)));
}

TEST_F(RuntimeProgram, OtherBytesUnderItsNameAreNone) {
  const RunningChild child(kRuntime, kName, Seal::yes, "more");
  EXPECT_FALSE(is_copy(child));
  EXPECT_TRUE(looks_like_copy(child));  // if nobody saw it start
  EXPECT_FALSE(looks_like_copy(RunningChild(kRuntime, "other", Seal::yes)));
  EXPECT_FALSE(looks_like_copy(RunningChild(kRuntime)));
}

}  // namespace
}  // namespace holdfast
