"""A folder of predictions as one ranked table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from abawbench.challenges import Challenge
from abawbench.fill import MOST_FILLED, Policy
from abawbench.organisers.batch.judge import Judged
from abawbench.organisers.batch.many import Engine, score_many
from abawbench.organisers.batch.ranking import Ranking, rank
from abawbench.organisers.batch.sources import find_predictions
from abawbench.scoring.intervals import USUAL, Resampling
from abawbench.table import Table


def score_folder(
    challenge: Challenge,
    truth: Table,
    folder: Path,
    *,
    apart: Sequence[Path] = (),
    template: Path | None = None,
    missing: Policy = "error",
    allow_filled: float = MOST_FILLED,
    resampling: Resampling = USUAL,
    split: str | None = None,
    workers: int | None = None,
    engine: Engine = "local",
    address: str | None = None,
    tick: Callable[[int, int], None] = lambda _done, _total: None,
) -> Ranking:
    """Score every prediction below a folder and rank them; options as for `score_many`.

    Args:
        challenge: the challenge.
        truth: annotated rows.
        folder: the folder, see `find_predictions`.
        apart: files and folders that are no predictions wherever they are, besides the list.
        template: the organisers' list, to check predictions against.
        missing: fill policy for annotated rows without a prediction.
        allow_filled: greatest share of filled rows among the annotated ones, from 0 to 1.
        resampling: number of resamples, their seed, and the subjects to resample, if any.
        split: split of the truth; by default the one that fits, or all.
        workers: number of processes.
        engine: `ray` for the workers of a Ray cluster.
        address: address of the cluster.
        tick: called with the numbers of predictions that are judged and of all, first with none judged.

    Raises:
        ProblemError: as `find_predictions` and `score_many` raise them. What is wrong with a prediction is not raised.
    """
    found = find_predictions(challenge, folder, (*apart, *([] if template is None else [template])))
    done, total = 0, len(found.sources)
    tick(0, total)

    def count(more: int) -> None:
        nonlocal done
        done += more
        tick(done, total)

    judged = score_many(
        challenge,
        truth,
        found.sources,
        template=template,
        missing=missing,
        allow_filled=allow_filled,
        resampling=resampling,
        split=split,
        workers=workers,
        engine=engine,
        address=address,
        tick=count,
    )
    refused = (Judged(name, None, problems) for name, problems in found.refused.items())
    return replace(rank(challenge, (*judged, *refused)), unread=found.unread, notes=found.notes)
