// The document that tells of documents which could not be written.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "alert/alert_record.h"

namespace holdfast {

// One line of NDJSON, with the newline, as alert_document() makes it; `holdfast.lost` is the
// number.
std::string lost_document(std::uint64_t lost, const std::string& reason, const HostFacts& host,
                          std::string_view stream, std::uint64_t sequence);

}  // namespace holdfast
