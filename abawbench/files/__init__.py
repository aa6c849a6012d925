"""How it is written: official text formats to and from Table; lists, checks, packing."""

from __future__ import annotations

from abawbench.files.read import load, read_both, read_predictions, read_truth

__all__ = ["load", "read_both", "read_predictions", "read_truth"]
