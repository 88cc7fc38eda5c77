// What a gate asks, answered by a test.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "container/process_origin.h"
#include "container/root_content.h"
#include "sensor/event_facts.h"

namespace holdfast {

constexpr std::int64_t kNow = 2'000'000'000'000'000'000;  // ns

inline FileStat file_stat(std::uint16_t mode, std::uint64_t size = 100,
                          std::int64_t born_ago_ns = 3'600'000'000'000) {
  FileStat file{};
  file.stx_mask = STATX_BASIC_STATS | STATX_BTIME;
  file.stx_mode = static_cast<std::uint16_t>(S_IFREG | mode);
  file.stx_size = size;
  file.stx_nlink = 1;
  file.stx_ino = 7;
  const std::int64_t born = kNow - born_ago_ns;
  file.stx_btime.tv_sec = born / 1'000'000'000;
  file.stx_btime.tv_nsec = static_cast<std::uint32_t>(born % 1'000'000'000);
  file.stx_ctime = file.stx_mtime = file.stx_btime;
  return file;
}

inline BlockedSyscall openat_call(std::uint64_t flags) {
  return {SYS_openat, {0, 0, flags, 0, 0, 0}};
}

class FakeFacts : public EventFacts {
 public:
  std::optional<FileStat> file() override { return stat; }
  WriteAccess write_access() override { return access; }
  std::optional<BlockedSyscall> syscall() override {
    ++syscalls_asked;
    return call;
  }
  bool on_overlay() override { return overlay; }
  Loadable loadable() override { return code; }
  std::optional<std::string> path() override { return name; }

  std::optional<FileStat> stat = file_stat(0755);
  WriteAccess access = WriteAccess::none;
  std::optional<BlockedSyscall> call;
  Loadable code = Loadable::no;
  bool overlay = true;
  std::optional<std::string> name = "/app/tool";
  int syscalls_asked = 0;
};

class FakeOrigin : public ProcessOrigin {
 public:
  bool is_host(pid_t, Intent) const override { return host; }
  bool may_be_in_container(pid_t) const override { return !host; }
  bool host = false;
};

class FakeContent : public RootContent {
 public:
  bool certainly_image(const FileStat&) const override { return certain; }
  Judgement judge(const FileStat&, const std::string&) override { return judgement; }
  Judgement compare(int, const FileStat&, const std::string&) override { return compared; }
  Original original(const FileStat&, const std::string&) const override { return lower; }
  bool was_let_run(const FileStat&) const override { return let_run; }

  bool certain = false;
  bool let_run = false;
  Judgement judgement{Judgement::Origin::drift, false, "not part of the image"};
  Judgement compared{Judgement::Origin::image, true, ""};
  Original lower;
};

}  // namespace holdfast
