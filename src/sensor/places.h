// Where in a container a file lies: on its root, on a filesystem of its own (tmpfs), or on a
// volume. Each place has its own answer to what drift is.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "container/root_content.h"
#include "holdfast/event.h"
#include "sensor/event_facts.h"
#include "sensor/gates.h"

namespace holdfast {

struct Place {
  dev_t device = 0;                      // st_dev of its files
  std::string mount_point;               // in the container; "" for the root
  int mount_id = 0;                      // as in mountinfo; 0 for the root
  std::vector<std::string> views;        // directories that show it, for removing leftovers
  std::shared_ptr<RootContent> content;  // never null
  Volume volume = Volume::none;
  ExecutableRules rules;
  bool overlay = false;
};

class Places {
 public:
  // The root is where a file lies whose device is none of the others' (an overlay shows its layers'
  // devices), unless it lies on no overlay though the root is one: then on a volume that is not
  // known yet, whose content `elsewhere` judges.
  explicit Places(Place root, std::vector<Place> others = {},
                  std::shared_ptr<RootContent> elsewhere = nullptr);

  const Place& root() const { return places_.front(); }
  std::size_t count() const { return places_.size(); }

  // The place by whose content a file is judged. Asks for the file's path only where its device
  // does not decide.
  const Place& of(EventFacts& facts) const;
  // By what a file there is judged; null: nothing is known of that device.
  std::shared_ptr<RootContent> content_on(dev_t device, const std::string& path) const;
  std::shared_ptr<RootContent> content_elsewhere() const {
    return elsewhere_ ? elsewhere_->content : nullptr;
  }
  // The place that a path lies in, of those on the same device: two volumes may share one.
  const Place& at(const Place& judged_by, const std::string& path) const;
  // Does a mount stand at that path?
  bool is_mount_point(const std::string& path) const;
  // The container's path of a file, given what the kernel says of it: below that mount alone, once
  // the mount is gone.
  std::string whole_path(std::string path, int mount_id) const;

 private:
  std::vector<Place> places_;  // the root first
  std::optional<Place> elsewhere_;
  bool path_decides(dev_t device) const;

  std::vector<dev_t> by_path_;  // devices whose places judge differently
};

}  // namespace holdfast
