// Where finished documents go.
#pragma once

#include <string_view>

#include "holdfast/result.h"

namespace holdfast {

class LineSink {
 public:
  virtual ~LineSink() = default;
  // Appends one line, which ends in '\n', or nothing: after an Error the same line can be written
  // again, and no part of it joins the next one.
  virtual Status write_line(std::string_view line) = 0;
};

}  // namespace holdfast
