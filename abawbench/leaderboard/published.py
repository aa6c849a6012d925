"""Published facts: what sources say about scores, one CSV for each challenge, read and checked row by row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, ValidationError

from abawbench.base.problems import Problem, Problems
from abawbench.challenges import CHALLENGES
from abawbench.leaderboard.measures import MEASURES

# facts of no challenge: other data, other tasks
OTHER = "other"
FIGURES = ("score", "ccc_v", "ccc_a", "ccc_va", "f1_expr", "f1_au")
# of the parts; the range of `score` is that of its measure
RANGES = {
    "ccc_v": (-1.0, 1.0),
    "ccc_a": (-1.0, 1.0),
    "ccc_va": (-1.0, 1.0),
    "f1_expr": (0.0, 1.0),
    "f1_au": (0.0, 1.0),
}

Trimmed = Annotated[str, StringConstraints(pattern=r"^(\S(.*\S)?)?$")]
Word = Annotated[str, StringConstraints(pattern=r"^\S(.*\S)?$")]
Number = Annotated[str, StringConstraints(pattern=r"^(-?[0-9]+(\.[0-9]+)?)?$")]
Rank = Annotated[str, StringConstraints(pattern=r"^([1-9][0-9]*)?$")]
EXPECTED = {
    "edition": "ABAW and a number, or non-ABAW",
    "challenge": "a track, or the task in words",
    "dataset": "a name",
    "split": "test, val, or empty where the source does not say",
    "rank": "a whole number from 1, or empty",
    "source": "where the fact stands",
} | dict.fromkeys(FIGURES, "a number with a decimal point, or empty")


def _spelt_out(split: Any) -> Any:
    return "validation" if split == "val" else split


class Fact(BaseModel):
    """One row: a source's claim about a score. Numbers stay the text of the source, empty where it gives none."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    edition: Word
    challenge: Word
    dataset: Word
    split: Annotated[Literal["test", "validation", ""], BeforeValidator(_spelt_out)]
    rank: Rank
    team: Trimmed
    method: Trimmed
    score: Number
    ccc_v: Number
    ccc_a: Number
    ccc_va: Number
    f1_expr: Number
    f1_au: Number
    metric_name: Trimmed
    note: Trimmed
    source: Word

    @property
    def place(self) -> str:
        """Id of the challenge that the fact is about, or `other`."""
        if self.edition == "non-ABAW" or self.challenge == OTHER:
            return OTHER
        return f"{self.edition}-{self.challenge}".lower()


HEADER = tuple(Fact.model_fields)


def read_published(folder: Path) -> dict[str, tuple[Fact, ...]]:
    """Every published fact, by challenge id (or `other`), in the order of the files' rows.

    Raises:
        ProblemError: L02 for every row that breaks the schema, with file and line.
    """
    problems = Problems()
    facts: dict[str, tuple[Fact, ...]] = {}
    for path in sorted(folder.glob("*.csv")):
        facts[path.stem] = _read_file(path, problems)
    problems.raise_if_any()
    return facts


def _read_file(path: Path, problems: Problems) -> tuple[Fact, ...]:
    def object_to(found: str, expected: str, line: int | None = None) -> None:
        problems.add(Problem("L02", found, expected, "take the fact from its source again", str(path), line))

    if path.stem != OTHER and path.stem not in CHALLENGES:
        object_to(f"a file named {path.name}", "the id of a challenge, or other.csv")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        object_to(str(error), "a readable file in UTF-8")
        return ()
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    facts: list[Fact] = []
    try:
        header = tuple(next(lines, []))
        if header != HEADER:
            object_to(f"the header {','.join(header)}", ",".join(HEADER), 1)
            return ()
        for cells in lines:
            if len(cells) != len(HEADER):
                object_to(f"{len(cells)} columns", f"{len(HEADER)} columns", lines.line_num)
                continue
            try:
                fact = Fact.model_validate(dict(zip(HEADER, cells, strict=True)))
            except ValidationError as error:
                for fault in error.errors(include_url=False):
                    column = str(fault["loc"][0])
                    expected = EXPECTED.get(column, "text without blanks around it")
                    object_to(f"{column} '{fault['input']}'", expected, lines.line_num)
                continue
            for found, expected in _objections(fact, path.stem):
                object_to(found, expected, lines.line_num)
            facts.append(fact)
    except csv.Error as error:
        object_to(str(error), "comma-separated values", lines.line_num)
    return tuple(facts)


def _objections(fact: Fact, place: str) -> Iterator[tuple[str, str]]:
    if fact.place != place:
        yield f"{fact.edition} {fact.challenge}", f"facts of {place}, or the file {fact.place}.csv"
    if not fact.team and not fact.method:
        yield "neither team nor method", "one of them"
    measure = MEASURES.get(fact.metric_name)
    if measure is None:
        yield f"measure '{fact.metric_name}'", "a measure listed in abawbench/leaderboard/measures.py"
        return
    for column in FIGURES:
        text: str = getattr(fact, column)
        low, high = RANGES.get(column, (measure.low, measure.high))
        if text and not low <= float(text) <= high:
            yield f"{column} {text}", f"{low:g} to {high:g}, never a percentage"
