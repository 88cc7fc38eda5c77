// What the worker gives up once it has started. It parses what containers choose (paths, /proc
// texts, runtimes' JSON); whoever takes it over through that should find little to use.
#pragma once

#include "holdfast/result.h"

namespace holdfast {

// Keeps CAP_SYS_ADMIN (fanotify), SYS_PTRACE (/proc/PID/{root,exe,ns,syscall}), DAC_READ_SEARCH and
// DAC_OVERRIDE (layers, leftovers, the log), FOWNER (modes and sticky directories of others), LEASE
// (the write probe), KILL (what runs and must not), CHOWN (memory files that are made for their
// callers); the bounding set likewise, where CAP_SETPCAP allows it. Of this thread only.
Status drop_capabilities();

// Sets no_new_privs and a seccomp filter for all threads: EPERM, with an audit record, for what the
// worker never does. Calls of other ABIs (x32, i386) end the process. clone3 gives ENOSYS, as its
// flags cannot be seen; libc then uses clone.
Status refuse_system_calls();

// Both, and no core dumps or debugger (PR_SET_DUMPABLE). Before the first thread starts. What the
// worker spawns (the runtime hold) inherits it all and needs no more: fanotify_init and _mark.
Status confine_worker();

}  // namespace holdfast
