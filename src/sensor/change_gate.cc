#include "sensor/change_gate.h"

#include <sys/fanotify.h>

namespace holdfast {
namespace {

const char* reason_of(std::uint64_t mask) {
  if ((mask & FAN_MOVED_TO) != 0) return "moved there";
  if ((mask & FAN_CREATE) != 0) return "created or linked there";
  return "made executable";
}

}  // namespace

bool KnownExecutables::contains(const FileStat& file) const {
  const auto found = files_.find(file.stx_ino);
  return found != files_.end() &&
         found->second == Content{nanoseconds(file.stx_mtime), file.stx_size};
}

void KnownExecutables::remember(const FileStat& file) {
  if (files_.size() >= kMost) files_.erase(files_.begin());
  files_[file.stx_ino] = {nanoseconds(file.stx_mtime), file.stx_size};
}

ChangeInterest interest_in(std::uint64_t mask, const FileStat& file, bool known) {
  if (!is_regular(file) || file.stx_nlink == 0) return ChangeInterest::none;
  const bool moved = (mask & FAN_MOVED_TO) != 0;
  const bool created = (mask & FAN_CREATE) != 0;
  if (!has_execute_bit(file)) {
    // What is created without x bits and not by a link has still to be opened and written.
    const bool into_place = moved || (created && file.stx_nlink > 1);
    return into_place ? ChangeInterest::if_original : ChangeInterest::none;
  }
  if (moved) return ChangeInterest::act;
  if (created) {
    const bool changed_too = (mask & FAN_ATTRIB) != 0;
    const bool is_new = file.stx_size == 0 && file.stx_nlink == 1 && !changed_too;
    return is_new ? ChangeInterest::later : ChangeInterest::act;
  }
  return known ? ChangeInterest::none : ChangeInterest::act;
}

std::optional<Act> change_gate(std::uint64_t mask, const FileStat& file, const std::string& path,
                               RootContent& content) {
  const bool executable = has_execute_bit(file) || content.original(file, path).executable;
  if (!is_regular(file) || file.stx_nlink == 0 || !executable) return std::nullopt;
  const Judgement judgement = content.judge(file, path);
  if (judgement.origin == Judgement::Origin::image) return std::nullopt;
  Act act;
  act.operation =
      judgement.had_original ? Operation::modify_executable : Operation::create_executable;
  act.mechanism = Mechanism::change_watch;
  act.path = path;
  act.file = file;
  act.reason = reason_of(mask);
  act.needs_comparison = judgement.origin == Judgement::Origin::undetermined;
  return act;
}

}  // namespace holdfast
