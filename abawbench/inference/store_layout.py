"""How a prediction store is told from other folders, at no cost."""

from __future__ import annotations

from pathlib import Path

ENTRY = "entry.json"
UNITS = "units"
# what else `abawbench predict` puts into the folder
FACES, FILES = "faces", "files"


def is_store(path: Path) -> bool:
    """True for a folder that `abawbench predict` made."""
    return (path / ENTRY).is_file() and (path / UNITS).is_dir()
