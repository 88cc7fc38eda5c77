"""The recipes of docs/policy-recipes.md, and policies that exclude what a recipe describes."""
import os
import re

import yaml

from containers import REPOSITORY

_DOCUMENT = os.path.join(REPOSITORY, "docs/policy-recipes.md")


def read_recipes(document):
    """The first selector's name -> selectors, of every block that is fenced as `yaml recipe`."""
    found = {}
    for block in re.findall(r"^```yaml recipe\n(.*?)^```$", document, re.M | re.S):
        selectors = yaml.safe_load(block)
        found[selectors[0]["name"]] = selectors
    return found


def with_exclude(policy, selectors):
    """The policy, a parsed sectioned one, with the selectors excluded from its file responses."""
    names = [selector["name"] for selector in selectors]
    section = policy["file"]
    return {**policy, "file": {
        "selectors": section["selectors"] + selectors,
        "responses": [{**response, "exclude": response.get("exclude", []) + names}
                      for response in section["responses"]]}}


with open(_DOCUMENT, encoding="utf-8") as _file:
    RECIPES = read_recipes(_file.read())
