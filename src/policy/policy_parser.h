// YAML -> PolicyDocument: the shape of a policy and of every value in it.
#pragma once

#include <string_view>

#include "policy/policy_document.h"

namespace holdfast {

// Reads one policy file. Every problem goes to `sink`; after errors the document holds what could
// be understood, so that rules that span selectors and responses can still be checked.
PolicyDocument parse_policy(std::string_view yaml, DiagnosticSink& sink);

// Checks what spans selectors and responses: unique names, references, the conditions of `block`.
void check_references(const PolicyDocument& document, DiagnosticSink& sink);

}  // namespace holdfast
