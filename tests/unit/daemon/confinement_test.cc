#include "daemon/confinement.h"

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace holdfast {
namespace {

// Runs in a confined child, as the filter stays for life; what the child returns is its exit code.
int in_confined_child(const std::function<int()>& body) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(10);
    if (!confine_worker()) _exit(99);
    _exit(body());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

struct Attempt {
  const char* name;
  std::function<long()> call;
};

// Arguments are such that without the filter nothing would happen either.
const std::vector<Attempt>& refused() {
  constexpr long kBad = -1;
  static const std::vector<Attempt> attempts{
      {"ptrace", [] { return syscall(SYS_ptrace, kBad, 0, 0, 0); }},
      {"process_vm_writev", [] { return syscall(SYS_process_vm_writev, kBad, 0, 0, 0, 0, 0); }},
      {"pidfd_getfd", [] { return syscall(SYS_pidfd_getfd, kBad, 0, 0); }},
      {"userfaultfd", [] { return syscall(SYS_userfaultfd, kBad); }},
      {"init_module", [] { return syscall(SYS_init_module, 0, 0, 0); }},
      {"finit_module", [] { return syscall(SYS_finit_module, kBad, 0, 0); }},
      {"delete_module", [] { return syscall(SYS_delete_module, 0, 0); }},
      {"kexec_file_load", [] { return syscall(SYS_kexec_file_load, kBad, kBad, 0, 0, 0); }},
      {"bpf", [] { return syscall(SYS_bpf, kBad, 0, 0); }},
      {"perf_event_open", [] { return syscall(SYS_perf_event_open, 0, 0, 0, 0, 0); }},
      {"mount", [] { return syscall(SYS_mount, 0, 0, 0, 0, 0); }},
      {"umount2", [] { return syscall(SYS_umount2, 0, 0); }},
      {"move_mount", [] { return syscall(SYS_move_mount, kBad, 0, kBad, 0, 0); }},
      {"fsopen", [] { return syscall(SYS_fsopen, 0, 0); }},
      {"fsmount", [] { return syscall(SYS_fsmount, kBad, 0, 0); }},
      {"open_tree", [] { return syscall(SYS_open_tree, kBad, 0, 0); }},
      {"open_tree_attr", [] { return syscall(467, kBad, 0, 0, 0, 0); }},
      {"pivot_root", [] { return syscall(SYS_pivot_root, 0, 0); }},
      {"chroot", [] { return syscall(SYS_chroot, 0); }},
      {"setns", [] { return syscall(SYS_setns, kBad, 0); }},
      {"unshare", [] { return syscall(SYS_unshare, 0); }},
      {"clone new user namespace",
       [] { return syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0); }},
      {"reboot", [] { return syscall(SYS_reboot, 0, 0, 0, 0); }},
      {"swapon", [] { return syscall(SYS_swapon, 0, 0); }},
      {"add_key", [] { return syscall(SYS_add_key, 0, 0, 0, 0, 0); }},
      {"keyctl", [] { return syscall(SYS_keyctl, kBad, 0, 0, 0, 0); }},
      {"clock_settime", [] { return syscall(SYS_clock_settime, kBad, 0); }},
      {"adjtimex", [] { return syscall(SYS_adjtimex, 0); }},
      {"sethostname", [] { return syscall(SYS_sethostname, 0, kBad); }},
      {"acct", [] { return syscall(SYS_acct, kBad); }},
      {"personality", [] { return syscall(SYS_personality, 0xffffffff); }},
      {"io_uring_setup", [] { return syscall(SYS_io_uring_setup, 0, 0); }},
      {"socket AF_PACKET", [] { return syscall(SYS_socket, AF_PACKET, SOCK_RAW, 0); }},
      {"socket AF_VSOCK", [] { return syscall(SYS_socket, AF_VSOCK, SOCK_STREAM, 0); }},
      {"socket AF_ALG", [] { return syscall(SYS_socket, AF_ALG, SOCK_SEQPACKET, 0); }},
      {"socket with high bits", [] { return syscall(SYS_socket, (1L << 32) | AF_PACKET, 3, 0); }},
      {"mmap writable and executable",
       [] {
         return syscall(SYS_mmap, 0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
       }},
      {"mprotect writable and executable",
       [] { return syscall(SYS_mprotect, 0, 4096, PROT_WRITE | PROT_EXEC); }},
      {"shmat executable", [] { return syscall(SYS_shmat, kBad, 0, SHM_EXEC); }},
      {"TIOCSTI", [] { return syscall(SYS_ioctl, kBad, TIOCSTI, 0); }},
  };
  return attempts;
}

TEST(Confinement, EachRefusedCallGivesEperm) {
  for (std::size_t i = 0; i < refused().size(); ++i) {
    const Attempt& attempt = refused()[i];
    EXPECT_EQ(in_confined_child([&] {
                errno = 0;
                return attempt.call() == -1 && errno == EPERM ? 0 : 1;
              }),
              0)
        << attempt.name;
  }
}

TEST(Confinement, OtherAbisEndTheProcess) {
#ifdef __x86_64__
  constexpr long kX32 = 0x40000000;
  EXPECT_EQ(in_confined_child([] { return syscall(kX32 | SYS_getpid) > 0 ? 0 : 1; }),
            1000 + SIGSYS);
#endif
}

TEST(Confinement, WhatTheWorkerDoesStillWorks) {
  EXPECT_EQ(in_confined_child([] {
              int step = 1;
              for (const int family : {AF_UNIX, AF_INET, AF_NETLINK}) {
                if (socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0) < 0) return step;
                ++step;
              }
              std::thread([&] { ++step; }).join();
              if (step != 5) return step;
              if (memfd_create("x", MFD_CLOEXEC) < 0) return 6;
              const pid_t child = fork();
              if (child == 0) {
                execl("/bin/true", "true", nullptr);
                _exit(1);
              }
              int status = 1;
              waitpid(child, &status, 0);
              return status == 0 ? 0 : 7;
            }),
            0);
}

TEST(Confinement, AWrittenPageNeverBecomesExecutable) {
  if (prctl(66, 0, 0, 0, 0) < 0) GTEST_SKIP() << "PR_GET_MDWE needs Linux 6.3";
  EXPECT_EQ(in_confined_child([] {
              void* page =
                  mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
              return mprotect(page, 4096, PROT_READ | PROT_EXEC) == -1 && errno == EACCES ? 0 : 1;
            }),
            0);
}

TEST(Confinement, NoCapabilityComesBackByExec) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  EXPECT_EQ(in_confined_child([] {
              if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || prctl(PR_GET_DUMPABLE) != 0)
                return 1;
              if (prctl(PR_CAPBSET_READ, CAP_SYS_MODULE) != 0) return 2;
              // CapEff of the new program: SYS_MODULE is bit 16, SYS_ADMIN bit 21.
              execl("/bin/sh", "sh", "-c",
                    "read -r _ caps <<E\n$(grep CapEff /proc/self/status)\nE\n"
                    "[ $((0x$caps >> 16 & 1)) = 0 ] && [ $((0x$caps >> 17 & 1)) = 0 ]",
                    nullptr);
              return 3;
            }),
            0);
}

}  // namespace
}  // namespace holdfast
