#include "sensor/gates.h"

#include "sensor/write_intent.h"

namespace holdfast {
namespace {

// A path that no longer exists is reported by the name it had last; none at all is a drifted file.
constexpr const char* kNoPath = "";

// Older than that, an empty untouched file is not what the blocked open has just created.
constexpr std::int64_t kJustCreatedNs = 5'000'000'000;

// Overlay may set owner and mode of a new file, and rename it over a whiteout, right after its
// birth.
constexpr std::int64_t kCreationTakesNs = 100'000'000;

// Created by the open that is blocked: empty, not written since its birth, and just born.
bool just_created(const FileStat& file, std::int64_t now_ns) {
  if (file.stx_size != 0) return false;
  const std::int64_t changed = nanoseconds(file.stx_ctime);
  const std::int64_t born = nanoseconds(has_birth(file) ? file.stx_btime : file.stx_mtime);
  return changed - born < kCreationTakesNs &&
         nanoseconds(file.stx_mtime) - born < kCreationTakesNs && now_ns - born < kJustCreatedNs;
}

// A linked file whose descriptor shows a name that is gone (of O_TMPFILE, or unlinked since): it is
// told of under its other name by the watch of the upper layer, and so is one that is named like
// that.
bool has_another_name(std::string_view path) { return path.ends_with(kDeletedName); }

Act make_act(Operation operation, Mechanism mechanism, std::string path, const FileStat& file,
             std::string reason) {
  return {operation, mechanism, std::move(path), file, std::move(reason)};
}

// What an open of a file that may be executable is about.
struct OpenedFile {
  EventFacts& facts;
  RootContent& content;
  const FileStat& file;
  bool executable_now;
  Loadable code;
};

// Drifted ELF code: a loader, or whoever reads it, gets nothing.
std::optional<Act> code_act(const OpenedFile& open, bool written_too) {
  const std::string path = open.facts.path().value_or(kNoPath);
  const Judgement judgement = open.content.judge(open.file, path);
  if (judgement.origin == Judgement::Origin::image) return std::nullopt;
  Act act =
      make_act(judgement.had_original ? Operation::modify_executable : Operation::create_executable,
               Mechanism::open_gate, path, open.file, judgement.reason);
  act.is_read = true;
  act.code_unread = open.code == Loadable::not_read;
  act.needs_comparison =
      act.code_unread || (judgement.origin == Judgement::Origin::undetermined && !written_too);
  return act;
}

std::optional<Act> write_act(const OpenedFile& open, std::int64_t now_ns) {
  const FileStat& file = open.file;
  const std::string path = open.facts.path().value_or(kNoPath);
  const RootContent::Original original = open.content.original(file, path);
  if (!open.executable_now && !original.executable) {
    if (open.code == Loadable::no) return std::nullopt;
    std::optional<Act> act = code_act(open, false);
    if (!act) return std::nullopt;
    act->operation = Operation::modify_executable;
    act->is_read = false;
    act->reason = "code opened for writing";
    return act;
  }

  const bool created_now = just_created(file, now_ns) && !open.content.certainly_image(file) &&
                           open.content.judge(file, path).origin != Judgement::Origin::image;
  Act act = make_act(
      created_now && !original.exists ? Operation::create_executable : Operation::modify_executable,
      Mechanism::open_gate, path, file,
      created_now           ? "created with an execute bit"
      : open.executable_now ? "an executable opened for writing"
                            : "opened for writing; executable in the image");
  // An image file that was just emptied is no leftover of a creation: it stays.
  act.created_now = created_now && !original.exists;
  return act;
}

}  // namespace

std::optional<Act> open_gate(EventFacts& facts, RootContent& content, ExecutableRules rules,
                             std::int64_t now_ns) {
  const std::optional<FileStat> file = facts.file();
  if (!file || !is_regular(*file)) return std::nullopt;
  const bool executable_now =
      (rules.execute_bits && has_execute_bit(*file)) || content.was_let_run(*file);
  const WriteAccess access = facts.write_access();
  const Loadable code =
      rules.elf && !content.certainly_image(*file) ? facts.loadable() : Loadable::no;
  // Readers of plain files are nearly all opens: they are done here.
  if (!executable_now && access == WriteAccess::none && code == Loadable::no) return std::nullopt;
  const std::optional<BlockedSyscall> call = facts.syscall();
  if (has_write_intent(access, classify_open(call))) {
    return write_act({facts, content, *file, executable_now, code}, now_ns);
  }
  // An exec has asked the exec gate.
  if (code == Loadable::no || is_exec(call)) return std::nullopt;
  return code_act({facts, content, *file, executable_now, code}, access != WriteAccess::none);
}

std::optional<Act> code_gate(EventFacts& facts, RootContent& content, ExecutableRules rules) {
  const std::optional<FileStat> file = facts.file();
  if (!rules.elf || !file || !is_regular(*file) || content.certainly_image(*file)) {
    return std::nullopt;
  }
  const Loadable code = facts.loadable();
  if (code == Loadable::no) return std::nullopt;
  // Perhaps its writer's own open: that is told of when it is closed. Asked of code alone: the
  // lease that tells makes others' opens with O_NONBLOCK fail while it is held.
  if (facts.write_access() != WriteAccess::none) return std::nullopt;
  return code_act({facts, content, *file, false, code}, false);
}

std::optional<Act> exec_gate(EventFacts& facts, RootContent& content) {
  const std::optional<FileStat> file = facts.file();
  if (!file || !is_regular(*file)) return std::nullopt;
  if (content.certainly_image(*file)) return std::nullopt;

  const std::string path = facts.path().value_or(kNoPath);
  Judgement judgement = content.judge(*file, path);
  if (judgement.origin == Judgement::Origin::image) return std::nullopt;
  Act act =
      make_act(judgement.had_original ? Operation::modify_executable : Operation::create_executable,
               Mechanism::exec_gate, path, *file, std::move(judgement.reason));
  act.needs_comparison = judgement.origin == Judgement::Origin::undetermined;
  // Bytes that somebody can still change are not worth comparing.
  if (act.needs_comparison && facts.write_access() != WriteAccess::none) {
    act.needs_comparison = false;
    act.reason = "open for writing while it is run";
  }
  return act;
}

std::optional<Act> compare_gate(Act act, int fd, RootContent& content) {
  if (act.code_unread && !is_loadable_elf(fd)) return std::nullopt;
  // Many openers of one file may have queued: the first comparison answers for all of them.
  const std::optional<FileStat> now = stat_of(fd);
  Judgement judgement;
  judgement.origin = Judgement::Origin::undetermined;
  if (now) judgement = content.judge(*now, act.path);
  if (judgement.origin == Judgement::Origin::undetermined) {
    judgement = content.compare(fd, now ? *now : act.file, act.path);
  }
  if (judgement.origin == Judgement::Origin::image) return std::nullopt;
  act.needs_comparison = act.code_unread = false;
  act.reason = std::move(judgement.reason);
  return act;
}

std::optional<Act> change_watch(EventFacts& facts, RootContent& content, bool layer_watched) {
  const std::optional<FileStat> file = facts.file();
  if (!file || !is_regular(*file)) return std::nullopt;
  const bool executable_now = has_execute_bit(*file);
  const std::string path = facts.path().value_or(kNoPath);
  if (layer_watched && has_another_name(path)) return std::nullopt;
  const RootContent::Original original = content.original(*file, path);
  if (!executable_now && !original.executable) return std::nullopt;
  return make_act(original.exists ? Operation::modify_executable : Operation::create_executable,
                  Mechanism::change_watch, path, *file, "an executable was written");
}

}  // namespace holdfast
