#include "container/oci_seccomp_state.h"

#include "container/runtime_json.h"

namespace holdfast {
namespace {

constexpr std::string_view kListenerName = "seccompFd";
constexpr std::size_t kLongestId = 1024;

Error wrong(const std::string& what) { return Error{EPROTO, "seccomp state message: " + what, ""}; }

}  // namespace

Result<OciSeccompState> parse_seccomp_state(std::string_view json, std::size_t descriptors) {
  const auto document = parse_json(json);
  if (!document || !document->is_object()) return wrong("no JSON object");
  const nlohmann::json& names = member(*document, "fds");
  if (!names.is_array() || names.size() != descriptors || descriptors == 0) {
    return wrong("its fds do not name the descriptors that came with it");
  }
  OciSeccompState state;
  state.listener = names.size();
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!names[i].is_string() || names[i].get_ref<const std::string&>() != kListenerName) continue;
    if (state.listener != names.size()) return wrong("two listeners");
    state.listener = i;
  }
  if (state.listener == names.size()) return wrong("no seccompFd among its fds");
  const auto id = text_member(member(*document, "state"), "id");
  if (!id || id->size() > kLongestId || id->find('\0') != std::string::npos) {
    return wrong("state.id is no container's id");
  }
  state.container_id = *id;
  return state;
}

}  // namespace holdfast
