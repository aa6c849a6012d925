"""How it is written: official text formats to and from Table; lists, checks, packing."""

from __future__ import annotations

from abawbench.formats.read import load, read_both, read_predictions, read_truth
from abawbench.formats.subjects import subjects_from

__all__ = ["load", "read_both", "read_predictions", "read_truth", "subjects_from"]
