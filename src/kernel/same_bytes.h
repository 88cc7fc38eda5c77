// Two files compared by what they hold.
#pragma once

namespace holdfast {

// Reads both from their start, by pread(2); false when one cannot be read. Takes as long as the
// disk does.
bool same_bytes(int left, int right);

}  // namespace holdfast
