#include "replay/suggestion.h"

#include <algorithm>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

#include "holdfast/policy.h"
#include "policy/selector_bits.h"
#include "policy/wording.h"
#include "replay/generalise.h"

namespace holdfast {
namespace {

// Leaves room for the selectors that match, and the text below the size of a policy.
constexpr std::size_t kMostSelectors = 500;
constexpr std::size_t kMostBytes = 800'000;

// A JSON string of ASCII is a YAML one, but for characters beyond U+FFFF: YAML has no surrogates.
std::string yaml(const std::string& text) {
  std::string quoted =
      nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  for (std::size_t at = quoted.find('\\'); at != std::string::npos;
       at = quoted.find('\\', at + 2)) {
    if (quoted.compare(at, 3, "\\ud") != 0 || quoted[at + 3] < '8') continue;
    const auto half = [&](std::size_t start) {
      return std::stoul(quoted.substr(start, 4), nullptr, 16) & 0x3FFU;
    };
    std::ostringstream character;
    character << "\\U" << std::hex << std::setw(8) << std::setfill('0')
              << 0x10000 + (half(at + 2) << 10 | half(at + 8));
    quoted.replace(at, 12, character.str());
  }
  return quoted;
}

// containerImageFullName takes it as it is.
bool can_be_named_image(const std::string& image) {
  const std::size_t slash = image.rfind('/');
  const std::string last = slash == std::string::npos ? image : image.substr(slash);
  return last.find_first_of(":@") == std::string::npos && image.find('*') == std::string::npos &&
         !has_typographic_quotes(image);
}

struct Exclude {
  std::string image;
  std::vector<Operation> operations;
  std::vector<SuggestedPath> paths;
};

std::string last_word(const std::string& image) {
  std::string word;
  for (const char c : image.substr(image.rfind('/') + 1)) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0;
    word += plain ? c : '-';
  }
  if (word.size() > 80) word.resize(80);
  return word.empty() ? "any-image" : word;
}

std::string list_of(const std::vector<Operation>& operations) {
  std::string text;
  for (const Operation operation : operations) {
    text += (text.empty() ? "" : ", ") + std::string(to_string(operation));
  }
  return "[" + text + "]";
}

std::string selector(const Exclude& exclude, SectionKind section, const std::string& name) {
  std::string text;
  if (exclude.image.empty()) {
    text += "    # WIDE: the image was not known, so this holds for every container.\n";
  }
  text += "    - name: " + name + "\n      operation: " + list_of(exclude.operations) + "\n";
  if (!exclude.image.empty()) {
    text += "      containerImageFullName: [" + yaml(exclude.image) + "]\n";
  }
  text += section == SectionKind::file ? "      targetFilePath:\n" : "      processExecutable:\n";
  for (const SuggestedPath& path : exclude.paths) {
    text += "        - " + yaml(path.pattern) + (path.remark.empty() ? "" : "  # " + path.remark) +
            "\n";
  }
  return text;
}

}  // namespace

void Suggestion::add(const RecordedEvent& recorded) {
  const Event& event = recorded.event;
  const SectionKind section = section_of(event.operation);
  Action& strongest = strongest_[section];
  strongest = std::max(strongest, recorded.was.value_or(Action::alert));
  const std::string image = event.workload->container.image_name.value_or("");
  const std::string path =
      section == SectionKind::file ? event.path : event.process.executable.value_or("");
  if (!can_be_named_image(image)) {
    unnamed_["the image's name cannot stand in a policy"] += recorded.count;
  } else if (!can_be_named(path)) {
    unnamed_["the path cannot stand in a policy"] += recorded.count;
  } else {
    paths_[{image, event.operation}].insert(path);
  }
}

std::string Suggestion::policy() const {
  // Operations of one image on the same paths share a selector.
  std::map<SectionKind, std::vector<Exclude>> excludes;
  for (const auto& [place, paths] : paths_) {
    auto& list = excludes[section_of(place.second)];
    std::vector<SuggestedPath> patterns = generalise(paths);
    const auto same = [&patterns, &image = place.first](const Exclude& other) {
      return other.image == image &&
             std::equal(other.paths.begin(), other.paths.end(), patterns.begin(), patterns.end(),
                        [](const auto& a, const auto& b) { return a.pattern == b.pattern; });
    };
    const auto found = std::find_if(list.begin(), list.end(), same);
    if (found != list.end()) {
      found->operations.push_back(place.second);
    } else {
      list.push_back({place.first, {place.second}, std::move(patterns)});
    }
  }

  std::string text =
      "# Proposed by `holdfast suggest`. Each exclude opens its paths to whoever is in the\n"
      "# container: keep those that you know the reason of, and copy them into your policy.\n";
  for (const auto& [reason, count] : unnamed_) {
    text += "# Not silenced: " + std::to_string(count) + " acts, " + reason + ".\n";
  }
  if (strongest_.empty()) {
    text += "# The log has no acts: there is nothing to exclude.\n";
  }
  auto sections = strongest_;
  sections.try_emplace(SectionKind::file, Action::alert);
  std::size_t written = 0;
  for (const auto& [section, strongest] : sections) {
    OperationMask seen = 0;
    std::string selectors;
    std::string names;
    for (const Exclude& exclude : excludes[section]) {
      for (const Operation operation : exclude.operations) seen |= mask_of(operation);
      const std::string name = last_word(exclude.image) + "-" + std::to_string(++written);
      const std::string entry = selector(exclude, section, name);
      if (written > kMostSelectors || text.size() + selectors.size() + entry.size() > kMostBytes) {
        text += "# Not silenced: " + std::to_string(exclude.paths.size()) +
                " paths, there are too many; see to the others first.\n";
        continue;
      }
      selectors += entry;
      names += (names.empty() ? "" : ", ") + name;
    }
    const std::string exclude = names.empty() ? "" : "      exclude: [" + names + "]\n";
    const std::string actions = strongest == Action::block ? "[alert, block]"
                                : strongest == Action::log ? "[log]"
                                                           : "[alert]";
    const std::string told = strongest == Action::log ? "[log]" : "[alert]";
    const OperationMask plain_writes = seen & kFileIntegrityMask;
    text += std::string(to_string(section)) + ":\n  selectors:\n";
    std::string responses;
    const auto match = [&](const std::string& name, const std::string& operations,
                           const std::string& acts) {
      text.append("    - name: ").append(name).append("\n      operation: ").append(operations);
      text += "\n";
      responses.append("    - match: [").append(name).append("]\n").append(exclude);
      responses.append("      actions: ").append(acts).append("\n");
    };
    if (section == SectionKind::process) {
      match("processes", "[fork, exec]", actions);
    } else {
      match("drift", "[createExecutable, modifyExecutable, execMemFd]", actions);
    }
    if (plain_writes != 0) {  // told of, never refused: a block of them stops every write
      std::vector<Operation> operations;
      for (int i = 0; i < kOperationCount; ++i) {
        const auto operation = static_cast<Operation>(i);
        if ((plain_writes & mask_of(operation)) != 0) operations.push_back(operation);
      }
      match("files", list_of(operations), told);
    }
    text.append(selectors).append("  responses:\n").append(responses);
  }
  return text;
}

}  // namespace holdfast
