// The tables of the policy language.
#include "policy/language.h"

#include <algorithm>
#include <array>

namespace holdfast {
namespace {

using enum ConditionKind;

constexpr std::array kConditions = {
    //             spelling                    kind            file   process flag  all values
    ConditionSpec{"operation", operation, true, true, false, false},
    ConditionSpec{"containerImageName", image_name, true, true, false, false},
    ConditionSpec{"containerImageFullName", image_full_name, true, true, false, false},
    ConditionSpec{"containerImageTag", image_tag, true, true, false, false},
    ConditionSpec{"targetFilePath", target_path, true, false, false, false},
    ConditionSpec{"ignoreVolumeMounts", ignore_volume_mounts, true, false, true, false},
    ConditionSpec{"ignoreVolumeFiles", ignore_volume_files, true, false, true, false},
    ConditionSpec{"orchestratorType", orchestrator_type, true, true, false, false},
    ConditionSpec{"orchestratorClusterId", cluster_id, true, true, false, false},
    ConditionSpec{"orchestratorClusterName", cluster_name, true, true, false, false},
    ConditionSpec{"orchestratorNamespace", namespace_, true, true, false, false},
    ConditionSpec{"orchestratorResourceName", resource_name, true, true, false, false},
    // The first form's labels must all be present; the current form's are alternatives.
    ConditionSpec{"orchestratorResourceLabel", labels, true, true, false, true},
    ConditionSpec{"kubernetesClusterId", cluster_id, true, true, false, false},
    ConditionSpec{"kubernetesClusterName", cluster_name, true, true, false, false},
    ConditionSpec{"kubernetesNamespace", namespace_, true, true, false, false},
    ConditionSpec{"kubernetesPodName", resource_name, true, true, false, false},
    ConditionSpec{"kubernetesPodLabel", labels, true, true, false, false},
    ConditionSpec{"processExecutable", process_executable, false, true, false, false},
    ConditionSpec{"processName", process_name, false, true, false, false},
    ConditionSpec{"sessionLeaderInteractive", interactive, false, true, true, false},
};

constexpr OperationMask kExecutableMask = mask_of(Operation::create_executable) |
                                          mask_of(Operation::modify_executable) |
                                          mask_of(Operation::exec_memfd);
constexpr OperationMask kProcessMask = mask_of(Operation::fork) | mask_of(Operation::exec);

}  // namespace

std::string_view to_string(SectionKind section) {
  return section == SectionKind::file ? "file" : "process";
}

SectionKind section_of(Operation operation) {
  return (mask_of(operation) & kProcessMask) != 0 ? SectionKind::process : SectionKind::file;
}

OperationMask operations_of(SectionKind section, bool flat) {
  if (section == SectionKind::process) return kProcessMask;
  return flat ? kExecutableMask : kExecutableMask | kFileIntegrityMask;
}

std::vector<std::string_view> names_of(OperationMask operations) {
  std::vector<std::string_view> names;
  for (int i = 0; i < kOperationCount; ++i) {
    const auto operation = static_cast<Operation>(i);
    if ((operations & mask_of(operation)) != 0) names.push_back(to_string(operation));
  }
  return names;
}

Operation file_operation(Operation operation) {
  if (operation == Operation::create_executable) return Operation::create_file;
  return operation == Operation::modify_executable ? Operation::modify_file : operation;
}

std::span<const ConditionSpec> condition_specs() { return kConditions; }

const ConditionSpec* find_condition(std::string_view name) {
  const auto* const found =
      std::find_if(kConditions.begin(), kConditions.end(),
                   [&](const ConditionSpec& spec) { return spec.name == name; });
  return found == kConditions.end() ? nullptr : found;
}

}  // namespace holdfast
