// Elastic's current rules for D4C policies, for a policy that has to be valid there as well.
#pragma once

#include "policy/policy_document.h"

namespace holdfast {

// Reports what Elastic refuses (error), or accepts and reads otherwise than holdfast (warning).
void check_d4c(const PolicyDocument& document, DiagnosticSink& sink);

}  // namespace holdfast
