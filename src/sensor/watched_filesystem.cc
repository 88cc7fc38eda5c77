#include "sensor/watched_filesystem.h"

#include <fcntl.h>
#include <sys/fanotify.h>

#include <set>

#include "kernel/procfs.h"

namespace holdfast {
namespace {

// Overlay names its temporary files #HEX, also those of O_TMPFILE and of older copy-ups that have
// another name by now.
bool is_temporary_name(std::string_view name) { return name.starts_with('#'); }

struct FoundFile {
  UniqueFd fd;  // O_PATH
  std::string path;
};

// By the name it was changed by.
std::optional<FoundFile> find_by_name(const ChangeEvent& event, int mount) {
  const UniqueFd directory = open_handle(mount, event.directory);
  if (!directory.valid()) return std::nullopt;
  const std::string name(event.name);
  UniqueFd fd(openat(directory.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  const Result<std::string> parent = path_of_descriptor(directory.get());
  if (!fd.valid() || !parent) return std::nullopt;
  return FoundFile{std::move(fd), *parent + "/" + name};
}

// By its handle: an overlay's hard link changes it by a name that may be gone.
std::optional<FoundFile> find_by_handle(const ChangeEvent& event, int mount) {
  UniqueFd fd = open_handle(mount, event.file);
  Result<std::string> path = fd.valid() ? path_of_descriptor(fd.get()) : Error{};
  if (!path) return std::nullopt;
  if (path->ends_with(kDeletedName)) {
    // The kernel remembers only names that are gone; the one of the event is as good.
    if (is_temporary_name(event.name)) return std::nullopt;
    const UniqueFd directory = open_handle(mount, event.directory);
    path = directory.valid() ? path_of_descriptor(directory.get()) : Error{};
    if (!path) return std::nullopt;
    path->append("/").append(event.name);
  }
  return FoundFile{std::move(fd), std::move(*path)};
}

std::optional<FoundFile> find(const ChangeEvent& event, int mount) {
  std::optional<FoundFile> named = find_by_name(event, mount);
  if (event.file.empty() || (named && handle_of(named->fd.get()) == event.file)) return named;
  // A new name that is gone again: of the one that the file has now an event of its own tells.
  if ((event.mask & FAN_ATTRIB) == 0) return std::nullopt;
  return find_by_handle(event, mount);
}

}  // namespace

Result<std::shared_ptr<WatchedFilesystem>> WatchedFilesystem::open(const std::string& upper,
                                                                   ChangeCounters& counters) {
  Result<ChangeGroup> group = ChangeGroup::open(upper);
  if (!group) return group.error();
  return std::shared_ptr<WatchedFilesystem>(
      new WatchedFilesystem(std::move(*group), upper, counters));
}

namespace {

UniqueFd open_directory(const std::string& path, int flags) {
  return UniqueFd(::open(path.c_str(), flags | O_DIRECTORY | O_CLOEXEC));
}

// Where a mount shows a directory. A mount of a part of the filesystem (podman's storage is one)
// does not show the rest: the kernel calls all that "/".
std::optional<std::string> path_through(const UniqueFd& view, const std::string& handle) {
  const UniqueFd same = open_handle(view.get(), handle);
  Result<std::string> path = same.valid() ? path_of_descriptor(same.get()) : Error{};
  if (!path || *path == "/") return std::nullopt;
  return std::move(*path);
}

}  // namespace

// Opened when it is needed: a descriptor held would keep the filesystem from being unmounted.
UniqueFd WatchedFilesystem::open_view() const { return open_directory(layers_->view, O_RDONLY); }

// Paths are those of the handles, as the directories of events have them: then both begin alike,
// however the filesystem is mounted.
void WatchedFilesystem::set_layers(std::vector<std::shared_ptr<const WatchedLayer>> layers) {
  auto next = std::make_shared<Layers>();
  std::vector<std::string> handles;
  for (const auto& layer : layers) {
    const UniqueFd upper = open_directory(layer->upper, O_PATH);
    handles.push_back(upper.valid() ? handle_of(upper.get()) : "");
  }
  // The mount that shows most of them; each mount is tried once.
  std::size_t most = 0;
  std::set<int> tried;
  for (const auto& candidate : layers) {
    const UniqueFd view = open_directory(candidate->upper, O_RDONLY);
    if (!view.valid() || !tried.insert(mount_id_of(view.get())).second) continue;
    UpperDirectories directories;
    std::size_t shown = 0;
    for (std::size_t i = 0; i < layers.size(); ++i) {
      std::optional<std::string> path = path_through(view, handles[i]);
      if (!path) continue;
      directories.add(std::move(*path), i);
      ++shown;
    }
    if (shown <= most) continue;
    most = shown;
    next->view = candidate->upper;
    next->directories = std::move(directories);
    if (shown == layers.size()) break;
  }
  next->list = std::move(layers);
  std::lock_guard lock(mutex_);
  next_ = std::move(next);
}

void WatchedFilesystem::take_layers() {
  {
    std::lock_guard lock(mutex_);
    if (layers_ == next_) return;
    layers_ = next_;
  }
  cache_.forget();
  std::unordered_map<const RootContent*, KnownExecutables> known;
  for (const auto& layer : layers_->list) {
    known[layer->content.get()] = std::move(known_[layer->content.get()]);
  }
  known_ = std::move(known);
}

WatchedFilesystem::Served WatchedFilesystem::serve(const std::function<void(LayerChange)>& found) {
  Served served;
  take_layers();
  const Result<std::string_view> bytes = group_.read();
  if (!bytes) return served;
  cache_.expire(std::chrono::steady_clock::now());
  std::string_view rest = *bytes;
  while (const std::optional<ChangeEvent> event = next_change(rest)) {
    ++counters_.events;
    if ((event->mask & FAN_Q_OVERFLOW) != 0) {
      ++counters_.overflows;
      served.overflow = true;
    } else if (!event->directory.empty() && in_some_layer(*event)) {
      ++counters_.in_layers;
      served.in_layers = true;
      look_at(*event, found);
    }
  }
  mount_.reset();
  glimpses_.clear();
  actors_.clear();
  return served;
}

bool WatchedFilesystem::in_some_layer(const ChangeEvent& event) {
  // Its directory may be the overlay's work directory.
  const bool by_file = is_temporary_name(event.name) && !event.file.empty();
  if (!by_file) {
    if (const auto known = cache_.find(event.directory)) return *known != DirectoryCache::kNobody;
  }
  if (!mount_.valid()) mount_ = open_view();
  const UniqueFd fd = open_handle(mount_.get(), by_file ? event.file : event.directory);
  const Result<std::string> path = fd.valid() ? path_of_descriptor(fd.get()) : Error{};
  if (!path) return false;
  const auto place = layers_->directories.find(*path);
  if (!by_file) {
    cache_.remember(event.directory, place ? place->layer : DirectoryCache::kNobody);
  }
  return place.has_value();
}

std::optional<LayerChange> WatchedFilesystem::look_up(const ChangeEvent& event) {
  if (!mount_.valid()) mount_ = open_view();
  std::optional<FoundFile> found = find(event, mount_.get());
  if (!found) return std::nullopt;
  auto place = layers_->directories.find(found->path);
  const std::optional<FileStat> file = stat_of(found->fd.get());
  if (!place || !file) return std::nullopt;
  LayerChange change;
  change.fd = std::move(found->fd);
  change.layer = layers_->list[place->layer];
  change.mask = event.mask;
  change.path = std::move(place->path);
  change.file = *file;
  return change;
}

void WatchedFilesystem::look_at(const ChangeEvent& event,
                                const std::function<void(LayerChange)>& found) {
  // Before the file, which stays: the process may be gone in a moment.
  const auto [glimpse, is_new] = glimpses_.try_emplace(event.tid);
  if (is_new) glimpse->second = read_process_facts(event.tid, Args::skip);
  std::optional<LayerChange> change = look_up(event);
  if (!change || !is_regular(change->file)) return;
  KnownExecutables& known = known_[change->layer->content.get()];
  const ChangeInterest interest =
      interest_in(event.mask, change->file, known.contains(change->file));
  if (interest == ChangeInterest::none) {
    if (!has_execute_bit(change->file)) known.forget(change->file);
    return;
  }
  if (interest == ChangeInterest::if_original &&
      !change->layer->content->original(change->file, change->path).executable) {
    return;
  }
  change->actor = actor_of(*change->layer, event.tid);
  // The gate leaves a file of such a name to this watch.
  change->later = interest == ChangeInterest::later && !change->path.ends_with(kDeletedName);
  if (!change->later) known.remember(change->file);
  if (change->actor) found(std::move(*change));
}

std::shared_ptr<const ContainerGuard::Actor> WatchedFilesystem::actor_of(const WatchedLayer& layer,
                                                                         pid_t tid) {
  const auto [known, is_new] = actors_.try_emplace({&layer, tid});
  if (!is_new) return known->second;
  const std::shared_ptr<ContainerGuard> guard = layer.guard.lock();
  if (!guard) return nullptr;
  if (std::optional<ContainerGuard::Actor> actor = guard->actor(tid)) {
    ProcessFacts& process = actor->process.process;
    if (process.executable.empty()) process = glimpses_[tid];
    known->second = std::make_shared<const ContainerGuard::Actor>(std::move(*actor));
  }
  return known->second;
}

}  // namespace holdfast
