# Tests on other kernels than this machine's, under qemu: tests/kernels/. HOLDFAST_KERNELS is where
# kernels are kept (/var/cache/holdfast-tests/kernels).
KERNEL_TARGETS = $(BUILD)/tests/kernels/launch

.PHONY: kernels test-kernels
kernels: portable targets $(KERNEL_TARGETS) ## the oldest kernel, 5.10.218, and 6.1, under qemu (root)
	@$(SUDO) tests/run-kernels $(BUILD)

test-kernels: portable targets $(KERNEL_TARGETS) ## all kernels; prints the table, writes docs/kernels.md (root)
	@$(SUDO) HOLDFAST_LONG=1 tests/run-kernels $(BUILD)

# A kernel that lacks something, for the end-to-end tests.
$(BUILD)/tests/kernels/pretend.so: tests/kernels/library/pretend.c | $(PACKAGES)
	@mkdir -p $(@D)
	@gcc -O2 -shared -fPIC -Wall -Wextra -Werror -o $@ $<
targets: $(BUILD)/tests/kernels/pretend.so
