// A profile as the kernel sees it: built by libseccomp in the way runtimes do (runc's
// libcontainer/seccomp, "matchCall"), and evaluated here, one call at a time.
#pragma once

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernel/unique_fd.h"

namespace holdfast::testing {

struct Evaluated {
  std::uint32_t action = 0;      // SECCOMP_RET_…, with its data
  std::size_t instructions = 0;  // that the kernel goes through
};

class SeccompFilter {
 public:
  SeccompFilter(const nlohmann::json& profile, const std::vector<std::string>& architectures) {
    const std::uint32_t otherwise = action_of(profile);
    scmp_filter_ctx context = seccomp_init(otherwise);
    seccomp_arch_remove(context, SCMP_ARCH_NATIVE);
    for (const std::string& name : architectures) {
      must(seccomp_arch_add(context, seccomp_arch_resolve_name(name.c_str())), name);
    }
    for (const nlohmann::json& entry : profile["syscalls"]) {
      if (action_of(entry) == otherwise) continue;
      for (const std::string name : entry["names"]) add(context, name, entry);
    }
    const UniqueFd file(memfd_create("filter", MFD_CLOEXEC));
    must(seccomp_export_bpf(context, file.get()), "export");
    seccomp_release(context);
    program_.resize(static_cast<std::size_t>(lseek(file.get(), 0, SEEK_END)) / sizeof(sock_filter));
    must(pread(file.get(), program_.data(), program_.size() * sizeof(sock_filter), 0) > 0 ? 0 : -1,
         "read");
  }

  std::size_t size() const { return program_.size(); }

  Evaluated operator()(const seccomp_data& call) const {
    std::uint32_t a = 0, x = 0;
    std::array<std::uint32_t, BPF_MEMWORDS> memory{};
    Evaluated result;
    for (std::size_t at = 0; at < program_.size(); ++at) {
      const sock_filter& one = program_[at];
      ++result.instructions;
      const std::uint32_t operand = BPF_SRC(one.code) == BPF_X ? x : one.k;
      switch (BPF_CLASS(one.code)) {
        case BPF_LD:
          if (BPF_MODE(one.code) == BPF_ABS) {
            std::memcpy(&a, reinterpret_cast<const char*>(&call) + one.k, sizeof a);
          } else {
            a = BPF_MODE(one.code) == BPF_IMM ? one.k : memory.at(one.k);
          }
          break;
        case BPF_LDX:
          x = BPF_MODE(one.code) == BPF_IMM ? one.k : memory.at(one.k);
          break;
        case BPF_ST:
          memory.at(one.k) = a;
          break;
        case BPF_STX:
          memory.at(one.k) = x;
          break;
        case BPF_ALU:
          if (BPF_OP(one.code) != BPF_AND) throw std::logic_error("an instruction of another kind");
          a &= operand;
          break;
        case BPF_MISC:
          (BPF_MISCOP(one.code) == BPF_TAX ? x : a) = BPF_MISCOP(one.code) == BPF_TAX ? a : x;
          break;
        case BPF_JMP: {
          const auto op = BPF_OP(one.code);
          if (op == BPF_JA) {
            at += one.k;
            break;
          }
          const bool holds = op == BPF_JEQ   ? a == operand
                             : op == BPF_JGT ? a > operand
                             : op == BPF_JGE ? a >= operand
                                             : (a & operand) != 0;
          at += holds ? one.jt : one.jf;
          break;
        }
        case BPF_RET:
          result.action = one.k;
          return result;
        default:
          throw std::logic_error("an instruction of another kind");
      }
    }
    throw std::logic_error("the filter has no end");
  }

 private:
  static void must(int code, const std::string& what) {
    if (code < 0) throw std::runtime_error(what + ": " + std::strerror(-code));
  }

  static std::uint32_t action_of(const nlohmann::json& entry) {
    const std::string name = entry.value("action", entry.value("defaultAction", ""));
    if (name == "SCMP_ACT_ALLOW") return SCMP_ACT_ALLOW;
    if (name == "SCMP_ACT_NOTIFY") return SCMP_ACT_NOTIFY;
    if (name == "SCMP_ACT_ERRNO")
      return SCMP_ACT_ERRNO(entry.value("errnoRet", entry.value("defaultErrnoRet", 1U)));
    throw std::logic_error("no action of a test: " + name);
  }

  static void add(scmp_filter_ctx context, const std::string& name, const nlohmann::json& entry) {
    const int call = seccomp_syscall_resolve_name(name.c_str());
    if (call == __NR_SCMP_ERROR) return;  // a runtime says so in its log, and goes on
    const std::map<std::string, scmp_compare> comparisons{
        {"SCMP_CMP_NE", SCMP_CMP_NE},
        {"SCMP_CMP_EQ", SCMP_CMP_EQ},
        {"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ}};
    std::vector<scmp_arg_cmp> conditions;
    std::map<unsigned, int> by_argument;
    for (const nlohmann::json& one : entry.value("args", nlohmann::json::array())) {
      const unsigned index = one["index"];
      ++by_argument[index];
      conditions.push_back({index, comparisons.at(one["op"]), one["value"].get<std::uint64_t>(),
                            one.value("valueTwo", std::uint64_t{0})});
    }
    bool alternatives = false;
    for (const auto& [index, count] : by_argument) alternatives |= count > 1;
    if (!alternatives) {
      must(seccomp_rule_add_array(context, action_of(entry), call,
                                  static_cast<unsigned>(conditions.size()), conditions.data()),
           name);
      return;
    }
    for (const scmp_arg_cmp& condition : conditions)
      must(seccomp_rule_add_array(context, action_of(entry), call, 1, &condition), name);
  }

  std::vector<sock_filter> program_;
};

}  // namespace holdfast::testing
