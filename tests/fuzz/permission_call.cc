// What a caller's pointers show the seccomp agent: an access ACL, and paths of descriptors.
#include "sensor/permission_call.h"

#include "fuzz.h"
#include "kernel/caller_path.h"

using namespace holdfast;

void fuzz(std::string_view text) {
  require((mode_of_acl(text) & ~0777U) == 0, "an ACL gives permission bits");
  (void)attribute_value(text);
  const auto number = own_descriptor(text);
  require(!number || *number >= 0, "a descriptor has a number");
}
