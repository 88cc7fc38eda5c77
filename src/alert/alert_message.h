// The sentence an operator reads: it becomes the alert's name in a SIEM.
#pragma once

#include <string>

#include "alert/alert_record.h"

namespace holdfast {

// "Blocked creation of executable /tmp/x by cp in container web-1 (nginx:1.25)"
// "Container web-1 (nginx:1.25) is not protected: REASON"
std::string alert_message(const AlertRecord& record);

// The last component of a path; of a memory file ("/memfd:NAME (deleted)") the name it was given.
std::string file_name_of(const Event& event);

}  // namespace holdfast
