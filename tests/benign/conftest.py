"""The false-alarm tests use the fixtures of the end-to-end tests; the image of their workloads is
made by scripts/workload-root before."""
import os
import sys

import pytest
import yaml

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))

from fixtures import *  # noqa: E402,F401,F403

from policies import RECIPES, with_exclude  # noqa: E402


@pytest.fixture(scope="session")
def image(build):
    """The lower directories of the workloads' containers, topmost first."""
    layers = [f"{build}/benign/app", f"{build}/benign/debian"]
    assert all(map(os.path.isdir, layers)), f"run scripts/workload-root {build}/benign"
    return ":".join(layers)


@pytest.fixture(scope="session")
def policy(work, block_policy, default_policy):
    """policy("block" or "alert", recipe): the file of that shipped policy, with the recipe's
    selectors as its exclude; an empty recipe is the shipped file itself."""
    shipped = {"block": block_policy, "alert": default_policy}

    def file(kind, recipe=""):
        if not recipe:
            return shipped[kind]
        path = f"{work}/{kind}-{recipe}.yml"
        if not os.path.exists(path):
            with open(shipped[kind], encoding="utf-8") as source, open(path, "w", encoding="utf-8") as out:
                yaml.safe_dump(with_exclude(yaml.safe_load(source), RECIPES[recipe]), out)
        return path
    return file
