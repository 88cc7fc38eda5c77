// The words of the policy language: sections, conditions in both spellings, operations.
// Meaning: docs/policy.md.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "holdfast/event.h"

namespace holdfast {

enum class SectionKind : std::uint8_t { file, process };
inline constexpr int kSectionCount = 2;

std::string_view to_string(SectionKind section);
SectionKind section_of(Operation operation);

// A set of operations.
using OperationMask = std::uint32_t;
constexpr OperationMask mask_of(Operation operation) {
  return 1U << static_cast<unsigned>(operation);
}
// File integrity monitoring: where `block` needs a targetFilePath, lest it stop every write.
inline constexpr OperationMask kFileIntegrityMask = mask_of(Operation::create_file) |
                                                    mask_of(Operation::modify_file) |
                                                    mask_of(Operation::delete_file);

// What selectors of a section may name, and mean when they name none. The flat form is that of the
// first D4C, which knew operations on executables alone.
OperationMask operations_of(SectionKind section, bool flat);
std::vector<std::string_view> names_of(OperationMask operations);

// What an act on an executable is besides: one on a file (createFile, modifyFile).
Operation file_operation(Operation operation);

// What is compared, whatever its spelling. In the order in which the engine asks: cheap first.
enum class ConditionKind : std::uint8_t {
  operation,
  ignore_volume_mounts,
  ignore_volume_files,
  interactive,
  orchestrator_type,
  cluster_id,
  cluster_name,
  namespace_,
  image_name,
  image_full_name,
  image_tag,
  resource_name,
  process_name,
  labels,
  process_executable,
  target_path,
};
inline constexpr int kConditionCount = 16;

struct ConditionSpec {
  std::string_view name;
  ConditionKind kind;
  bool in_file;     // allowed in `file` selectors
  bool in_process;  // allowed in `process` selectors
  bool is_flag;     // true or false; else a list of strings
  bool all_values;  // every value must hold, rather than one
};

std::span<const ConditionSpec> condition_specs();
const ConditionSpec* find_condition(std::string_view name);  // null: no such condition

}  // namespace holdfast
