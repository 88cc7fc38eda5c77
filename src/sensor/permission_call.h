// System calls that may make a file executable without opening it: chmod(2) and its kin, mknod(2)
// of a regular file, setxattr(2) of an access ACL. What one asks for, by its registers and by what
// was read behind them. Pure.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sensor/notified_call.h"

namespace holdfast {

struct PermissionCall {
  enum class Gives : std::uint8_t {
    mode,  // to a file that exists
    node,  // a mode, to a new file
    acl    // an extended attribute that may be an access ACL
  };
  Gives gives = Gives::mode;
  int directory = -1;                 // a relative path's; without a path, the file's descriptor
  std::optional<std::uint64_t> path;  // its address
  bool follow = true;                 // a symbolic link at the path's end
  bool empty_path = false;            // an empty path is the descriptor's file
  mode_t mode = 0;
  std::uint64_t name = 0;  // addresses of the attribute's name and value
  std::uint64_t value = 0;
  std::uint64_t size = 0;
  bool in_structure = false;  // `value` is that of a structure that has address and size
};

// Nothing: another call, or one that gives no x bit or makes no regular file.
std::optional<PermissionCall> permission_call(NotifiedCall call, const seccomp_data& data);

constexpr std::string_view kAccessAcl = "system.posix_acl_access";
constexpr std::size_t kLargestAttribute = 65536;  // XATTR_SIZE_MAX

// The mode bits that an access ACL sets (linux/posix_acl_xattr.h); 0 for what is no ACL.
mode_t mode_of_acl(std::string_view attribute);

// struct xattr_args (6.13): where the value is.
struct AttributeValue {
  std::uint64_t address = 0;
  std::uint32_t size = 0;
  std::uint32_t flags = 0;
};
constexpr std::size_t kAttributeValueSize = 16;
AttributeValue attribute_value(std::string_view bytes);

}  // namespace holdfast
