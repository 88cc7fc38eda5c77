// /proc/PID/{stat,status,cmdline}, /proc/stat and the links below /proc/PID.
#include "alert/proc_text.h"

#include "fuzz.h"

using namespace holdfast;

void fuzz(std::string_view text) {
  if (const auto stat = parse_proc_stat(text)) {
    require(text.find(stat->name) != std::string_view::npos, "the name is part of the text");
  }
  parse_proc_status(text);
  parse_boot_time(text);
  parse_namespace_link(text);
  require(text.starts_with(without_deleted_mark(text)), "only an end is taken off");
  const auto args = parse_cmdline(text, 8, 16);
  require(args.size() <= 8, "the number of arguments is bounded");
  for (const std::string& arg : args) require(arg.size() <= 16, "arguments are bounded");
  const std::string id = process_entity_id(1, text, 2, 3);
  require(id.size() % 4 == 0 && id.size() * 3 >= text.size() * 4, "the entity id is base64");
}
