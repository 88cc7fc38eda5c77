// Result<T>: the value, or an Error that says what was attempted, on what, and why it failed.
// Used for everything that may fail at run time; exceptions stay inside the boundaries of
// libraries that throw.
#pragma once

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>
#include <variant>

namespace holdfast {

struct Error {
  int code = 0;        // an errno value; 0 when no system call was involved
  std::string what;    // what was attempted, and on what: "open /proc/41/cgroup"
  std::string remedy;  // what the operator can do; may be empty

  // "open /proc/41/cgroup: No such file or directory (remedy)"
  std::string message() const {
    std::string text = what;
    if (code != 0) text += std::string(": ") + std::strerror(code);
    if (!remedy.empty()) text += " (" + remedy + ")";
    return text;
  }
};

// The error of the system call that just failed.
inline Error errno_error(std::string what, std::string remedy = "") {
  return Error{errno, std::move(what), std::move(remedy)};
}

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}      // NOLINT: conversion is the point
  Result(Error error) : state_(std::move(error)) {}  // NOLINT

  explicit operator bool() const { return ok(); }
  bool ok() const { return std::holds_alternative<T>(state_); }
  T& operator*() { return std::get<T>(state_); }
  const T& operator*() const { return std::get<T>(state_); }
  T* operator->() { return &std::get<T>(state_); }
  const T* operator->() const { return &std::get<T>(state_); }
  const Error& error() const { return std::get<Error>(state_); }

 private:
  std::variant<T, Error> state_;
};

// The result of an action that yields no value.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Error error) : error_(std::move(error)), failed_(true) {}  // NOLINT

  explicit operator bool() const { return !failed_; }
  bool ok() const { return !failed_; }
  const Error& error() const { return error_; }

 private:
  Error error_;
  bool failed_ = false;
};

}  // namespace holdfast
