#include "sensor/permission_gate.h"

#include <algorithm>

#include "kernel/memory_file.h"

namespace holdfast {
namespace {

// What runs from memory is judged when it runs.
bool is_memory_file(const FileStat& file) {
  const std::vector<dev_t>& devices = memory_file_devices();
  return std::find(devices.begin(), devices.end(), device_of(file)) != devices.end();
}

}  // namespace

std::optional<Act> permission_gate(EventFacts& facts, RootContent& content, ExecutableRules rules) {
  const std::optional<FileStat> file = facts.file();
  if (!rules.execute_bits || !file || !is_regular(*file) || has_execute_bit(*file)) {
    return std::nullopt;
  }
  if (content.certainly_image(*file) || is_memory_file(*file)) return std::nullopt;
  // Without a name it is nothing yet that a policy could name: the change watch tells of the link.
  if (file->stx_nlink == 0) return std::nullopt;
  const std::optional<std::string> path = facts.path();
  if (!path) return std::nullopt;
  const Judgement judgement = content.judge(*file, *path);
  if (judgement.origin == Judgement::Origin::image) return std::nullopt;
  Act act;
  act.operation =
      judgement.had_original ? Operation::modify_executable : Operation::create_executable;
  act.mechanism = Mechanism::seccomp;
  act.path = *path;
  act.file = *file;
  act.reason = "would be made executable";
  act.needs_comparison = judgement.origin == Judgement::Origin::undetermined;
  return act;
}

std::optional<Act> new_file_gate(EventFacts& directory, const std::string& name, mode_t mode,
                                 RootContent& content, ExecutableRules rules) {
  const std::optional<std::string> parent = directory.path();
  if (!rules.execute_bits || !parent || name.empty()) return std::nullopt;
  Act act;
  act.mechanism = Mechanism::seccomp;
  act.path = (*parent == "/" ? "" : *parent) + "/" + name;
  act.file.stx_mode = static_cast<std::uint16_t>(S_IFREG | (mode & 07777));
  act.reason = "would be created executable";
  act.operation = content.original(act.file, act.path).exists ? Operation::modify_executable
                                                              : Operation::create_executable;
  return act;
}

}  // namespace holdfast
