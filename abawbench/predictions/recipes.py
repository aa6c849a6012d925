"""How crops were taken from their videos, where `abawbench faces` took them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from abawbench.data.faces.index import read_facts
from abawbench.data.faces.store import index_files

Recipes = Mapping[str, Mapping[str, Any]]


def recipes_of(faces: Path) -> Recipes:
    """By unit, everything but the video that decided its crops; empty for a folder that `faces` did not make."""
    found: dict[str, dict[str, Any]] = {}
    for path in index_files(faces):
        facts = read_facts(path)
        if facts is not None:
            # the crops are hashed themselves, whatever file they come from
            recipe = {name: value for name, value in facts["key"].items() if name != "source"}
            found |= dict.fromkeys(facts["units"], recipe)
    return found
