#include "daemon/confinement.h"

#include <linux/capability.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>

namespace holdfast {
namespace {

constexpr std::array kKept{CAP_SYS_ADMIN,    CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH,
                           CAP_DAC_OVERRIDE, CAP_FOWNER,     CAP_LEASE,
                           CAP_KILL,         CAP_CHOWN};

constexpr std::array kRefused{
    // other processes' memory and descriptors
    "ptrace", "process_vm_writev", "pidfd_getfd", "userfaultfd",
    // code in the kernel
    "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "bpf",
    "perf_event_open",
    // the file tree
    "mount", "umount2", "move_mount", "mount_setattr", "fsopen", "fsconfig", "fsmount", "fspick",
    "open_tree", "pivot_root", "chroot", "swapon", "swapoff", "quotactl", "quotactl_fd",
    // namespaces
    "setns", "unshare",
    // the machine
    "reboot", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "sethostname",
    "setdomainname", "acct", "iopl", "ioperm", "modify_ldt", "syslog", "vhangup",
    // keys
    "add_key", "keyctl", "request_key",
    // past this filter or its address space rules
    "io_uring_setup", "io_uring_enter", "io_uring_register", "personality"};
constexpr int kSetMdwe = 65;  // PR_SET_MDWE, 6.3; newer than Debian 12's headers
constexpr unsigned long kRefuseExecGain = 1;
constexpr int kOpenTreeAttr = 467;  // 6.15; newer than libseccomp 2.5

constexpr std::array kFamilies{AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
constexpr scmp_datum_t kNewNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS |
                                        CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

// The first failure of many rules.
class Filter {
 public:
  Filter() : context_(seccomp_init(SCMP_ACT_ALLOW), seccomp_release) {
    if (!context_) code_ = ENOMEM;
    attribute(SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    attribute(SCMP_FLTATR_CTL_NNP, 1);
    attribute(SCMP_FLTATR_CTL_TSYNC, 1);
    attribute(SCMP_FLTATR_CTL_LOG, 1);
  }

  void refuse(int call, std::initializer_list<scmp_arg_cmp> arguments = {}, int error = EPERM) {
    if (code_ != 0) return;
    code_ =
        -seccomp_rule_add_array(context_.get(), SCMP_ACT_ERRNO(static_cast<unsigned>(error)), call,
                                static_cast<unsigned>(arguments.size()), arguments.begin());
  }
  void refuse_bits(int call, unsigned argument, scmp_datum_t bits) {
    refuse(call, {SCMP_CMP64(argument, SCMP_CMP_MASKED_EQ, bits, bits)});
  }
  Status load() {
    if (code_ == 0) code_ = -seccomp_load(context_.get());
    if (code_ == 0) return {};
    return Error{code_, "set a seccomp filter", "the kernel needs CONFIG_SECCOMP_FILTER"};
  }

 private:
  void attribute(scmp_filter_attr attribute, std::uint32_t value) {
    if (code_ == 0) code_ = -seccomp_attr_set(context_.get(), attribute, value);
  }
  std::unique_ptr<void, decltype(&seccomp_release)> context_;
  int code_ = 0;
};

// Compared as the whole register: what has high bits is above all families.
void refuse_other_families(Filter& filter, int call) {
  const int highest = *std::max_element(kFamilies.begin(), kFamilies.end());
  for (int family = 0; family < highest; ++family) {
    if (std::find(kFamilies.begin(), kFamilies.end(), family) == kFamilies.end()) {
      filter.refuse(call, {SCMP_CMP64(0, SCMP_CMP_EQ, static_cast<scmp_datum_t>(family))});
    }
  }
  filter.refuse(call, {SCMP_CMP64(0, SCMP_CMP_GT, static_cast<scmp_datum_t>(highest))});
}

bool kept(int capability) {
  return std::find(kKept.begin(), kKept.end(), capability) != kKept.end();
}

}  // namespace

Status drop_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
  if (syscall(SYS_capget, &header, sets.data()) != 0) return errno_error("capget");
  const bool may_bound =
      (sets[CAP_TO_INDEX(CAP_SETPCAP)].effective & CAP_TO_MASK(CAP_SETPCAP)) != 0;
  // Without CAP_SETPCAP the bounding set stays; no_new_privs lets no exec gain from it.
  for (int capability = 0; may_bound; ++capability) {
    const int present = prctl(PR_CAPBSET_READ, capability);
    if (present < 0) break;  // beyond the last that this kernel has
    if (present == 0 || kept(capability)) continue;
    if (prctl(PR_CAPBSET_DROP, capability) != 0) return errno_error("drop from the bounding set");
  }
  std::array<std::uint32_t, _LINUX_CAPABILITY_U32S_3> wanted{};
  for (const int capability : kKept) wanted.at(CAP_TO_INDEX(capability)) |= CAP_TO_MASK(capability);
  for (std::size_t i = 0; i < sets.size(); ++i) {
    sets.at(i).permitted &= wanted.at(i);
    sets.at(i).effective &= wanted.at(i);
    sets.at(i).inheritable = 0;
  }
  if (syscall(SYS_capset, &header, sets.data()) != 0) return errno_error("capset");
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  return {};
}

Status refuse_system_calls() {
  Filter filter;
  for (const char* name : kRefused) {
    const int call = seccomp_syscall_resolve_name(name);
    if (call != __NR_SCMP_ERROR) filter.refuse(call);
  }
  filter.refuse(kOpenTreeAttr);
  for (const int call : {SCMP_SYS(socket), SCMP_SYS(socketpair)})
    refuse_other_families(filter, call);
  for (const int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect), SCMP_SYS(pkey_mprotect)})
    filter.refuse_bits(call, 2, PROT_WRITE | PROT_EXEC);
  filter.refuse_bits(SCMP_SYS(shmat), 2, SHM_EXEC);
  for (scmp_datum_t flag = 1; flag <= kNewNamespaces; flag <<= 1) {
    if ((flag & kNewNamespaces) != 0) filter.refuse_bits(SCMP_SYS(clone), 0, flag);
  }
  filter.refuse(SCMP_SYS(clone3), {}, ENOSYS);
  // Keys pressed into a terminal that stderr may be.
  for (const scmp_datum_t request : {TIOCSTI, TIOCLINUX}) {
    filter.refuse(SCMP_SYS(ioctl), {SCMP_CMP64(1, SCMP_CMP_MASKED_EQ, 0xffffffff, request)});
  }
  return filter.load();
}

Status confine_worker() {
  if (Status dropped = drop_capabilities(); !dropped) return dropped;
  if (prctl(PR_SET_DUMPABLE, 0) != 0) return errno_error("PR_SET_DUMPABLE");
  // No page becomes executable later; the filter refuses only writable and executable together.
  // Older kernels know nothing of it: EINVAL.
  prctl(kSetMdwe, kRefuseExecGain, 0, 0, 0);
  return refuse_system_calls();
}

}  // namespace holdfast
