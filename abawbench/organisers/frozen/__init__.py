"""Frozen scorers: one readable file that validates and scores the predictions of one challenge, with NumPy alone."""

from __future__ import annotations

from abawbench.organisers.frozen.generate import default_name, frozen_scorer

__all__ = ["default_name", "frozen_scorer"]
