"""From a store to the decided rows of a challenge."""

from __future__ import annotations

from collections.abc import Iterator

from abawbench.challenges import Challenge
from abawbench.entries.answering import Said, decided
from abawbench.predictions.store import Store
from abawbench.table import Table


def table_of(store: Store, challenge: Challenge) -> Table:
    """Every frame that was answered or filled as a row of a prediction; see `entries.answering.answer`.

    Raises:
        ProblemError: P02, a unit's files are damaged.
    """

    def said() -> Iterator[Said]:
        for unit in store.units():
            found = store.read(unit)
            rows = found.valid | found.filled
            answers = {task: given[rows] for task, given in found.answers.items()}
            yield Said(unit, found.frame[rows], answers, found.filled[rows])

    return decided(store.card, said(), challenge, source=str(store.root))
