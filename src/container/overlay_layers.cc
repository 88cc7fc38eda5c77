// Reads an overlay's options as the kernel shows them and finds the directories they name.
#include "container/overlay_layers.h"

#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "container/host_path.h"
#include "kernel/file_stat.h"

namespace holdfast {
namespace {

// One directory as an option spells it. Whether a backslash escapes the next character depends on
// the option and on the kernel (lowerdir+ is verbatim since 6.8), so both readings are tried.
struct Spelling {
  std::string plain;     // backslashes resolved
  std::string verbatim;  // as written
};

struct Options {
  std::vector<Spelling> lower;
  std::vector<Spelling> data_only;
  std::optional<Spelling> upper;
  std::optional<Spelling> work;
  bool user_xattr = false;
};

Spelling spell(std::string_view text) {
  Spelling spelling;
  spelling.verbatim = text;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    spelling.plain += text[i];
  }
  return spelling;
}

// "a:b\:c::d": lower layers a and "b:c", data-only layer d. The kernel allows no lower layer after
// the first data-only one.
void split_lowerdir(std::string_view list, Options& options) {
  std::size_t start = 0;
  bool data_only = false;
  for (std::size_t i = 0; i <= list.size(); ++i) {
    if (i + 1 < list.size() && list[i] == '\\') {
      ++i;
      continue;
    }
    if (i < list.size() && list[i] != ':') continue;
    const std::string_view entry = list.substr(start, i - start);
    if (entry.empty()) {
      data_only = true;
    } else {
      (data_only ? options.data_only : options.lower).push_back(spell(entry));
    }
    start = i + 1;
  }
}

// The kernel writes a comma inside a value as \054, so a plain one always ends an option.
Options parse_options(std::string_view text) {
  Options options;
  while (!text.empty()) {
    const std::string_view option = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), option.size() + 1));
    const std::size_t equals = option.find('=');
    const std::string_view key = option.substr(0, equals);
    if (key == "userxattr") options.user_xattr = true;
    if (equals == std::string_view::npos) continue;
    const std::string value = unescape_octal(option.substr(equals + 1));
    if (key == "lowerdir") {
      split_lowerdir(value, options);
    } else if (key == "lowerdir+") {
      options.lower.push_back(spell(value));
    } else if (key == "datadir+") {
      options.data_only.push_back(spell(value));
    } else if (key == "upperdir") {
      options.upper = spell(value);
    } else if (key == "workdir") {
      options.work = spell(value);
    }
  }
  return options;
}

bool is_directory(const std::string& path) {
  const std::optional<FileStat> file = stat_of_path(path);
  return file && S_ISDIR(file->stx_mode);
}

// The directories that a relative entry may start from: every ancestor of `path`, nearest first,
// `path` itself left out.
void append_ancestors(std::string_view path, std::vector<std::string>& bases) {
  if (!path.starts_with('/')) return;
  while (path.size() > 1) {
    path = path.substr(0, path.rfind('/'));
    std::string base = path.empty() ? "/" : std::string(path);
    if (std::find(bases.begin(), bases.end(), base) == bases.end()) {
      bases.push_back(std::move(base));
    }
  }
}

class Finder {
 public:
  Finder(const Mount& mount, const Options& options, std::string prefix)
      : prefix_(std::move(prefix)) {
    for (const auto& absolute : {options.upper, options.work}) {
      if (absolute) append_ancestors(absolute->plain, bases_);
    }
    append_ancestors(mount.mount_point, bases_);
    collect(options.lower);
    collect(options.data_only);
    if (options.upper) collect({*options.upper});
  }

  // All relative entries hang below one directory: the mounting process's working directory.
  void choose_base() {
    if (relative_.empty()) return;
    for (const std::string& base : bases_) {
      if (std::all_of(relative_.begin(), relative_.end(),
                      [&](const Spelling& entry) { return below(base, entry).has_value(); })) {
        base_ = base;
        return;
      }
    }
  }

  std::optional<std::string> find(const Spelling& entry) const {
    if (entry.verbatim.starts_with('/')) return below("", entry);
    return base_ ? below(*base_, entry) : std::nullopt;
  }

 private:
  void collect(const std::vector<Spelling>& entries) {
    std::copy_if(entries.begin(), entries.end(), std::back_inserter(relative_),
                 [](const Spelling& entry) { return !entry.verbatim.starts_with('/'); });
  }

  std::optional<std::string> below(const std::string& base, const Spelling& entry) const {
    for (const std::string* name : {&entry.plain, &entry.verbatim}) {
      const auto resolved = resolve_below(prefix_, base.empty() ? *name : base + '/' + *name);
      if (resolved && is_directory(prefix_ + *resolved)) return prefix_ + *resolved;
    }
    return std::nullopt;
  }

  std::string prefix_;
  std::vector<std::string> bases_;
  std::vector<Spelling> relative_;
  std::optional<std::string> base_;
};

}  // namespace

Result<OverlayLayers> overlay_layers(const Mount& mount, const std::string& prefix) {
  if (mount.type != "overlay") {
    return Error{0, "layers of " + mount.mount_point + ": a " + mount.type + " is no overlay", ""};
  }
  const Options options = parse_options(mount.super_options);
  if (options.lower.empty()) {
    return Error{0, "layers of overlay " + mount.mount_point + ": its options name no lowerdir",
                 ""};
  }
  Finder finder(mount, options, prefix);
  finder.choose_base();

  OverlayLayers layers;
  layers.user_xattr = options.user_xattr;
  std::optional<Error> missing;
  const auto find = [&](const Spelling& entry) {
    auto found = finder.find(entry);
    if (!found && !missing) {
      missing = Error{0,
                      "layers of overlay " + mount.mount_point + ": no directory " +
                          entry.verbatim + (prefix.empty() ? "" : " below " + prefix),
                      "it may be mounted from another mount namespace"};
    }
    return found.value_or("");
  };
  for (const Spelling& entry : options.lower) layers.lower.push_back(find(entry));
  for (const Spelling& entry : options.data_only) layers.data_only.push_back(find(entry));
  if (options.upper) layers.upper = find(*options.upper);
  if (missing) return *missing;
  return layers;
}

}  // namespace holdfast
