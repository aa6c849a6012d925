"""What `score --gains` computes and prints: where the points of a prediction lie."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from abawbench.cli.output import print_table

if TYPE_CHECKING:
    from abawbench.challenges import Challenge
    from abawbench.scoring import Paired, Resampling


def find_gains(challenge: Challenge, paired: Paired, predictions: Path, resampling: Resampling) -> list[dict[str, Any]]:
    """The gains of a prediction as plain data.

    Args:
        challenge: the challenge.
        paired: truth and prediction.
        predictions: path of the prediction; a store knows probabilities, and which answers were filled.
        resampling: resampling of the intervals.
    """
    from abawbench.inference import is_store
    from abawbench.inference.store import open_store
    from abawbench.tuning.gains.gain import gains
    from abawbench.tuning.inputs.stream import read_stream

    stream = read_stream(open_store(predictions), challenge) if is_store(predictions) else None
    return [gain.to_json() for gain in gains(challenge, paired, stream, resampling=resampling)]


def print_gains(found: list[dict[str, Any]]) -> None:
    """Print gains as a table."""
    print_table(
        [
            [
                *(("", "") if one["gain"] is None else (f"{one['gain']:+.4f}", _interval(one["interval"]))),
                "yes" if one["cross_fitted"] else "",
                one["advice"],
            ]
            for one in found
        ],
        ["score", "95 %", "cross-fitted", "where the points lie"],
        "What the score would gain if one kind of error were repaired (gains overlap and do not add up)",
        keys=1,
        optional=["cross-fitted"],
    )


def _interval(bounds: tuple[float, float] | None) -> str:
    return "" if bounds is None else f"{bounds[0]:+.4f} to {bounds[1]:+.4f}"
