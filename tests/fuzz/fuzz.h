// What the fuzz targets share. A target feeds one parser of foreign bytes; besides the sanitizers'
// findings a crash is also a broken promise of the parser's header, stated with `require`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

inline void require(bool holds, const char* promise) {
  if (holds) return;
  std::fprintf(stderr, "broken promise: %s\n", promise);
  std::abort();
}

// What the target does with one input.
void fuzz(std::string_view text);

// libFuzzer's entry point; not inline, since a target is one source file.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
