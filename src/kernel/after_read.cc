#include "kernel/fanotify.h"

namespace holdfast {

void after_read(const EventClaim&) {}

}  // namespace holdfast
