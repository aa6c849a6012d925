"""Published facts: scores as sources state them, one CSV file for each challenge, read and checked row by row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, ValidationError

from abawbench.base.files import read_input
from abawbench.base.problems import Problem, Problems, near_names, os_reason
from abawbench.challenges import CHALLENGES
from abawbench.leaderboard.columns import COLUMNS, MEASURES

# facts of no challenge: other data, other tasks
OTHER = "other"

Trimmed = Annotated[str, StringConstraints(pattern=r"^(\S(.*\S)?)?$")]
Word = Annotated[str, StringConstraints(pattern=r"^\S(.*\S)?$")]
Number = Annotated[str, StringConstraints(pattern=r"^-?[0-9]+(\.[0-9]+)?$")]
Rank = Annotated[str, StringConstraints(pattern=r"^([1-9][0-9]{0,5})?$")]
EXPECTED = {
    "kind": "organiser or claimed",
    "edition": "ABAW and a number, or non-ABAW",
    "challenge": "a track, or the task in words",
    "dataset": "a name",
    "split": "test, val, or empty where the source does not say",
    "rank": "a whole number from 1, or empty",
    "source": "where the fact stands",
    "figures": "a number with a decimal point",
}


def _spelt_out(split: Any) -> Any:
    return "validation" if split == "val" else split


class Fact(BaseModel):
    """A result as a source states it.

    Attributes:
        kind: `organiser` for a table or ranking of the organisers, also where a paper reprints it; else `claimed`.
        edition: `ABAW1` and so on, or `non-ABAW`.
        challenge: track of the edition; outside the challenges the task in words.
        dataset: name of the data, as the source has it.
        split: test, validation, or empty where the source does not say.
        rank: place in the source's ranking; empty where it gives none.
        team: name of the team, as published.
        method: name of the method, as published.
        metric_name: the measure in words, one of `MEASURES`.
        figures: numbers as the source writes them, by name of a column; empty where it gives none.
        note: remarks that a reader needs.
        source: paper, page or file that holds the fact.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    kind: Literal["organiser", "claimed"]
    edition: Word
    challenge: Word
    dataset: Word
    split: Annotated[Literal["test", "validation", ""], BeforeValidator(_spelt_out)]
    rank: Rank
    team: Trimmed
    method: Trimmed
    metric_name: Trimmed
    figures: dict[str, Number]
    note: Trimmed
    source: Word

    @property
    def place(self) -> str:
        """Id of the challenge that the fact is about, or `other`."""
        if self.edition == "non-ABAW" or self.challenge == OTHER:
            return OTHER
        return f"{self.edition}-{self.challenge}".lower()


# a row of a file is one figure of a fact
HEADER = tuple(
    name for field in Fact.model_fields for name in (("figure", "value") if field == "figures" else (field,))
)


@dataclass(frozen=True, slots=True)
class _Line:
    """A row of a file."""

    number: int
    cells: dict[str, str]

    @property
    def about(self) -> dict[str, str]:
        """The cells that say what the figure is about: all but the figure itself."""
        return {name: text for name, text in self.cells.items() if name not in {"figure", "value"}}


def read_published(folder: Path) -> dict[str, tuple[Fact, ...]]:
    """Read every published fact, by challenge id (or `other`), in the order of the files' rows.

    Raises:
        ProblemError: L02 for every row that breaks the schema, with file and line.
    """
    problems = Problems()
    facts: dict[str, tuple[Fact, ...]] = {}
    for path in sorted(folder.glob("*.csv")):
        facts[path.stem] = tuple(_read_file(path, problems))
    problems.raise_if_any()
    return facts


def _read_file(path: Path, problems: Problems) -> Iterator[Fact]:
    def object_to(found: str, expected: str, line: int | None = None) -> None:
        problems.add(Problem("L02", found, expected, "take the fact from its source again", str(path), line))

    if path.stem != OTHER and path.stem not in CHALLENGES:
        object_to(f"a file named {path.name}", "the id of a challenge, or other.csv")
    try:
        text = read_input(path).decode()
    except OSError as error:
        object_to(os_reason(error), "a readable file in UTF-8")
        return
    except UnicodeDecodeError as error:
        object_to(str(error), "a readable file in UTF-8")
        return
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    lines: list[_Line] = []
    try:
        header = tuple(next(reader, []))
        if header != HEADER:
            object_to(f"the header {','.join(header)}", ",".join(HEADER), 1)
            return
        for cells in reader:
            if len(cells) == len(HEADER):
                lines.append(_Line(reader.line_num, dict(zip(HEADER, cells, strict=True))))
            else:
                object_to(f"{len(cells)} columns", f"{len(HEADER)} columns", reader.line_num)
    except csv.Error as error:
        object_to(str(error), "comma-separated values", reader.line_num)
    for group in _facts_of(lines):
        figures = {line.cells["figure"]: line.cells["value"] for line in group if line.cells["figure"]}
        try:
            fact = Fact.model_validate(group[0].about | {"figures": figures})
        except ValidationError as error:
            for fault in error.errors(include_url=False):
                field, *figure = map(str, fault["loc"])
                line = next((line for line in group if figure and line.cells["figure"] == figure[0]), group[0])
                found = f"{figure[0] if figure else field} '{fault['input']}'"
                object_to(found, EXPECTED.get(field, "text without blanks around it"), line.number)
            continue
        for line, found, expected in _objections(fact, group, path.stem):
            object_to(found, expected, line.number)
        yield fact


def _facts_of(lines: Sequence[_Line]) -> Iterator[list[_Line]]:
    """The rows of each fact: neighbours that differ in the figure alone; a repeated figure begins another fact."""
    group: list[_Line] = []
    for line in lines:
        taken = {"", *(other.cells["figure"] for other in group)}
        if group and (line.about != group[0].about or line.cells["figure"] in taken or not group[0].cells["figure"]):
            yield group
            group = []
        group.append(line)
    if group:
        yield group


def _objections(fact: Fact, lines: Sequence[_Line], place: str) -> Iterator[tuple[_Line, str, str]]:
    if fact.place != place:
        yield lines[0], f"{fact.edition} {fact.challenge}", f"facts of {place}, or the file {fact.place}.csv"
    if not fact.team and not fact.method:
        yield lines[0], "neither team nor method", "one of them"
    measure = MEASURES.get(fact.metric_name)
    if measure is None:
        yield lines[0], f"measure '{fact.metric_name}'", near_names(fact.metric_name, MEASURES)
        return
    for line in lines:
        name, value = line.cells["figure"], line.cells["value"]
        if not name and not value:
            continue
        if name not in COLUMNS:
            yield line, f"figure '{name}'", near_names(name, COLUMNS)
            continue
        column = COLUMNS[name]
        low = measure.low if column.low is None else column.low
        high = measure.high if column.high is None else column.high
        if not low <= float(value) <= high:
            yield line, f"{name} {value}", f"{low:g} to {high:g}, never a percentage"
