#include "sensor/permission_call.h"

#include <fcntl.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <sys/stat.h>

#include <cstring>

namespace holdfast {
namespace {

using Gives = PermissionCall::Gives;

constexpr mode_t kExecuteBits = 0111;

// The kernel takes the lower half of a register for an int.
int as_int(std::uint64_t argument) {
  return static_cast<int>(static_cast<std::uint32_t>(argument));
}

// The kernel's umode_t has 16 bits.
mode_t as_mode(std::uint64_t argument) { return static_cast<std::uint16_t>(argument); }

bool is_regular_mode(mode_t mode) { return (mode & S_IFMT) == 0 || S_ISREG(mode); }

template <typename Value>
Value value_at(std::string_view bytes, std::size_t offset) {
  Value value{};
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

}  // namespace

std::optional<PermissionCall> permission_call(NotifiedCall call, const seccomp_data& data) {
  const auto& args = data.args;
  PermissionCall asked;
  const auto attribute = [&](unsigned first) {
    asked.gives = Gives::acl;
    asked.name = args[first];
    asked.value = args[first + 1];
    asked.size = args[first + 2];
  };
  const auto by_path = [&](std::uint64_t path, int directory = AT_FDCWD) {
    asked.path = path;
    asked.directory = directory;
  };
  switch (call) {
    case NotifiedCall::chmod:
      by_path(args[0]);
      asked.mode = as_mode(args[1]);
      break;
    case NotifiedCall::fchmod:
      asked.directory = as_int(args[0]);
      asked.mode = as_mode(args[1]);
      break;
    case NotifiedCall::fchmodat:
    case NotifiedCall::fchmodat2:
      by_path(args[1], as_int(args[0]));
      asked.mode = as_mode(args[2]);
      if (call == NotifiedCall::fchmodat) break;
      asked.follow = (args[3] & AT_SYMLINK_NOFOLLOW) == 0;
      asked.empty_path = (args[3] & AT_EMPTY_PATH) != 0;
      break;
    case NotifiedCall::mknod:
      asked.gives = Gives::node;
      by_path(args[0]);
      asked.mode = as_mode(args[1]);
      break;
    case NotifiedCall::mknodat:
      asked.gives = Gives::node;
      by_path(args[1], as_int(args[0]));
      asked.mode = as_mode(args[2]);
      break;
    case NotifiedCall::setxattr:
    case NotifiedCall::lsetxattr:
      by_path(args[0]);
      asked.follow = call == NotifiedCall::setxattr;
      attribute(1);
      break;
    case NotifiedCall::fsetxattr:
      asked.directory = as_int(args[0]);
      attribute(1);
      break;
    case NotifiedCall::setxattrat:
      by_path(args[1], as_int(args[0]));
      asked.follow = (args[2] & AT_SYMLINK_NOFOLLOW) == 0;
      asked.empty_path = (args[2] & AT_EMPTY_PATH) != 0;
      attribute(3);
      asked.in_structure = true;
      break;
    default:
      return std::nullopt;
  }
  if (asked.gives != Gives::acl && (asked.mode & kExecuteBits) == 0) return std::nullopt;
  if (asked.gives == Gives::node && !is_regular_mode(asked.mode)) return std::nullopt;
  return asked;
}

// The mask, where there is one, limits all but owner and others.
mode_t mode_of_acl(std::string_view attribute) {
  if (attribute.size() < sizeof(posix_acl_xattr_header)) return 0;
  if (value_at<posix_acl_xattr_header>(attribute, 0).a_version != POSIX_ACL_XATTR_VERSION) return 0;
  mode_t owner = 0;
  mode_t group = 0;
  mode_t others = 0;
  std::optional<mode_t> mask;
  for (std::size_t at = sizeof(posix_acl_xattr_header);
       at + sizeof(posix_acl_xattr_entry) <= attribute.size();
       at += sizeof(posix_acl_xattr_entry)) {
    const auto entry = value_at<posix_acl_xattr_entry>(attribute, at);
    const mode_t bits = entry.e_perm & 7U;
    if (entry.e_tag == ACL_USER_OBJ) owner = bits;
    if (entry.e_tag == ACL_GROUP_OBJ) group = bits;
    if (entry.e_tag == ACL_MASK) mask = bits;
    if (entry.e_tag == ACL_OTHER) others = bits;
  }
  return owner << 6 | mask.value_or(group) << 3 | others;
}

AttributeValue attribute_value(std::string_view bytes) {
  if (bytes.size() < kAttributeValueSize) return {};
  return value_at<AttributeValue>(bytes, 0);
}

}  // namespace holdfast
