"""Runs of entries over clips: predictions into a store, features into a cache, resumable, here or on Ray workers."""

from __future__ import annotations

from pathlib import Path

ENTRY = "entry.json"
UNITS = "units"
# other folders that `abawbench predict` puts into the folder of a store
FACES, FILES = "faces", "files"
# file of the weights of an ensemble beside its answers
WEIGHTS = "weights.json"


def is_store(path: Path) -> bool:
    """True for a folder that `abawbench predict` made; needs no other module of this room."""
    return (path / ENTRY).is_file() and (path / UNITS).is_dir()


def is_ensemble(path: Path) -> bool:
    """True for the store of an ensemble, whose weights may have been fitted on annotations."""
    return is_store(path) and (path / WEIGHTS).is_file()
