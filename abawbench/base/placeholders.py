"""Texts that stand where something is still to be filled in."""

from __future__ import annotations

import re

# texts of the templates, and what else people write to fill in later; compared without case
_PLACEHOLDER = re.compile(
    r"<.*>|write (the|your|what|which|a|an) .*|yours|your own( export)?|a template: .*|as its model card says|"
    r"where you got .*|to ?do\b.*|tbd|fixme\b.*|x{3,}|\.{3}|…|fill( me)? in.*|change[ _-]?me.*|replace[ _-]?me.*",
    re.DOTALL,
)


def is_placeholder(text: str) -> bool:
    """True for a text that is to be replaced by a fact.

    >>> is_placeholder("write the licence"), is_placeholder("TODO"), is_placeholder("Apache-2.0")
    (True, True, False)
    """
    return bool(_PLACEHOLDER.fullmatch(text.strip().casefold()))
