#include "kernel/change_events.h"

#include <fcntl.h>
#include <sys/fanotify.h>

#include <cstddef>
#include <cstring>

namespace holdfast {
namespace {

// The record's header, then the filesystem's id, then the handle.
constexpr std::size_t kBeforeHandle = offsetof(fanotify_event_info_fid, handle);
constexpr std::size_t kHandleHeader = offsetof(file_handle, f_handle);

template <typename Header>
std::optional<Header> header_of(std::string_view bytes) {
  Header header{};
  if (bytes.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, bytes.data(), sizeof header);
  return header;
}

// The handle at the start of `bytes`; empty when it does not fit.
std::string_view handle_in(std::string_view bytes) {
  std::uint32_t length = 0;
  if (bytes.size() < kHandleHeader) return {};
  std::memcpy(&length, bytes.data() + offsetof(file_handle, handle_bytes), sizeof length);
  if (length > MAX_HANDLE_SZ || length > bytes.size() - kHandleHeader) return {};
  return bytes.substr(0, kHandleHeader + length);
}

bool is_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos;
}

void add_record(ChangeEvent& event, std::uint8_t type, std::string_view record) {
  if (record.size() < kBeforeHandle) return;
  record.remove_prefix(kBeforeHandle);
  const std::string_view handle = handle_in(record);
  if (handle.empty()) return;
  if (type == FAN_EVENT_INFO_TYPE_FID) {
    event.file = handle;
    return;
  }
  std::string_view name = record.substr(handle.size());
  name = name.substr(0, name.find('\0'));
  if (!is_name(name)) return;
  event.directory = handle;
  event.name = name;
}

}  // namespace

std::optional<ChangeEvent> next_change(std::string_view& rest) {
  const auto metadata = header_of<fanotify_event_metadata>(rest);
  if (!metadata || metadata->vers != FANOTIFY_METADATA_VERSION ||
      metadata->metadata_len < sizeof *metadata || metadata->event_len < metadata->metadata_len ||
      metadata->event_len > rest.size()) {
    rest = {};
    return std::nullopt;
  }
  std::string_view records = rest.substr(0, metadata->event_len).substr(metadata->metadata_len);
  rest.remove_prefix(metadata->event_len);

  ChangeEvent event;
  event.mask = metadata->mask;
  event.tid = metadata->pid;
  while (const auto header = header_of<fanotify_event_info_header>(records)) {
    if (header->len < sizeof *header || header->len > records.size()) break;
    const bool known = header->info_type == FAN_EVENT_INFO_TYPE_FID ||
                       header->info_type == FAN_EVENT_INFO_TYPE_DFID_NAME;
    if (known) add_record(event, header->info_type, records.substr(0, header->len));
    records.remove_prefix(header->len);
  }
  return event;
}

}  // namespace holdfast
