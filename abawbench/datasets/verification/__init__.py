"""A local copy of a data set against its manifest."""

from __future__ import annotations

from abawbench.datasets.verification.compare import Comparison, verify

__all__ = ["Comparison", "verify"]
