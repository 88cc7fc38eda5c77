#include "sensor/places.h"

#include <gtest/gtest.h>

#include "fakes.h"

namespace holdfast {
namespace {

class PlacesTest : public testing::Test {
 protected:
  static Place place(unsigned minor, const std::string& mount_point, bool overlay = false) {
    static const auto volume = std::make_shared<FakeContent>();
    const bool own = overlay || minor == 1;
    return {.device = device_of(on(minor)),
            .mount_point = mount_point,
            .content = own ? std::make_shared<FakeContent>() : volume,
            .overlay = overlay};
  }
  static FileStat on(unsigned minor) {
    FileStat file = file_stat(0755);
    file.stx_dev_minor = minor;
    return file;
  }
  const Place& of(const Places& places, unsigned minor, const std::string& path = "/x") {
    facts_.stat = on(minor);
    facts_.name = path;
    return places.of(facts_);
  }
  FakeFacts facts_;
};

TEST_F(PlacesTest, AFileIsWhereItsDeviceIs) {
  const Places places(place(1, "", true), {place(2, "/dev/shm"), place(3, "/data")});
  EXPECT_EQ(of(places, 2).mount_point, "/dev/shm");
  EXPECT_EQ(of(places, 3).mount_point, "/data");
  EXPECT_EQ(of(places, 1).mount_point, "");
  EXPECT_EQ(of(places, 9).mount_point, "") << "an overlay shows its layers' devices";
}

TEST_F(PlacesTest, WhatIsOnNoOverlayIsAVolumeThatIsNotKnownYet) {
  const auto volume = std::make_shared<FakeContent>();
  const Places places(place(1, "", true), {}, volume);
  EXPECT_NE(of(places, 9).content, volume);
  facts_.overlay = false;
  EXPECT_EQ(of(places, 9).content, volume);
  EXPECT_EQ(of(places, 9).volume, Volume::mount);
  EXPECT_NE(of(places, 1).content, volume);
}

TEST_F(PlacesTest, ARootOnAVolumesDiskIsToldByPath) {
  const Places places(place(1, ""), {place(1, "/data")});
  EXPECT_EQ(of(places, 1, "/data/x").mount_point, "/data");
  EXPECT_EQ(of(places, 1, "/database").mount_point, "");
}

TEST_F(PlacesTest, WherePlacesOfOneDeviceJudgeDifferentlyThePathDecides) {
  Place init = place(2, "/sbin/init");
  init.content = std::make_shared<FakeContent>();
  const Places places(place(1, "", true), {place(2, "/data"), init});
  EXPECT_EQ(of(places, 2, "/sbin/init").content, init.content);
  EXPECT_NE(of(places, 2, "/data/x").content, init.content);
  EXPECT_EQ(places.content_on(init.device, "/sbin/init"), init.content);
}

TEST_F(PlacesTest, TheDeepestMountIsTheVolumeOfAPath) {
  const Places places(place(1, "", true),
                      {place(2, "/data"), place(2, "/etc/hosts"), place(2, "/data/inner")});
  const Place& judged_by = of(places, 2);
  EXPECT_EQ(places.at(judged_by, "/etc/hosts").mount_point, "/etc/hosts");
  EXPECT_EQ(places.at(judged_by, "/data/inner/x").mount_point, "/data/inner");
  EXPECT_EQ(places.at(judged_by, "/data/x").mount_point, "/data");
}

TEST_F(PlacesTest, APathBelowAMountThatIsGoneIsMadeWhole) {
  Place data = place(2, "/data");
  data.mount_id = 71;
  Place hosts = place(2, "/etc/hosts");
  hosts.mount_id = 72;
  const Places places(place(1, "", true), {data, hosts});
  EXPECT_EQ(places.whole_path("/bin/tool", 71), "/data/bin/tool");
  EXPECT_EQ(places.whole_path("/", 72), "/etc/hosts");
  EXPECT_EQ(places.whole_path("/data/bin/tool", 71), "/data/bin/tool") << "it is still there";
  EXPECT_EQ(places.whole_path("/bin/tool", 73), "/bin/tool");
  EXPECT_TRUE(places.is_mount_point("/etc/hosts"));
  EXPECT_FALSE(places.is_mount_point("/data/bin"));
  EXPECT_FALSE(places.is_mount_point(""));
  EXPECT_EQ(places.whole_path("/bin/tool", -1), "/bin/tool");
}

}  // namespace
}  // namespace holdfast
