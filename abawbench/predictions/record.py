"""What the answers of a run depend on: the content of a store's entry.json."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from abawbench.entries.model import Entry
from abawbench.predictions.fill import Policy
from abawbench.predictions.precision import Parity
from abawbench.predictions.store import FORM
from abawbench.records import sha256_of
from abawbench.version import VERSION, versions_of

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
        "source": {} if source is None else source_hashes(source),
        "fill": fill,
        "device": device,
        "asked": asked,
        "versions": {"abawbench": VERSION, "python": sys.version.split()[0], **versions_of(LIBRARIES)},
    }


def with_precision(record: Mapping[str, Any], parity: Parity) -> dict[str, Any]:
    """The record of a run whose precision is decided."""
    return {**record, "precision": parity.precision, "deviation": parity.deviation}


def decided_before(record: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """True where another record is of the same run, so that what it decided holds."""
    return dict(record) == {name: value for name, value in other.items() if name not in DECIDED}


def source_hashes(source: Path) -> dict[str, str]:
    """SHA-256 of the file that describes an entry, and of the code beside it, by name."""
    return {path.name: sha256_of(path) for path in (source, *sorted(source.parent.glob("*.py")))}
