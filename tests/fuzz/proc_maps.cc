// /proc/PID/maps.
#include "container/shared_mapping.h"
#include "fuzz.h"

using namespace holdfast;

void fuzz(std::string_view text) {
  require(!maps_inode_shared_writable(text, {}), "no inode is mapped when none is asked for");
  const bool one = maps_inode_shared_writable(text, {4711});
  require(!one || maps_inode_shared_writable(text, {1, 4711}), "more inodes find no less");
}
