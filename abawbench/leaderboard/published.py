"""Published facts: scores as sources state them, one CSV file for each challenge, read and checked row by row."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, ValidationError

from abawbench.base.files import read_input
from abawbench.base.problems import Problem, ProblemError, near_names, os_reason
from abawbench.challenges import Challenge, catalogue, find
from abawbench.leaderboard.columns import COLUMNS, MEASURES, Measure
from abawbench.leaderboard.own import NAME, OwnChallenge, read_own
from abawbench.scoring.criteria import spans

# facts of no challenge: other data, other tasks
OTHER = "other"
# edition of facts that belong to none
OUTSIDE = "non-ABAW"
FIX = "take the fact from its source again"
# number of faults of a file that are told one by one
MOST_TOLD = 100

Trimmed = Annotated[str, StringConstraints(pattern=r"^(\S(.*\S)?)?$")]
Word = Annotated[str, StringConstraints(pattern=r"^\S(.*\S)?$")]
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
Number = Annotated[str, StringConstraints(pattern=rf"^{NUMBER.pattern}$")]
Rank = Annotated[str, StringConstraints(pattern=r"^([1-9][0-9]{0,5})?$")]
EXPECTED = {
    "kind": "organiser, claimed or reproduced",
    "edition": f"ABAW and a number, or {OUTSIDE}",
    "challenge": "a track, the id of a protocol outside the editions, or the task in words",
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
        kind: `organiser` for a table or ranking of the organisers, also where a paper reprints it; `reproduced` where
            the source scored predictions of others from their files; else `claimed`.
        edition: `ABAW1` and so on, or `non-ABAW`.
        challenge: track of the edition; outside the editions the id of a protocol, or the task in words.
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

    kind: Literal["organiser", "claimed", "reproduced"]
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
        return place_of(self.edition, self.challenge)


def place_of(edition: str, challenge: str) -> str:
    """Id of a challenge by edition and track, or by its own id outside the editions; `other` for none."""
    if edition == OUTSIDE:
        return OTHER if find(challenge) is None else challenge
    return OTHER if challenge == OTHER else f"{edition}-{challenge}".lower()


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


@dataclass(frozen=True, slots=True)
class Published:
    """The content of folders of published facts.

    Attributes:
        facts: facts by the id of their challenge, or `other`, in the order of the files' rows.
        own: descriptions of the challenges that are not in the catalogue, by id.
    """

    facts: Mapping[str, tuple[Fact, ...]]
    own: Mapping[str, OwnChallenge]


def read_published(folder: Path) -> dict[str, tuple[Fact, ...]]:
    """Read every published fact of a folder, by challenge id (or `other`), in the order of the files' rows.

    Raises:
        ProblemError: as `read_folders`.
    """
    return dict(read_folders([folder]).facts)


def read_folders(folders: Sequence[Path]) -> Published:
    """Read the published facts of several folders; those of one challenge are joined.

    Raises:
        ProblemError: L02 for every row that breaks the schema, with file and line, and for every wrong field of the
            description of a challenge.
    """
    problems: list[Problem] = []
    own: dict[str, OwnChallenge] = {}
    facts: dict[str, tuple[Fact, ...]] = {}
    for folder in folders:
        described = dict(_read_descriptions(folder, problems))
        own |= described
        for path in sorted(folder.glob("*.csv")):
            found = _Objections(path)
            facts[path.stem] = (*facts.get(path.stem, ()), *_read_file(path, described.get(path.stem), found))
            problems += found.told
    if problems:
        raise ProblemError(*problems)
    return Published(facts, own)


class _Objections:
    """The faults of one file, of which the first are told one by one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._problems: list[Problem] = []

    def add(self, found: str, expected: str, line: int | None = None, fix: str = FIX) -> None:
        """Add a fault."""
        self._problems.append(Problem("L02", found, expected, fix, str(self._path), line))

    @property
    def told(self) -> list[Problem]:
        """Every fault in the order of lines; of very many the first, and the number of the others."""
        told = sorted(self._problems, key=lambda problem: problem.line or 0)
        more = len(told) - MOST_TOLD
        if more <= 0:
            return told
        last = Problem("L02", f"{more:,} more faults", "rows of the schema", FIX, str(self._path), told[MOST_TOLD].line)
        return [*told[:MOST_TOLD], last]


def _read_descriptions(folder: Path, problems: list[Problem]) -> Iterator[tuple[str, OwnChallenge]]:
    for path in sorted(folder.glob("*.toml")):
        name, read = path.stem, read_own(path)
        faults = [] if isinstance(read, OwnChallenge) else list(read)
        if name in catalogue.CHALLENGES or name == OTHER or not NAME.fullmatch(name):
            faults.append((f"a file named {path.name}", "a name in lower case that no challenge of the catalogue has"))
        if not path.with_suffix(".csv").exists():
            faults.append((f"no {name}.csv beside it", "published facts of the challenge"))
        fix = "see leaderboard/published/README.md"
        problems += [Problem("L02", found, expected, fix, str(path)) for found, expected in faults]
        if isinstance(read, OwnChallenge):
            yield name, read


def _read_file(path: Path, own: OwnChallenge | None, objections: _Objections) -> Iterator[Fact]:
    place = path.stem
    if place != OTHER and find(place) is None and own is None and not path.with_suffix(".toml").exists():
        objections.add(
            f"a file named {path.name}",
            f"the id of a challenge, other.csv, or {place}.toml beside it, which describes a challenge of your own",
            fix="see leaderboard/published/README.md",
        )
    lines = _lines_of(path, objections)
    measures = measures_of(find(place), own)
    for group in _facts_of(lines):
        for line, found, expected in _faults(group, place, own, measures):
            objections.add(found, expected, line.number)
        figures = {line.cells["figure"]: line.cells["value"] for line in group if line.cells["figure"]}
        try:
            yield Fact.model_validate(group[0].about | {"figures": figures})
        except ValidationError as error:
            for fault in error.errors(include_url=False):
                field, *figure = map(str, fault["loc"])
                line = next((line for line in group if figure and line.cells["figure"] == figure[0]), group[0])
                found = f"{figure[0] if figure else field} '{fault['input']}'"
                objections.add(found, EXPECTED.get(field, "text without blanks around it"), line.number)


def measures_of(challenge: Challenge | None, own: OwnChallenge | None = None) -> Mapping[str, Measure]:
    """The measures that facts of a challenge may name: known wordings, and its own metric by id or formula."""
    measures = MEASURES if own is None else own.measures
    if challenge is None or not challenge.metric.terms:
        return measures
    metric = challenge.metric
    official = Measure(*spans(challenge)["score",], frozenset({metric.id}))
    return {**measures, metric.id: official, metric.formula: official}


def _lines_of(path: Path, objections: _Objections) -> list[_Line]:
    try:
        text = read_input(path).decode("utf-8-sig")
    except OSError as error:
        objections.add(os_reason(error), "a readable file in UTF-8")
        return []
    except UnicodeDecodeError as error:
        objections.add(str(error), "a readable file in UTF-8")
        return []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    lines: list[_Line] = []
    try:
        header = tuple(next(reader, []))
        if header != HEADER:
            lacking = [name for name in HEADER if name not in header]
            said = f", without {', '.join(lacking)}" if lacking else ""
            objections.add(f"the header {','.join(header)}{said}", ",".join(HEADER), 1, "write this header")
            return []
        for cells in reader:
            if len(cells) == len(HEADER):
                lines.append(_Line(reader.line_num, dict(zip(HEADER, cells, strict=True))))
            elif cells:
                objections.add(f"{len(cells)} columns", f"{len(HEADER)} columns", reader.line_num)
    except csv.Error as error:
        objections.add(str(error), "comma-separated values", reader.line_num)
    return lines


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


def _faults(
    lines: Sequence[_Line], place: str, own: OwnChallenge | None, measures: Mapping[str, Measure]
) -> Iterator[tuple[_Line, str, str]]:
    """What is wrong with a fact beyond the form of its cells: found and expected, with the line."""
    about = lines[0].about
    named = place_of(about["edition"], about["challenge"])
    if named != place and not (own is not None and about["challenge"].lower() == place):
        yield lines[0], f"{about['edition']} {about['challenge']}", f"facts of {place}, or the file {named}.csv"
    if not about["team"] and not about["method"]:
        yield lines[0], "neither team nor method", "one of them"
    measure = measures.get(about["metric_name"])
    if measure is None:
        yield lines[0], f"measure '{about['metric_name']}'", near_names(about["metric_name"], measures)
    for line in lines:
        name, value = line.cells["figure"], line.cells["value"]
        if not name and not value:
            continue
        if name not in COLUMNS:
            yield line, f"figure '{name}'", near_names(name, COLUMNS)
            continue
        column = COLUMNS[name]
        if not NUMBER.fullmatch(value) or (measure is None and column.low is None):
            continue
        low = measure.low if measure is not None and column.low is None else column.low
        high = measure.high if measure is not None and column.high is None else column.high
        assert low is not None
        assert high is not None
        if not low <= float(value) <= high:
            yield line, f"{name} {value}", f"{low:g} to {high:g}, never a percentage"
