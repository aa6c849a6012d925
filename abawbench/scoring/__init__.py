"""Scoring predictions under the rules of a challenge: figures, intervals, breakdowns, comparisons."""

from __future__ import annotations

from abawbench.scoring.intervals import Resampling
from abawbench.scoring.score import Paired, Score, pair, score, score_paired

__all__ = ["Paired", "Resampling", "Score", "pair", "score", "score_paired"]
