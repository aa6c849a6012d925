"""From a store to the decided rows of a challenge."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from abawbench.challenges import Challenge
from abawbench.entries.answering import Said, decided
from abawbench.errors import Problem, ProblemError
from abawbench.predictions.store import Store, open_store
from abawbench.table import Table


def table_of(store: Store, challenge: Challenge) -> Table:
    """Every frame that was answered or filled as a row of a prediction; see `entries.answering.answer`.

    Raises:
        ProblemError: P02 a unit's files are damaged, F02 no unit is finished.
    """
    if not store.units():
        fix = "run abawbench predict to its end"
        raise ProblemError(Problem("F02", "no finished unit", "one at least", fix, str(store.root)))

    def said() -> Iterator[Said]:
        for unit in store.units():
            found = store.read(unit)
            rows = found.valid | found.filled
            answers = {task: given[rows] for task, given in found.answers.items()}
            yield Said(unit, found.frame[rows], answers, found.filled[rows])

    return decided(store.card, said(), challenge, source=str(store.root))


def read_store(challenge: Challenge, root: Path) -> Table:
    """The rows of a store in a folder. Raises: ProblemError, as `table_of` and `open_store`."""
    return table_of(open_store(root), challenge)
