"""What the answers of a run depend on: the content of a store's entry.json."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from abawbench.entries.model import Entry
from abawbench.predictions.fill import Policy
from abawbench.predictions.precision import Parity
from abawbench.predictions.store import FORM
from abawbench.version import VERSION

LIBRARIES = ("numpy", "opencv-python-headless", "onnxruntime", "torch", "transformers")
# decided once and kept: a second run takes it over
DECIDED = ("precision", "deviation")


def record_of(entry: Entry, fill: Policy, device: str, asked: str, source: Path | None) -> dict[str, Any]:
    """The record of a run before its precision is decided.

    Args:
        entry: that answers.
        fill: what frames without a crop get.
        device: where it runs.
        asked: the precision the run was told.
        source: the file that describes the entry; its own code lies beside it.
    """
    return {
        "form": FORM,
        "card": entry.card.to_json(),
        "seed": getattr(entry, "seed", None),
        "source": {} if source is None else {path.name: _hash(path) for path in _files(source)},
        "fill": fill,
        "device": device,
        "asked": asked,
        "versions": {"abawbench": VERSION, "python": sys.version.split()[0], **_versions()},
    }


def with_precision(record: Mapping[str, Any], parity: Parity) -> dict[str, Any]:
    """The record of a run whose precision is decided."""
    return {**record, "precision": parity.precision, "deviation": parity.deviation}


def decided_before(record: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """True where another record is of the same run, so that what it decided holds."""
    return dict(record) == {name: value for name, value in other.items() if name not in DECIDED}


def _files(source: Path) -> list[Path]:
    return [source, *sorted(source.parent.glob("*.py"))]


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _versions() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
