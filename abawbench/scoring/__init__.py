"""Score of a prediction under the rules of a challenge: figures, intervals, breakdowns, comparisons."""

from __future__ import annotations

from abawbench.scoring.score import Paired, Score, pair, score, score_paired

__all__ = ["Paired", "Score", "pair", "score", "score_paired"]
