# libFuzzer targets: tests/fuzz/NAME.cc, its samples in tests/fuzz/corpus/NAME/, and where words help,
# a dictionary in tests/fuzz/NAME.dict. `make fuzz FUZZ=policy FUZZ_SECONDS=600` runs one for long.
FUZZ_CXX = clang++
FUZZ_SECONDS ?= 300
FUZZ_SMOKE_SECONDS ?= 60
FUZZ_DIR = $(BUILD)/fuzz
FUZZ ?= $(patsubst tests/fuzz/%.cc,%,$(sort $(wildcard tests/fuzz/*.cc)))

# Only what the targets call: it is all compiled once more.
FUZZ_SOURCES := $(filter-out src/policy/read_policies.cc,$(wildcard src/policy/*.cc src/replay/*.cc)) \
  $(addprefix src/container/,cgroup_path.cc engine_store.cc host_path.cc image_name.cc mountinfo.cc pod_list.cc server_url.cc \
    oci_seccomp_state.cc oci_store.cc overlay_layers.cc runtime_json.cc seccomp_profile.cc shared_mapping.cc workload_facts.cc) \
  $(addprefix src/alert/,alert_document.cc alert_message.cc event_kind.cc host_facts.cc proc_text.cc) \
  $(addprefix src/kernel/,bounded_call.cc change_events.cc file_stat.cc proc_connector.cc procfs.cc caller_path.cc) \
  src/daemon/settings.cc src/sensor/permission_call.cc
FUZZ_OBJECTS := $(patsubst %.cc,$(FUZZ_DIR)/%.o,$(FUZZ_SOURCES))
FUZZ_TARGETS := $(addprefix $(FUZZ_DIR)/,$(FUZZ))
FUZZ_FLAGS = -std=c++20 -pthread -O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=all

.PHONY: fuzz fuzz-smoke fuzz-short fuzz-targets
.SECONDARY: $(FUZZ_TARGETS:=.o)
fuzz-targets: $(FUZZ_TARGETS)

fuzz: fuzz-targets ## fuzz every parser for FUZZ_SECONDS (or one: FUZZ=NAME), keeping the corpus
	@tests/fuzz/run $(FUZZ_DIR) $(FUZZ_SECONDS) keep $(FUZZ)

fuzz-smoke: fuzz-targets ## fuzz every parser for FUZZ_SMOKE_SECONDS (60), from the samples alone
	@tests/fuzz/run $(FUZZ_DIR) $(FUZZ_SMOKE_SECONDS) forget $(FUZZ)

fuzz-short: fuzz-targets ## the same for 10 s, as a part of `make test`
	@tests/fuzz/run $(FUZZ_DIR) 10 forget $(FUZZ)

$(FUZZ_DIR)/src/%.o: src/%.cc Makefile tests/fuzz/fuzz.mk VERSION | $(PACKAGES)
	@mkdir -p $(@D)
	@echo "  clang $<"
	@$(FUZZ_CXX) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link,address,undefined $(WARNINGS) $(CPPFLAGS) \
	  $(LIB_CFLAGS) -MMD -MP -c -o $@ $<

$(FUZZ_DIR)/libfuzzed.a: $(FUZZ_OBJECTS)
	@rm -f $@
	@ar rcs $@ $^

$(FUZZ_DIR)/%.o: tests/fuzz/%.cc tests/fuzz/fuzz.mk | $(PACKAGES)
	@mkdir -p $(@D)
	@echo "  clang $<"
	@$(FUZZ_CXX) $(FUZZ_FLAGS) -fsanitize=fuzzer,address,undefined $(WARNINGS) $(CPPFLAGS) \
	  $(LIB_CFLAGS) -MMD -MP -c -o $@ $<

$(FUZZ_TARGETS): %: %.o $(FUZZ_DIR)/libfuzzed.a
	@$(FUZZ_CXX) $(FUZZ_FLAGS) -fsanitize=fuzzer,address,undefined -o $@ $^ -lyaml-cpp -lre2

-include $(FUZZ_OBJECTS:.o=.d) $(FUZZ_TARGETS:=.d)
