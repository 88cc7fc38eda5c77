#include "kernel/change_events.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/fanotify.h>

#include <cstring>
#include <string>

namespace holdfast {
namespace {

// A struct file_handle of eight bytes.
std::string handle(char fill) {
  const std::uint32_t header[2] = {8, 1};
  return std::string(reinterpret_cast<const char*>(header), sizeof header) + std::string(8, fill);
}

std::string record(std::uint8_t type, const std::string& handle, const std::string& name = "") {
  std::string body = std::string(8, 'f') + handle;  // the filesystem's id first
  if (!name.empty()) body += name + '\0';
  body.resize((body.size() + 3) / 4 * 4);
  fanotify_event_info_header header{type, 0, static_cast<std::uint16_t>(body.size() + 4)};
  return std::string(reinterpret_cast<const char*>(&header), sizeof header) + body;
}

std::string event(std::uint64_t mask, int tid, const std::string& records) {
  fanotify_event_metadata metadata{};
  metadata.event_len = static_cast<std::uint32_t>(sizeof metadata + records.size());
  metadata.vers = FANOTIFY_METADATA_VERSION;
  metadata.metadata_len = sizeof metadata;
  metadata.mask = mask;
  metadata.fd = FAN_NOFD;
  metadata.pid = tid;
  return std::string(reinterpret_cast<const char*>(&metadata), sizeof metadata) + records;
}

TEST(ChangeEvents, NamesAndHandlesInTheirOrder) {
  const std::string bytes =
      event(FAN_CREATE, 41, record(FAN_EVENT_INFO_TYPE_DFID_NAME, handle('d'), "x")) +
      event(FAN_ATTRIB, 42,
            record(FAN_EVENT_INFO_TYPE_DFID_NAME, handle('d'), "longer name") +
                record(FAN_EVENT_INFO_TYPE_FID, handle('c')));
  std::string_view rest = bytes;
  auto first = next_change(rest);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->mask, FAN_CREATE);
  EXPECT_EQ(first->tid, 41);
  EXPECT_EQ(first->directory, handle('d'));
  EXPECT_EQ(first->name, "x");
  EXPECT_TRUE(first->file.empty());
  auto second = next_change(rest);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->name, "longer name");
  EXPECT_EQ(second->file, handle('c'));
  EXPECT_FALSE(next_change(rest));
}

TEST(ChangeEvents, WithoutANameThereIsNoDirectory) {
  for (const std::string& records : {std::string(), record(FAN_EVENT_INFO_TYPE_FID, handle('c')),
                                     record(FAN_EVENT_INFO_TYPE_DFID_NAME, handle('d'), "."),
                                     record(FAN_EVENT_INFO_TYPE_DFID_NAME, handle('d'), "a/b"),
                                     record(99, handle('d'), "of a later kernel")}) {
    const std::string bytes = event(FAN_ATTRIB, 1, records);
    std::string_view rest = bytes;
    const auto found = next_change(rest);
    ASSERT_TRUE(found);
    EXPECT_TRUE(found->directory.empty());
  }
}

TEST(ChangeEvents, MalformedBytesEndIt) {
  const std::string good =
      event(FAN_CREATE, 1, record(FAN_EVENT_INFO_TYPE_DFID_NAME, handle('d'), "x"));
  for (std::size_t length = 0; length < good.size(); ++length) {
    std::string_view rest = std::string_view(good).substr(0, length);
    EXPECT_FALSE(next_change(rest));
    EXPECT_TRUE(rest.empty());
  }
  std::string other = good;
  other[offsetof(fanotify_event_metadata, vers)] = 9;
  std::string_view rest = other;
  EXPECT_FALSE(next_change(rest));

  std::string long_handle = handle('d');
  long_handle[0] = 127;
  const std::string bytes =
      event(FAN_CREATE, 1, record(FAN_EVENT_INFO_TYPE_DFID_NAME, long_handle, "x"));
  rest = bytes;
  EXPECT_TRUE(next_change(rest)->directory.empty()) << "a handle longer than its record";
}

}  // namespace
}  // namespace holdfast
