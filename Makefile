# holdfast: `make demo` and `make test` are the two commands; `make help` lists the others.
# Objects go below $(BUILD). Nothing but git, make and apt is needed to start: missing packages are
# installed by scripts/install-packages.
BUILD ?= build
# One spelling of the directory: the dependency files name their targets by it.
override BUILD := $(patsubst $(CURDIR)/%,%,$(BUILD))
PREFIX ?= /usr
DESTDIR ?=
CXX = g++
SANITIZE ?=
# Packages are missing or present as a whole; the stamp notices a changed list.
PACKAGES = $(BUILD)/.packages
# Builds use all processors, whether -j is given or not.
IN_PARALLEL = $(MAKE) --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

VERSION := $(shell cat VERSION)
LIBS = yaml-cpp re2 libcgroup spdlog libseccomp openssl
CPPFLAGS += -Iinclude -Isrc -DHOLDFAST_VERSION='"$(VERSION)"' -D_FILE_OFFSET_BITS=64 -D_GNU_SOURCE
CXXFLAGS ?= -O2 -g
WARNINGS = -Wall -Wextra -Wpedantic -Werror -Wno-missing-field-initializers
CXXSTD = -std=c++20 -pthread $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer)
# The libraries' flags are asked for when a recipe runs: the packages may not be there before.
LIB_CFLAGS = $$(pkg-config --cflags $(LIBS))
LIB_LDFLAGS = $$(pkg-config --libs $(LIBS)) -lgrpc++ -lgrpc -lgpr -lprotobuf

SOURCES := $(sort $(wildcard src/*/*.cc))
MAIN := src/cli/main.cc
LIB_OBJECTS := $(patsubst %.cc,$(BUILD)/%.o,$(filter-out $(MAIN),$(SOURCES))) $(BUILD)/proto/container/cri.pb.o
TEST_SOURCES := $(sort $(wildcard tests/unit/*.cc tests/unit/*/*.cc))
TEST_OBJECTS := $(patsubst %.cc,$(BUILD)/%.o,$(TEST_SOURCES))
TARGETS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(sort $(wildcard tests/evasion/*.c tests/benign/*.c tests/e2e/*.c tests/faults/*.c)))
FAULT_SOURCES := $(sort $(wildcard tests/faults/*.cc))
CXX_ALL := $(SOURCES) $(TEST_SOURCES) $(FAULT_SOURCES) $(wildcard bench/*.cc portable/*.cc)

.PHONY: all build targets demo test unit e2e evasion test-evasion test-storm faults test-faults test-soak \
	benign test-benign bench-policy bench-seccomp lint fmt clean install packages help sanitize
.DELETE_ON_ERROR:
all: build
build: $(BUILD)/holdfast ## build the daemon

help: ## list the targets
	@grep -hE '^[a-z0-9._-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 24

packages: $(PACKAGES) ## install the Debian packages that build and tests need
$(PACKAGES): scripts/install-packages
	@mkdir -p $(@D)
	@$(SUDO) scripts/install-packages
	@touch $@

$(BUILD)/%.o: %.cc Makefile VERSION | $(PACKAGES)
	@mkdir -p $(@D)
	@echo "  c++   $<"
	@$(CXX) $(CXXSTD) $(WARNINGS) $(CPPFLAGS) $(LIB_CFLAGS) $(CXXFLAGS) -MMD -MP -c -o $@ $<

# Tests are compiled more often than run.
$(BUILD)/tests/unit/%.o: CXXFLAGS := $(filter-out -O%,$(CXXFLAGS)) -O0

# The CRI's messages; gRPC is known to one file.
$(BUILD)/proto/container/cri.pb.cc: src/container/cri.proto | $(PACKAGES)
	@mkdir -p $(@D)
	@protoc -Isrc --proto_path=src --cpp_out=$(BUILD)/proto container/cri.proto
$(BUILD)/proto/container/cri.pb.o: $(BUILD)/proto/container/cri.pb.cc
	@echo "  c++   $<"
	@$(CXX) $(CXXSTD) -w -I$(BUILD)/proto $(CXXFLAGS) -MMD -MP -c -o $@ $<
CRI_USERS := $(BUILD)/src/container/cri_client.o $(BUILD)/tests/unit/container/cri_client_test.o
$(CRI_USERS): $(BUILD)/proto/container/cri.pb.cc
$(CRI_USERS): CPPFLAGS += -isystem $(BUILD)/proto

# What every event passes through; most of it is loops over sets of selectors, a tenth faster as vectors.
$(BUILD)/src/policy/engine.o: CXXFLAGS += -O3

$(BUILD)/libholdfast.a: $(LIB_OBJECTS)
	@rm -f $@
	@ar rcs $@ $^

$(BUILD)/holdfast: $(BUILD)/src/cli/main.o $(BUILD)/libholdfast.a
	@echo "  link  $@"
	@$(CXX) $(CXXSTD) $(LDFLAGS) -o $@ $^ $(LIB_LDFLAGS)

# gRPC's server has inline functions that call abseil.
$(BUILD)/unit-tests: $(TEST_OBJECTS) $(BUILD)/libholdfast.a
	@echo "  link  $@"
	@$(CXX) $(CXXSTD) $(LDFLAGS) -o $@ $^ -lgtest_main -lgmock -lgtest $(LIB_LDFLAGS) -labsl_synchronization

# The daemon that dies between the read of an event and its answer.
$(BUILD)/holdfast-faults: $(BUILD)/src/cli/main.o $(BUILD)/tests/faults/after_read.o $(BUILD)/libholdfast.a
	@echo "  link  $@"
	@$(CXX) $(CXXSTD) $(LDFLAGS) -o $@ $^ $(LIB_LDFLAGS)

# Test programs that run inside containers: static, so that they need nothing there.
$(BUILD)/tests/%: tests/%.c $(wildcard tests/*/*.h) | $(PACKAGES)
	@mkdir -p $(@D)
	@gcc -O2 -static -Wall -Wextra -Werror -D_GNU_SOURCE -pthread -o $@ $<
# The payload as a library, for LD_PRELOAD and dlopen.
$(BUILD)/tests/evasion/payload.so: tests/evasion/library/payload.c | $(PACKAGES)
	@mkdir -p $(@D)
	@gcc -O2 -shared -fPIC -Wall -Wextra -Werror -o $@ $<
targets: $(TARGETS) $(BUILD)/tests/evasion/payload.so $(BUILD)/holdfast-faults

$(BUILD)/bench-policy: $(BUILD)/bench/policy.o $(BUILD)/libholdfast.a
	@echo "  link  $@"
	@$(CXX) $(CXXSTD) $(LDFLAGS) -o $@ $^ -lbenchmark $(LIB_LDFLAGS)

bench-policy: $(BUILD)/bench-policy ## what compiling a policy and deciding an event cost; fails beyond the targets
	@$<

demo: ## start a real container under the blocking policy and attack it
	@$(IN_PARALLEL) build
	@$(SUDO) scripts/demo $(BUILD)/holdfast

# What is built is built together; suites disturb each other and run one after the other.
test: ## all tests: unit, end to end, evasion, faults, parsers, old kernels
	@$(IN_PARALLEL) build $(BUILD)/unit-tests targets fuzz-targets portable
	@for suite in unit e2e evasion faults fuzz-short kernels; do $(MAKE) --no-print-directory $$suite || exit; done

unit: $(BUILD)/unit-tests ## unit tests
	@$(BUILD)/unit-tests --gtest_brief=1 >$(BUILD)/unit-tests.log 2>&1 || { cat $(BUILD)/unit-tests.log; exit 1; }
	@tail -n 1 $(BUILD)/unit-tests.log
	@[ "$$CI" != true ] || ! grep SKIPPED $(BUILD)/unit-tests.log

e2e: build targets ## end-to-end tests against real container runtimes (root)
	@$(SUDO) tests/run-e2e $(BUILD)

evasion: build targets ## evasion tests, each technique once, and a storm of seconds (root)
	@$(SUDO) tests/run-evasion $(BUILD)

test-evasion: build targets ## each technique 20 times under block; prints the table, writes docs/evasion.md (root)
	@PYTHONDONTWRITEBYTECODE=1 tests/evasion/report.py >docs/evasion.md
	@$(SUDO) HOLDFAST_EVASION_RUNS=20 tests/run-evasion $(BUILD) -k "not storm"

test-storm: build targets ## writers, executors, swaps and renames for HOLDFAST_STORM_SECONDS (600) (root)
	@$(SUDO) HOLDFAST_STORM_SECONDS=$${HOLDFAST_STORM_SECONDS:-600} tests/run-evasion $(BUILD) -k storm

include tests/fuzz/fuzz.mk
include portable/portable.mk
include tests/kernels/kernels.mk
include tests/kubernetes/kubernetes.mk

faults: build targets ## fault tests, in short: what each fault leads to (root)
	@$(SUDO) tests/run-faults $(BUILD)

test-faults: build targets ## fault tests at full length (root)
	@$(SUDO) HOLDFAST_LONG=1 tests/run-faults $(BUILD) -k "not soak"

test-soak: build targets ## containers come and go for HOLDFAST_SOAK_SECONDS (1200): nothing grows (root)
	@$(SUDO) HOLDFAST_SOAK_SECONDS=$${HOLDFAST_SOAK_SECONDS:-1200} tests/run-faults $(BUILD) -k soak

benign: build ## false-alarm tests, the quick ones: real software under the shipped policies (root)
	@$(SUDO) HOLDFAST_QUICK=1 tests/run-benign $(BUILD)

test-benign: build ## false-alarm tests: all workloads, and the recipes of docs/policy-recipes.md (root)
	@$(SUDO) tests/run-benign $(BUILD)

bench-seccomp: build targets ## what memfd_create costs under the seccomp agent, and calls that it is not asked about (root)
	@$(SUDO) scripts/exclusively bench/seccomp $(BUILD)

sanitize: ## unit tests under ASan+UBSan and TSan
	@LSAN_OPTIONS=suppressions=$(CURDIR)/tests/lsan.supp $(MAKE) --no-print-directory unit \
	  BUILD=$(BUILD)/asan SANITIZE=address,undefined CXXFLAGS="-O1 -g"
	@TSAN_OPTIONS=suppressions=$(CURDIR)/tests/tsan.supp $(MAKE) --no-print-directory unit \
	  BUILD=$(BUILD)/tsan SANITIZE=thread CXXFLAGS="-O1 -g"

lint: compile_commands.json ## clang-format and clang-tidy, as CI runs them
	@clang-format --dry-run -Werror $(CXX_ALL) $(sort $(wildcard include/holdfast/*.h src/*/*.h tests/unit/*.h tests/fuzz/*.cc tests/fuzz/*.h))
	@printf '%s\n' $(SOURCES) | xargs -P $$(nproc) -n 4 clang-tidy --quiet -p . 2>/dev/null

fmt: ## format the sources
	@clang-format -i $(CXX_ALL) $(sort $(wildcard include/holdfast/*.h src/*/*.h tests/unit/*.h tests/fuzz/*.cc tests/fuzz/*.h))

compile_commands.json: Makefile $(CXX_ALL) $(BUILD)/proto/container/cri.pb.cc | $(PACKAGES)
	@flags="$(CXXSTD) $(WARNINGS) $(subst ",\\\",$(CPPFLAGS)) -isystem $(BUILD)/proto $(LIB_CFLAGS)"; \
	{ sep='['; for f in $(CXX_ALL); do \
	  printf '%s\n{"directory":"%s","file":"%s","command":"c++ %s -c %s"}' "$$sep" "$(CURDIR)" "$$f" "$$flags" "$$f"; sep=,; \
	done; echo ']'; } > $@

clean: ## remove what was built
	@rm -rf $(BUILD) compile_commands.json

install: build ## install below $(DESTDIR)$(PREFIX) and $(DESTDIR)/etc/holdfast
	install -D -m 755 $(BUILD)/holdfast $(DESTDIR)$(PREFIX)/sbin/holdfast
	install -D -m 644 policies/default.yml $(DESTDIR)/etc/holdfast/policies/default.yml
	install -D -m 644 policies/block.yml $(DESTDIR)$(PREFIX)/share/holdfast/policies/block.yml
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/holdfast/policies/examples policies/examples/*.yml
	install -D -m 644 policies/holdfast-policy.schema.json $(DESTDIR)$(PREFIX)/share/holdfast/holdfast-policy.schema.json
	install -D -m 644 docs/holdfast.8 $(DESTDIR)$(PREFIX)/share/man/man8/holdfast.8
	install -D -m 644 systemd/holdfast.service $(DESTDIR)/lib/systemd/system/holdfast.service
	install -D -m 644 systemd/holdfast-retry.timer $(DESTDIR)/lib/systemd/system/holdfast-retry.timer
	install -D -m 644 systemd/holdfast-seccomp.socket $(DESTDIR)/lib/systemd/system/holdfast-seccomp.socket
	install -D -m 755 seccomp/holdfast-runtime $(DESTDIR)$(PREFIX)/libexec/holdfast/holdfast-runtime
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/holdfast/seccomp seccomp/podman.json seccomp/docker.json seccomp/cri-x86_64.json

-include $(LIB_OBJECTS:.o=.d) $(BUILD)/src/cli/main.d $(TEST_OBJECTS:.o=.d) $(patsubst %.cc,$(BUILD)/%.d,$(FAULT_SOURCES)) $(BUILD)/bench/policy.d
