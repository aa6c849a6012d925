"""Verification of a local copy of a data set against its manifest.

How a copy is verified: `verify` (compare) lets survey walk once over the folders of the layout, compares
checksums, reads the labels with the readers, lets counts compare the numbers of every split, and survey the pictures
with the rows. The result is one `Comparison`.
"""

from __future__ import annotations

from abawbench.datasets.verification.compare import Comparison, verify

__all__ = ["Comparison", "verify"]
