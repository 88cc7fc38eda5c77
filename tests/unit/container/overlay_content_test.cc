#include "container/overlay_content.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "kernel/unique_fd.h"

namespace holdfast {
namespace {

using Origin = Judgement::Origin;

// One lower and one upper directory with a copied-up file of the same bytes.
class OverlayContentCompare : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "overlay-content.XXXXXX";
    directory_ = mkdtemp(name.data());
    for (const char* layer : {"/lower", "/upper"}) {
      std::filesystem::create_directory(directory_ + layer);
      std::ofstream(directory_ + layer + "/tool") << "bytes";
    }
    file_.reset(open((directory_ + "/upper/tool").c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(file_.valid());
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  // `meanwhile` is called in each comparison.
  Judgement compare(std::function<void()> meanwhile) {
    OverlayLayers layers;
    layers.lower = {directory_ + "/lower"};
    layers.upper = directory_ + "/upper";
    const auto content = OverlayContent::open(layers, 1 << 20, [&](const std::vector<ino_t>&) {
      meanwhile();
      return false;
    });
    return (*content)->compare(file_.get(), *stat_of(file_.get()), "/tool");
  }

  void change_mode() {
    mode_ ^= 0111;
    usleep(20'000);  // change times are as coarse as the kernel's tick
    fchmod(file_.get(), mode_);
  }

  std::string directory_;
  UniqueFd file_;
  mode_t mode_ = 0644;
};

TEST_F(OverlayContentCompare, AChangeOfModeMeanwhileMakesNoDrift) {
  int times = 0;
  EXPECT_EQ(compare([&] {
              if (++times == 1) change_mode();
            }).origin,
            Origin::image);
  EXPECT_EQ(times, 2) << "it was compared again";
}

TEST_F(OverlayContentCompare, AChangeOfBytesMeanwhileDoes) {
  const Judgement judgement =
      compare([&] { std::ofstream(directory_ + "/upper/tool") << "other"; });
  EXPECT_EQ(judgement.origin, Origin::drift);
}

TEST_F(OverlayContentCompare, WhatNeverStaysTheSameIsDrift) {
  int times = 0;
  EXPECT_EQ(compare([&] {
              ++times;
              change_mode();
            }).origin,
            Origin::drift);
  EXPECT_LT(times, 10);
}

}  // namespace
}  // namespace holdfast
