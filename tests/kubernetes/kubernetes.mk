# Tests in a Kubernetes of one node, from Debian's source package: tests/kubernetes/. HOLDFAST_KUBERNETES
# is where it is kept (/var/cache/holdfast-tests/kubernetes).
.PHONY: test-kubernetes
test-kubernetes: build targets ## the DaemonSet's pod in a real cluster; the first time builds Kubernetes, 10 minutes (root)
	@$(SUDO) scripts/install-packages kubernetes
	@$(SUDO) tests/run-kubernetes $(BUILD)
