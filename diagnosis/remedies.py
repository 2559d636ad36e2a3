"""The remedy for each cause: the sections of `remedies.md`, which is also a page for people."""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

_SECTION = re.compile(r"^## `(\w+)`\n+(.+?)\s*(?=^## |\Z)", re.MULTILINE | re.DOTALL)

REMEDIES: Mapping[str, str] = MappingProxyType(
    dict(_SECTION.findall(Path(__file__).with_suffix(".md").read_text(encoding="utf-8")))
)
"""Cause to Markdown: a few sentences, and the PyTorch code to try in a fenced block."""

CAUSES = tuple(REMEDIES)
"""Every cause that can be named, in the order of the page."""
