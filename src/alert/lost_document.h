// The document that tells of documents which could not be written.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "alert/alert_record.h"

namespace holdfast {

struct Lost {
  std::uint64_t documents = 0;
  std::uint64_t repeats = 0;  // of acts that have their document
  bool any() const { return documents > 0 || repeats > 0; }
};

// One line of NDJSON, with the newline, as alert_document() makes it; `holdfast.lost` and
// `holdfast.repeats` are the numbers.
std::string lost_document(const Lost& lost, const std::string& reason, const HostFacts& host,
                          std::string_view stream, std::uint64_t sequence);

}  // namespace holdfast
