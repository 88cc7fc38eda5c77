#include "cli/status_table.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace holdfast {
namespace {

const nlohmann::json kPod = {
    {"id", std::string(64, 'a')},
    {"runtime", "containerd"},
    {"namespace", "payments"},
    {"pod", "web-0"},
    {"name", "main"},
    {"image", {{"name", "reg.example/app"}, {"tag", "2.3"}}},
    {"coverage", "full"},
    {"root", "overlay"},
    {"marked", 4},
    {"unmarked", {{{"mount", "/x"}, {"type", "fuse"}, {"reason", "why"}}}},
    {"events", {{"read", 12}, {"refused", 2}, {"alerted", 0}}},
    {"enforcement",
     {{"createExecutable", "block"}, {"modifyExecutable", "alert"}, {"execMemFd", "kill"}}}};

std::string table(nlohmann::json container) {
  return status_table({{"version", "1"},
                       {"health", "ok"},
                       {"enforcing", true},
                       {"containers", {std::move(container)}},
                       {"exec_watch", {{"state", "on"}}},
                       {"events", {{"read", 3}}},
                       {"alerts", nlohmann::json::object()}});
}

TEST(StatusTable, ARowOfAContainer) {
  const std::string text = table(kPod);
  EXPECT_NE(text.find("holdfast 1: ok, blocking\n"), std::string::npos) << text;
  EXPECT_NE(text.find("containerd  aaaaaaaaaaaa  payments/web-0/main  reg.example/app:2.3  full"
                      "      block   alert   kill   12      2        0        -       overlay +3, "
                      "1 unmarked\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("events 3, refused 0"), std::string::npos);
}

TEST(StatusTable, WhatIsNotKnownYetIsTold) {
  nlohmann::json container = kPod;
  container.erase("runtime");
  container["missing"] = "the pod's labels";
  EXPECT_NE(table(container).find("(asked)"), std::string::npos);
  EXPECT_NE(table(container).find("not known yet: the pod's labels"), std::string::npos);
}

// A container chooses its name, its image's and its labels.
TEST(StatusTable, NothingSteersTheTerminal) {
  nlohmann::json container = kPod;
  container["name"] = "\x1b[2J\nrow\x9b" + std::string(500, 'n');
  container["image"]["name"] = "i\r\n\x07";
  const std::string text = table(container);
  for (const char c : text) EXPECT_TRUE(c == '\n' || (c >= ' ' && c <= '~')) << int{c};
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 5) << text;
  EXPECT_LT(text.size(), 800U);
}

TEST(StatusTable, ValuesOfOtherTypesArePassedOver) {
  EXPECT_NE(status_table({{"containers", {{{"id", 7}, {"image", "x"}, {"enforcement", {1}}}}},
                          {"runtimes", {{{"error", 1}}}},
                          {"exec_watch", 1}})
                .find("(none)"),
            std::string::npos);
}

}  // namespace
}  // namespace holdfast
