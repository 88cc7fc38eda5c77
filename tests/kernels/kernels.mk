# Tests on other kernels than this machine's, under qemu: tests/kernels/. HOLDFAST_KERNELS is where
# kernels are kept (/var/cache/holdfast-tests/kernels).
KERNEL_TARGETS = $(BUILD)/tests/kernels/launch

.PHONY: kernels test-kernels
kernels: portable targets $(KERNEL_TARGETS) ## the oldest kernel, 5.10.218, and 6.1, under qemu (root)
	@$(SUDO) tests/run-kernels $(BUILD)

test-kernels: portable targets $(KERNEL_TARGETS) ## all kernels; prints the table, writes docs/kernels.md (root)
	@$(SUDO) HOLDFAST_LONG=1 tests/run-kernels $(BUILD)
