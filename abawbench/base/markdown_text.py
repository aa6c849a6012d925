"""Markdown that says what a text says."""

from __future__ import annotations

import re

from abawbench.base.problems import inert

# what Markdown takes for a column, emphasis, code, a formula, a tag or a link
ACTIVE = re.compile(r"[\\|*`$<\[]")


def marked_down(text: str) -> str:
    """A text that Markdown shows as it is."""
    return ACTIVE.sub(r"\\\g<0>", inert(text))
