// Builds the tree from yaml-cpp's events. Events rather than yaml-cpp's own nodes, because the
// limits must hold while the text is read, and because its nodes hide aliases and duplicate keys.
#include "policy/yaml_document.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <exception>
#include <optional>
#include <sstream>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "policy/utf8.h"
#include "policy/wording.h"

namespace holdfast {
namespace {

// Nodes after aliases are expanded. A text of kMaxYamlBytes cannot reach it without aliases.
constexpr std::size_t kMaxNodes = 1 << 20;

struct Refusal : std::exception {
  Refusal(Position position, std::string message) : at(position), text(std::move(message)) {}
  Position at;
  std::string text;
};

Position position_of(const YAML::Mark& mark) { return {mark.line + 1, mark.column + 1}; }

class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(DiagnosticSink& sink) : sink_(sink) {}

  YamlPtr root() const { return root_; }
  Position start() const { return start_; }

  void OnDocumentStart(const YAML::Mark& mark) override { start_ = position_of(mark); }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    complete(open(YamlNode::Kind::null, mark, ""), anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    // yaml-cpp marks plain scalars with "?" and quoted ones with "!".
    const bool is_string = tag == "!" || tag == "tag:yaml.org,2002:str";
    auto node = open(YamlNode::Kind::scalar, mark, is_string ? "" : tag);
    node->text = value;
    node->quoted = is_string;
    complete(std::move(node), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      throw Refusal(position_of(mark),
                    "alias refers to a list or map that contains it; write its content out");
    }
    attach(found->second, position_of(mark));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    frames_.push_back({open(YamlNode::Kind::sequence, mark, tag), anchor, {}, {}});
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    frames_.push_back({open(YamlNode::Kind::map, mark, tag), anchor, {}, {}});
  }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    std::shared_ptr<YamlNode> node;
    YAML::anchor_t anchor;
    std::optional<std::pair<std::string, Position>> key;  // map: read, and its value not yet
    std::unordered_set<std::string> keys;                 // map: all seen
  };

  std::shared_ptr<YamlNode> open(YamlNode::Kind kind, const YAML::Mark& mark,
                                 const std::string& tag) {
    if (!tag.empty() && tag != "?") {
      throw Refusal(position_of(mark),
                    "YAML tag " + in_quotes(tag) + " is not supported; remove it");
    }
    auto node = std::make_shared<YamlNode>();
    node->kind = kind;
    node->at = position_of(mark);
    check_depth(1, node->at);
    return node;
  }

  void check_depth(int height, Position at) const {
    if (static_cast<int>(frames_.size()) + height > kMaxYamlDepth) {
      throw Refusal(at,
                    "nested deeper than " + std::to_string(kMaxYamlDepth) + " levels; flatten it");
    }
  }

  void close() {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    complete(std::move(frame.node), frame.anchor);
  }

  void complete(std::shared_ptr<YamlNode> node, YAML::anchor_t anchor) {
    const Position at = node->at;
    YamlPtr finished = std::move(node);
    if (anchor != 0) anchors_[anchor] = finished;
    attach(std::move(finished), at);
  }

  void attach(YamlPtr node, Position at) {
    if (frames_.empty()) {
      root_ = std::move(node);
      return;
    }
    check_depth(node->height, at);
    Frame& frame = frames_.back();
    YamlNode& parent = *frame.node;
    parent.weight += node->weight;
    parent.height = std::max(parent.height, node->height + 1);
    if (parent.weight > kMaxNodes) {
      throw Refusal(
          at, "aliases expand to more than " + std::to_string(kMaxNodes) + " values; use fewer");
    }
    if (parent.kind == YamlNode::Kind::sequence) {
      parent.items.push_back(std::move(node));
    } else if (frame.key) {
      if (frame.keys.insert(frame.key->first).second) {
        parent.pairs.push_back({std::move(frame.key->first), frame.key->second, std::move(node)});
      } else {
        sink_.error(frame.key->second, "duplicate key " + in_quotes(frame.key->first) +
                                           "; merge the two, or remove one");
      }
      frame.key.reset();
    } else if (node->kind == YamlNode::Kind::scalar) {
      frame.key.emplace(node->text, at);
    } else {
      throw Refusal(at, "a key must be text");
    }
  }

  DiagnosticSink& sink_;
  std::vector<Frame> frames_;
  std::unordered_map<YAML::anchor_t, YamlPtr> anchors_;  // complete nodes only
  YamlPtr root_;
  Position start_;
};

// What yaml-cpp would misread (it takes byte 4 for the end, and guesses at encodings) or only
// notice far from the cause.
bool readable(std::string_view text, DiagnosticSink& sink) {
  if (text.size() > kMaxYamlBytes) {
    sink.error({}, "file is larger than 1 MiB; split it into several files");
    return false;
  }
  Position at;
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const std::size_t length = utf8_length(text.substr(i));
    if (length == 0) {
      sink.error(at, "not UTF-8; save the file as UTF-8");
      return false;
    }
    if ((byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7F) {
      sink.error(at, "control character " + in_quotes(text.substr(i, 1)) + "; remove it");
      return false;
    }
    at = byte == '\n' ? Position{at.line + 1, 1}
                      : Position{at.line, at.column + static_cast<int>(length)};
    i += length;
  }
  return true;
}

}  // namespace

YamlPtr parse_yaml(std::string_view text, DiagnosticSink& sink) {
  if (text.substr(0, 3) == "\xEF\xBB\xBF") text.remove_prefix(3);
  if (!readable(text, sink)) return nullptr;
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    TreeBuilder builder(sink);
    if (!parser.HandleNextDocument(builder)) return std::make_shared<YamlNode>();
    TreeBuilder rest(sink);
    if (parser.HandleNextDocument(rest)) {
      sink.error(rest.start(), "second YAML document; put it into a file of its own");
      return nullptr;
    }
    return builder.root() ? builder.root() : std::make_shared<YamlNode>();
  } catch (const Refusal& refusal) {
    sink.error(refusal.at, refusal.text);
  } catch (const YAML::Exception& exception) {
    sink.error(
        exception.mark.is_null() ? Position{} : position_of(exception.mark),
        "malformed YAML: " + exception.msg + "; check indentation, quotes and brackets up to here");
  } catch (const std::exception& exception) {
    sink.error({}, std::string("malformed YAML: ") + exception.what());
  }
  return nullptr;
}

}  // namespace holdfast
