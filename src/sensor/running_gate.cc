#include "sensor/running_gate.h"

namespace holdfast {
namespace {

// The kernel lets nobody write to what runs, but for overlays: there the content asks.
class RunningFacts : public EventFacts {
 public:
  RunningFacts(const FileStat& file, const std::string& path) : file_(file), path_(path) {}
  std::optional<FileStat> file() override { return file_; }
  WriteAccess write_access() override { return WriteAccess::none; }
  std::optional<BlockedSyscall> syscall() override { return std::nullopt; }
  bool on_overlay() override { return true; }
  Loadable loadable() override { return Loadable::yes; }
  std::optional<std::string> path() override { return path_; }

 private:
  FileStat file_;
  std::string path_;
};

Act foreign(Operation operation, const FileStat& file, const std::string& path,
            const char* reason) {
  Act act;
  act.operation = operation;
  act.path = path;
  act.file = file;
  act.reason = reason;
  return act;
}

Volume volume_of(FoundPlace place) {
  if (place.place != ProgramPlace::volume) return Volume::none;
  return place.file_mount ? Volume::file : Volume::mount;
}

std::optional<Act> judge(const RunningProgram& program, ProgramPlace place, const std::string& path,
                         RootContent* content) {
  RunningFacts facts(program.file, path);
  switch (place) {
    case ProgramPlace::host:
      return std::nullopt;
    case ProgramPlace::root:
    case ProgramPlace::volume:
      return content != nullptr ? exec_gate(facts, *content) : std::nullopt;
    case ProgramPlace::own_filesystem:
      if (content != nullptr) return exec_gate(facts, *content);
      return foreign(Operation::create_executable, program.file, path,
                     "on a filesystem of the container's own, which holds nothing of the image");
    case ProgramPlace::memory:
      return foreign(Operation::exec_memfd, program.file, path, "a memory file");
    case ProgramPlace::unmounted:
      return foreign(Operation::create_executable, program.file, path,
                     "on a filesystem that is mounted nowhere");
  }
  return std::nullopt;
}

}  // namespace

std::shared_ptr<RootContent> content_of(FoundPlace place, const RunningProgram& program,
                                        const std::string& path, const Places& places) {
  switch (place.place) {
    case ProgramPlace::root:
      return places.root().content;
    case ProgramPlace::volume: {
      std::shared_ptr<RootContent> known = places.content_on(device_of(program.file), path);
      return known ? known : places.content_elsewhere();
    }
    case ProgramPlace::own_filesystem:
      return places.content_on(device_of(program.file), path);
    default:
      return nullptr;
  }
}

std::optional<Act> running_gate(const RunningProgram& program, FoundPlace place,
                                const std::string& path, RootContent* content) {
  std::optional<Act> act = judge(program, place.place, path, content);
  if (!act) return act;
  act->mechanism = Mechanism::exec_watch;
  act->volume = volume_of(place);
  return act;
}

std::optional<Act> held_gate(const HeldFile& held, FoundPlace place, const std::string& path,
                             RootContent* content) {
  if (place.place == ProgramPlace::host || place.place == ProgramPlace::memory) return std::nullopt;
  const FileStat& file = held.file.file;
  RootContent::Original original;
  if (content != nullptr) original = content->original(file, path);
  if (!has_execute_bit(file) && !original.executable) return std::nullopt;
  Act act = foreign(original.exists ? Operation::modify_executable : Operation::create_executable,
                    file, path,
                    held.mapped ? "was mapped writable and shared before the container was watched"
                                : "was open for writing before the container was watched");
  act.mechanism = Mechanism::change_watch;
  act.volume = volume_of(place);
  return act;
}

}  // namespace holdfast
