"""The fixtures of the end-to-end tests, which the other suites have too."""
from fixtures import *  # noqa: F401,F403
