#include "sensor/exec_watch.h"

#include <fcntl.h>
#include <poll.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>

#include "container/held_file.h"
#include "kernel/process_handle.h"
#include "sensor/running_gate.h"

namespace holdfast {
namespace {

using Clock = std::chrono::steady_clock;

// A flood of execs loses events again and again.
constexpr std::chrono::milliseconds kBetweenFullScans{500};
// A daemon that is told to stop waits for it.
constexpr std::chrono::milliseconds kComparisonTakes{1000};
constexpr std::chrono::milliseconds kHeldFilesTake{1000};

std::int64_t now_ns() { return std::chrono::nanoseconds(Clock::now().time_since_epoch()).count(); }

std::string proc(pid_t pid, const char* name) {
  return "/proc/" + std::to_string(pid) + "/" + name;
}

std::optional<std::string> container_of(pid_t pid, const KnownIds& known_ids) {
  const Result<std::string> cgroup = read_small_file(proc(pid, "cgroup"));
  return cgroup ? container_of_process(*cgroup, &known_ids) : std::nullopt;
}

bool is_same_file(const FileStat& one, const FileStat& other) {
  return device_of(one) == device_of(other) && one.stx_ino == other.stx_ino;
}

class ContainerProcess : public RunningProcess {
 public:
  ContainerProcess(pid_t pid, const std::string& container_id, const KnownIds& known_ids)
      : handle_(pid), container_id_(container_id), known_ids_(known_ids) {}
  pid_t pid() const override { return handle_.pid(); }
  bool still_runs(const FileStat& file) const override {
    const std::optional<FileStat> now = stat_of_path(proc(pid(), "exe"));
    return now && is_same_file(*now, file) && container_of(pid(), known_ids_) == container_id_;
  }
  Status signal(int number) const override { return handle_.signal(number); }

 private:
  ProcessHandle handle_;
  const std::string container_id_;  // the process may wait to be decided
  const KnownIds& known_ids_;
};

}  // namespace

std::unique_ptr<ExecWatch> ExecWatch::start(const ProcConnector* connector,
                                            ExecWatchServices services) {
  std::unique_ptr<ExecWatch> watch(new ExecWatch(connector, std::move(services)));
  watch->thread_ = std::thread([w = watch.get()] { w->run(); });
  return watch;
}

ExecWatch::ExecWatch(const ProcConnector* connector, ExecWatchServices services)
    : connector_(connector),
      services_(std::move(services)),
      runtimes_(services_.runtime_binaries, *services_.known_ids, *services_.calls) {}

ExecWatch::~ExecWatch() {
  stopping_ = true;
  wake_.raise();
  thread_.join();
}

void ExecWatch::scan(const std::string& container_id) {
  std::lock_guard lock(mutex_);
  to_scan_.insert(container_id);
  wake_.raise();
}

void ExecWatch::run() {
  while (!stopping_) {
    std::array<pollfd, 2> waiting{
        {{hears_execs() ? connector_->fd() : -1, POLLIN, 0}, {wake_.fd(), POLLIN, 0}}};
    if (poll(waiting.data(), waiting.size(), milliseconds_to_scan()) < 0) continue;
    if (waiting[0].revents != 0) hear();
    if (waiting[1].revents != 0) wake_.clear();
    scan_wanted();
  }
}

void ExecWatch::hear() {
  const ProcConnector::Events events = connector_->read();
  for (const ExecEvent& exec : events.executed) {
    if (stopping_) return;
    look(exec);
  }
  if (!events.lost) return;
  ++counters_.lost;
  if (!scan_all_at_) scan_all_at_ = Clock::now() + kBetweenFullScans;
}

int ExecWatch::milliseconds_to_scan() const {
  if (!scan_all_at_) return -1;
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(*scan_all_at_ - Clock::now());
  return static_cast<int>(std::max<std::int64_t>(0, left.count() + 1));
}

void ExecWatch::scan_wanted() {
  const bool all = scan_all_at_ && *scan_all_at_ <= Clock::now();
  std::set<std::string> wanted;
  {
    std::lock_guard lock(mutex_);
    wanted.swap(to_scan_);
  }
  if (all) scan_all_at_.reset();
  if (!all && wanted.empty()) return;
  const Result<std::vector<ContainerCgroup>> found = find_container_cgroups(services_.known_ids);
  if (!found) {
    spdlog::error("exec watch: {}", found.error().message());
    return;
  }
  for (const ContainerCgroup& container : *found) {
    if (!all && !wanted.contains(container.container_id)) continue;
    for (const pid_t pid : container.pids) {
      if (stopping_) return;
      ++counters_.scanned;
      look_at(pid, container.container_id, {.executed_ns = {}, .looked_ns = now_ns()});
    }
    if (wanted.contains(container.container_id)) look_for_held_files(container);
  }
}

void ExecWatch::look(const ExecEvent& exec) {
  ++counters_.execs;
  const auto id = container_of(exec.process, *services_.known_ids);
  if (id) look_at(exec.process, *id, {.executed_ns = exec.time_ns, .looked_ns = now_ns()});
}

void ExecWatch::look_at(pid_t pid, const std::string& container_id, Found found) {
  const std::optional<ObjectId> root = object_id(proc(pid, "root"));
  // A runtime, or a hook of its, that has not entered the container yet.
  if (!root || root == services_.host_root) return;
  const std::shared_ptr<ContainerGuard> guard = services_.guard_of(container_id, root->device);
  if (!guard) return;
  if (found.at_exec()) ++counters_.containers;
  // Before the process is judged: what is asked from here on holds for the one that is signalled.
  const auto process =
      std::make_shared<const ContainerProcess>(pid, container_id, *services_.known_ids);
  const std::optional<Act> act = what_runs(pid, container_id, *guard, root->device, found);
  if (act) guard->found_running(*act, process, found);
}

// Nothing can be refused here: what comes of them meets the exec gate.
void ExecWatch::look_for_held_files(const ContainerCgroup& container) {
  const std::string& id = container.container_id;
  std::set<std::pair<dev_t, ino_t>> told;  // processes share descriptors
  for (const pid_t pid : container.pids) {
    if (stopping_) return;
    const std::optional<ObjectId> root = object_id(proc(pid, "root"));
    if (!root || root == services_.host_root) continue;
    const std::shared_ptr<ContainerGuard> guard = services_.guard_of(id, root->device);
    const auto held =
        services_.calls->run(id, kHeldFilesTake, [pid] { return files_held_for_writing(pid); });
    if (!held) {
      spdlog::warn("exec watch: what process {} of container {} can write to was not to be had",
                   pid, id);
    }
    if (!guard || !held) continue;
    const std::shared_ptr<const Places> places = guard->places();
    for (const HeldFile& one : *held) {
      if (!told.emplace(device_of(one.file.file), one.file.file.stx_ino).second) continue;
      const FoundPlace place = find_place(pid, one.file, guard->root().device,
                                          services_.host_mountinfo, *services_.known_ids);
      const std::string path = container_path(one.file.path, false, guard->root().mount_point,
                                              root->device == guard->root().device);
      const auto act =
          held_gate(one, place, path, content_of(place, one.file, path, *places).get());
      auto actor = act ? guard->actor(pid) : std::nullopt;
      if (actor) guard->changed(*act, std::move(*actor));
    }
  }
}

std::optional<Act> ExecWatch::what_runs(pid_t pid, const std::string& container_id,
                                        ContainerGuard& guard, dev_t process_root,
                                        Found found) const {
  const RootMount& root = guard.root();
  const std::shared_ptr<const Places> places = guard.places();
  // Most programs are the image's, and nothing more is asked.
  const std::optional<FileStat> file = stat_of_path(proc(pid, "exe"));
  if (!file) return std::nullopt;
  if (device_of(*file) == root.device && places->root().content->certainly_image(*file))
    return std::nullopt;

  const std::optional<RunningProgram> program = running_program(pid);
  if (!program) return std::nullopt;
  const FoundPlace place =
      find_place(pid, *program, root.device, services_.host_mountinfo, *services_.known_ids);
  if (place.place == ProgramPlace::memory || place.place == ProgramPlace::unmounted) {
    if (runtimes_.is_copy(pid, *program, container_id)) return std::nullopt;
    if (!found.at_exec() && runtimes_.looks_like_copy(pid, *program)) return std::nullopt;
  }
  const std::string path =
      container_path(program->path, false, root.mount_point, process_root == root.device);
  const std::shared_ptr<RootContent> content = content_of(place, *program, path, *places);
  std::optional<Act> act = running_gate(*program, place, path, content.get());
  if (!act || !act->needs_comparison) return act;
  // The gate compares what is run now. It has not seen what was running before there was one.
  if (found.at_exec()) return std::nullopt;
  return compare(pid, container_id, std::move(*act), content);
}

// Opens the program, which lies on the container's marked root: the responder's threads answer that
// open as any other. They never wait for this one, and it is not waited for without limit.
std::optional<Act> ExecWatch::compare(pid_t pid, const std::string& container_id, Act act,
                                      const std::shared_ptr<RootContent>& content) const {
  const auto compared = services_.calls->run(
      container_id, kComparisonTakes, [exe = proc(pid, "exe"), act, content]() mutable {
        const UniqueFd fd(open(exe.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
        const std::optional<FileStat> file = fd.valid() ? stat_of(fd.get()) : std::nullopt;
        if (!file || !is_same_file(*file, act.file)) return std::optional<Act>();
        return compare_gate(std::move(act), fd.get(), *content);
      });
  if (compared) return *compared;
  // Most of what was copied up is the image's still: nobody is killed on a suspicion.
  spdlog::warn("exec watch: {} of container {} could not be compared with the image's in time",
               act.path, container_id);
  return std::nullopt;
}

}  // namespace holdfast
