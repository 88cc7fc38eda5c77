// What podman, CRI-O (both containers/storage) and docker keep on disk about their containers.
// Directories are given as this process reaches them. Every function reads its files anew; missing
// or half-written ones are as if the container was not known.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "container/workload_facts.h"

namespace holdfast {

// containers/storage, whatever its driver: STORAGE/DRIVER-containers/.
std::optional<WorkloadFacts> storage_container(const std::string& storage, const std::string& id);
// The container whose read-write layer this is (STORAGE/DRIVER/LAYER).
std::optional<std::string> storage_container_of_layer(const std::string& storage,
                                                      const std::string& layer);

// docker: ROOT/containers/ID/config.v2.json.
std::optional<WorkloadFacts> docker_container(const std::string& root, const std::string& id);
// The container whose read-write layer is mounted at ROOT/DRIVER/MOUNT_ID/merged.
std::optional<std::string> docker_container_of_mount_id(const std::string& root,
                                                        const std::string& mount_id);

// The names in a directory, without "." and ".."; none when there is no such directory.
std::vector<std::string> names_in(const std::string& directory);

}  // namespace holdfast
