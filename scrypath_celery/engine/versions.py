"""The version of Meilisearch that is needed, and that an engine has."""

from __future__ import annotations

import re

NEEDED = (1, 26)
"""The first version whose tasks bear `customMetadata`, by which requests without an answer are found."""
NEEDED_TEXT = ".".join(map(str, NEEDED))

TESTED = ((1, 50),)
"""The versions (major and minor) that this release was tested with."""


def is_tested(version: str) -> bool:
    """Whether an engine of this version is one that this release was tested with."""
    found = re.match(r"(\d+)\.(\d+)", version)
    return found is not None and (int(found[1]), int(found[2])) in TESTED


def is_new_enough(version: str) -> bool:
    """Whether an engine of this version has what is needed; one that does not say so in numbers counts as new."""
    found = re.match(r"(\d+)\.(\d+)", version)
    return found is None or (int(found[1]), int(found[2])) >= NEEDED
