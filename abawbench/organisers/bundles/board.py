"""The columns of a board on a platform: the score, its terms and the figures of each task, in the order of ties."""

from __future__ import annotations

import re
from dataclasses import dataclass

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Challenge
from abawbench.scoring.criteria import criterion_of, figure_name, spans

# the longest key and title that Codabench takes
LONGEST = 36
_OTHER = re.compile(r"[^A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a board.

    Attributes:
        key: name for programs: letters, digits and _, at most 36 characters.
        title: name for a reader, at most 36 characters.
        path: path of the figure in what the frozen scorer returns, as `("metrics", "ccc_valence")`.
        low: least value that the figure can have.
        high: greatest value that the figure can have.
    """

    key: str
    title: str
    path: tuple[str, ...]
    low: float
    high: float


def board_columns(challenge: Challenge) -> tuple[Column, ...]:
    """The columns of a challenge's board, the score first; equal scores are ordered by the columns behind it.

    Behind the score come the terms of the sum, where there are several, then the figures of each task. Figures of
    classes and labels, those of a probability that a prediction may lack, and those that equal a term are left out.

    Raises:
        ProblemError: O09, the challenge has no score to rank by.
    """
    if not challenge.metric.terms:
        fix = "make a challenge of your own with one: `abawbench challenges new`"
        found = f"{challenge.id}, whose organisers state no score"
        raise ProblemError(Problem("O09", found, "a challenge with a score", fix))
    left_out = _doubles(challenge)
    ends = {path: span for path, span in spans(challenge).items() if not path[2:] and path not in left_out}
    keys = _distinct([path[-1] if path[0] != "terms" else f"term_{path[1]}" for path in ends])
    titles = _distinct([_title(path) for path in ends], joint=" ")
    return tuple(
        Column(key, title, path, low, high)
        for key, title, (path, (low, high)) in zip(keys, titles, ends.items(), strict=True)
    )


def _doubles(challenge: Challenge) -> set[tuple[str, ...]]:
    """Paths of figures that are a term, or the score, under another name."""
    found: set[tuple[str, ...]] = set()
    terms = challenge.metric.terms
    if len(terms) == 1:
        found.add(("terms", terms[0].task))
    for term in terms:
        if len(term.parts) == 1 and term.parts[0].weight == 1:
            task = challenge.task(term.task)
            path = criterion_of(task, term.parts[0].criterion).whole_path(task)
            found |= set() if path is None else {path}
    return found


def _title(path: tuple[str, ...]) -> str:
    if path[0] == "terms":
        return f"Term {path[1]}".replace("_", " ")
    name = figure_name(path)
    return name[:1].upper() + name[1:]


def _distinct(names: list[str], joint: str = "_") -> list[str]:
    """Names of letters and digits, short enough and each of its own."""
    found: list[str] = []
    for name in names:
        plain = _OTHER.sub(joint, name).strip(joint)[:LONGEST].strip(joint) or "figure"
        number = 1
        while (short := plain if number == 1 else f"{plain[: LONGEST - 4]}{joint}{number}") in found:
            number += 1
        found.append(short)
    return found
