"""Bundles: everything that a hosted platform asks for, made from an event, its truths and its lists.

Each platform has a module of its name with one function, `make(event, truths, templates, folder, made) -> Bundle`.
"""

from __future__ import annotations

from abawbench.organisers.bundles.folder import Bundle

PLATFORMS = ("codabench", "evalai", "kaggle")

__all__ = ["PLATFORMS", "Bundle"]
