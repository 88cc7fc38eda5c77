# `make portable`: one static file that needs neither a loader nor libraries nor an /etc.
PORTABLE = $(BUILD)/portable/holdfast
# As LIBS; spdlog and fmt, which have no archives in Debian 12, are portable/logging.cc.
STATIC_LIBS = -lyaml-cpp -lcgroup -lseccomp $$(pkg-config --static --libs grpc++ protobuf) -lre2

.PHONY: portable
portable: $(PORTABLE) ## one static file that runs on any userland
	@echo "$<: $$(stat -c %s $<) bytes"

# The linker warns of getpwnam() and the like, which libcgroup has and holdfast does not call.
$(PORTABLE): $(BUILD)/src/cli/main.o $(BUILD)/libholdfast.a $(BUILD)/portable/logging.o
	@mkdir -p $(@D)
	@echo "  link  $@"
	@$(CXX) $(CXXSTD) $(LDFLAGS) -static -s -Wl,--no-warnings -o $@ $^ $(STATIC_LIBS)

-include $(BUILD)/portable/logging.d
