#include "replay/generalise.h"

#include <algorithm>
#include <cctype>
#include <map>

#include "policy/wording.h"

namespace holdfast {
namespace {

constexpr std::size_t kFilesOfDirectory = 5;
constexpr std::size_t kNeighbours = 5;
constexpr std::size_t kMostPatterns = 32;

bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

// Runs of digits and what stands between them, in turn; begins with what is no digit.
std::vector<std::string> runs(const std::string& path) {
  std::vector<std::string> parts(1);
  bool digits = false;
  for (const char c : path) {
    if (is_digit(c) != digits) {
      digits = !digits;
      parts.emplace_back();
    }
    parts.back() += c;
  }
  return parts;
}

std::string shape(const std::string& path) {
  std::string text;
  const auto parts = runs(path);
  for (std::size_t i = 0; i < parts.size(); ++i) text += i % 2 == 1 ? "*" : parts[i];
  return text;
}

// `*` where the numbers differ; `paths` have one shape.
std::string common(const std::vector<std::string>& paths) {
  std::vector<std::string> parts = runs(paths.front());
  for (const std::string& path : paths) {
    const auto others = runs(path);
    for (std::size_t i = 1; i < parts.size(); i += 2) {
      if (parts[i] != others[i]) parts[i] = "*";
    }
  }
  std::string text;
  for (const std::string& part : parts) text += part;
  return text;
}

std::string directory(const std::string& path) { return path.substr(0, path.rfind('/')); }

using Patterns = std::map<std::string, std::string>;  // to their remark

Patterns versions(const std::set<std::string>& paths) {
  std::map<std::string, std::vector<std::string>> by_shape;
  for (const std::string& path : paths) by_shape[shape(path)].push_back(path);
  Patterns patterns;
  for (const auto& [text, members] : by_shape) {
    const bool has_star = members.front().find('*') != std::string::npos;
    if (members.size() == 1 || has_star) {
      for (const std::string& path : members) {
        patterns[path] = has_star ? "the name has a * in it, which is a wildcard here" : "";
      }
      continue;
    }
    patterns[common(members)] =
        std::to_string(members.size()) + " paths that differ in numbers alone";
  }
  return patterns;
}

Patterns directories(const Patterns& patterns) {
  std::map<std::string, std::vector<Patterns::const_iterator>> by_directory;
  for (auto it = patterns.begin(); it != patterns.end(); ++it) {
    by_directory[directory(it->first)].push_back(it);
  }
  Patterns result;
  for (const auto& [dir, members] : by_directory) {
    if (dir.empty() || members.size() < kFilesOfDirectory) {
      for (const auto& member : members) result.insert(*member);
    } else {
      result[dir + "/*"] =
          "every file of the directory; " + std::to_string(members.size()) + " names were seen";
    }
  }
  return result;
}

Patterns neighbours(const Patterns& patterns) {
  std::map<std::string, std::set<std::string>> children;
  for (const auto& [pattern, remark] : patterns) {
    const std::string dir = directory(pattern);
    // Not a wildcard's directory, and nothing as wide as /usr/**.
    const std::string above = directory(dir);
    if (std::count(above.begin(), above.end(), '/') >= 2 && above.find('*') == std::string::npos) {
      children[above].insert(dir);
    }
  }
  Patterns result = patterns;
  for (const auto& [above, below] : children) {
    if (below.size() < kNeighbours) continue;
    std::erase_if(result, [inside = above + "/"](const auto& entry) {
      return entry.first.starts_with(inside);
    });
    result[above + "/**"] = "WIDE: everything below the directory; files of " +
                            std::to_string(below.size()) + " directories were seen";
  }
  return result;
}

}  // namespace

std::vector<SuggestedPath> generalise(const std::set<std::string>& paths) {
  Patterns patterns = directories(versions(paths));
  if (patterns.size() > kMostPatterns) patterns = neighbours(patterns);
  std::vector<SuggestedPath> list;
  list.reserve(patterns.size());
  for (auto& [pattern, remark] : patterns) list.push_back({pattern, remark});
  return list;
}

bool can_be_named(const std::string& path) {
  return path.starts_with('/') && path.find("**") == std::string::npos &&
         !has_typographic_quotes(path);
}

}  // namespace holdfast
