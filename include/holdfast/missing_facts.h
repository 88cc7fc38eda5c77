// Facts about a container that are not known yet, though somebody knows them: the runtime has not
// been asked, or has not answered.
#pragma once

#include <cstdint>
#include <string>

namespace holdfast {

using FactMask = std::uint8_t;

enum Fact : FactMask {
  kImageFact = 1,    // image name and tag
  kPodFact = 2,      // orchestrator type, namespace, pod name
  kLabelsFact = 4,   // the pod's labels
  kClusterFact = 8,  // cluster id and name
  kClaimFact = 16,   // whether a runtime knows the container at all; no condition asks for it
  kActFact = 32,     // nothing about the container: the path, the process, the volume
};
inline constexpr FactMask kAllFacts =
    kImageFact | kPodFact | kLabelsFact | kClusterFact | kClaimFact;

// "the pod's labels, the image"
std::string describe_facts(FactMask missing);

}  // namespace holdfast
