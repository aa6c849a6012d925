"""The shape of a data set's manifest: one TOML file of facts, checked when it is read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from abawbench.base.problems import Problem
from abawbench.challenges import Categorical, Continuous, MultiLabel, Task
from abawbench.labels import COMPOUND_7, EXPRESSIONS_8

CONTEMPT = "contempt"
MASKED = ""
Option = str | int | float | bool | tuple[str, ...] | tuple[int, ...]
# form of labels -> module:function that reads it, imported when it is used
READERS: dict[str, str] = {
    # sets of ABAW, and sets in the wild
    "arrays": "abawbench.datasets.readers.arrays:read_arrays",
    "class-folders": "abawbench.datasets.readers.folders:read_class_folders",
    "ferplus": "abawbench.datasets.readers.ferplus:read_ferplus",
    "official": "abawbench.datasets.readers.official:read_official",
    "official-list": "abawbench.datasets.readers.official:read_official_list",
    "table": "abawbench.datasets.readers.table:read_table",
    # laboratory sets, action units, attributes
    "attributes": "abawbench.datasets.readers.attributes:read_attributes",
    "emotion-files": "abawbench.datasets.readers.sequences:read_emotion_files",
    "expression-folders": "abawbench.datasets.readers.sequences:read_expression_folders",
    "facs-files": "abawbench.datasets.readers.sequences:read_facs_files",
    "sessions": "abawbench.datasets.readers.sessions:read_sessions",
    "action-unit-files": "abawbench.datasets.readers.action_units:read_action_unit_files",
    "action-unit-tables": "abawbench.datasets.readers.action_units:read_action_unit_tables",
    "votes": "abawbench.datasets.readers.votes:read_votes",
}


class Strict(BaseModel):
    """A frozen record that refuses unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Numbers(Strict):
    """Real values in a range; a file's `missing` values mean "not annotated"."""

    kind: Literal["numbers"]
    name: str
    columns: tuple[str, ...] = Field(min_length=1)
    low: float
    high: float
    missing: tuple[float, ...] = ()

    @property
    def task(self) -> Task:
        """The task as a Table has it."""
        return Continuous(self.name, self.columns, self.low, self.high, None)


class Classes(Strict):
    """One class of several.

    Attributes:
        classes: names of the classes in the data set's own order.
        codes: number or text that the file writes for each class; by default 0, 1, ...
        abaw: ABAW expression that each class becomes, `contempt` where the user of the labels decides, or an empty name
            where it is masked. None where the classes are not expressions.
        compound: ABAW compound expression that each class becomes, or an empty name where it is masked. None where the
            classes are not compound expressions.
        missing: values that mean "not annotated".
    """

    kind: Literal["classes"]
    name: str
    classes: tuple[str, ...] = Field(min_length=2)
    codes: tuple[int, ...] | tuple[str, ...] = ()
    abaw: tuple[str, ...] | None = None
    compound: tuple[str, ...] | None = None
    missing: tuple[int, ...] | tuple[str, ...] = ()

    @model_validator(mode="after")
    def _parallel(self) -> Self:
        if len(set(self.classes)) < len(self.classes):
            raise ValueError("classes repeat a name")
        if self.codes and len(self.codes) != len(self.classes):
            raise ValueError(f"{len(self.codes)} codes for {len(self.classes)} classes")
        known = {"abaw": {*EXPRESSIONS_8, CONTEMPT, MASKED}, "compound": {*COMPOUND_7, MASKED}}
        for field, names in (("abaw", self.abaw), ("compound", self.compound)):
            if names is None:
                continue
            if len(names) != len(self.classes):
                raise ValueError(f"{field} has {len(names)} names for {len(self.classes)} classes")
            if unknown := [name for name in names if name not in known[field]]:
                raise ValueError(f"{field} names no expression: {', '.join(unknown)}")
        return self

    @property
    def task(self) -> Task:
        """The task as a Table has it."""
        return Categorical(self.name, self.classes, None)


class Marks(Strict):
    """Several labels, each 0 or 1: action units (columns `AU1`, ...) or attributes.

    Attributes:
        positive_from: least value that counts as present, as 2 for the intensities of DISFA.
        missing: values that mean "not coded", as 9 or 999.
    """

    kind: Literal["marks"]
    name: str
    columns: tuple[str, ...] = Field(min_length=1)
    positive_from: float = 1
    missing: tuple[float, ...] = ()

    @property
    def task(self) -> Task:
        """The task as a Table has it."""
        return MultiLabel(self.name, self.columns, None)


TaskFacts = Annotated[Numbers | Classes | Marks, Field(discriminator="kind")]


class LabelSet(Strict):
    """One kind of annotation file of a data set.

    Attributes:
        id: short name within the data set, as `basic`, `action_units`.
        reader: name of the reader, one of `READERS`.
        files: glob patterns of the label files below the root, of which the first that matches counts; `split=pattern`
            where each split has files of its own.
        tasks: tasks of the labels, with columns and classes in the file's own order.
        image: path of a row's picture below the root, with `{unit}`, `{frame}` (as `{frame:05d}`) or `{image}`.
        frame_base: number of the first frame in the label file.
        options: settings of the reader, which its module documents.
        challenges: ids of the ABAW challenges that this annotation belongs to.
    """

    id: str
    reader: str
    files: tuple[str, ...] = Field(min_length=1)
    tasks: tuple[TaskFacts, ...] = Field(min_length=1)
    image: str | None = None
    frame_base: int = 1
    options: dict[str, Option] = {}
    challenges: tuple[str, ...] = ()


def is_below(pattern: str) -> bool:
    """True where a path or glob pattern stays below the root of its data set."""
    path = PurePosixPath(pattern)
    return not path.is_absolute() and ".." not in path.parts


class Place(Strict):
    """A file or folder of the layout: a glob pattern below the root, and the kind of files that it holds.

    Attributes:
        unread: why a file that some copies have is not read, and what to do instead; empty for any other.
    """

    path: str
    holds: Literal["annotations", "images", "videos", "audio", "landmarks", "lists", "other"]
    required: bool = True
    note: str = ""
    unread: str = ""


class Split(Strict):
    """A part of the data set.

    Attributes:
        name: train, validation, test, or the data set's own word.
        count: number of units (see `unit`); None where it is not known.
        unit: unit of `count`.
        counts: further known numbers, as rows of each class.
        rule: description of the rule that selects the members.
        file: path, below the root, of the list that names the members.
        subjects: ids of the subjects or videos, where they are published.
    """

    name: str
    count: int | None = None
    unit: Literal["images", "videos", "frames", "rows", "subjects", "sequences"]
    counts: dict[str, int] = {}
    rule: str = ""
    file: str | None = None
    subjects: tuple[str, ...] = ()


class Licence(Strict):
    """The terms of a data set, and the way to obtain it.

    Attributes:
        terms: licence or agreement in one line; an SPDX id where there is one.
        access: steps to obtain a copy.
        url: page of the owners, where it is known.
        redistributable: true where the data may be passed on.
        attribution: text to print where the data are shown.
        fetch: name for `abawbench data fetch`, where the licence allows downloads.
    """

    terms: str
    access: str
    url: str | None = None
    redistributable: bool = False
    attribution: str = ""
    fetch: str | None = None


class Checksum(Strict):
    """A published checksum of a file."""

    file: str
    algorithm: Literal["md5", "sha1", "sha256"]
    hex: str = Field(pattern="^[0-9a-f]+$")
    source: str


class Relation(Strict):
    """An overlap of another data set with this one, for the leak guard."""

    dataset: str
    how: Literal["contains", "contained-in", "shares-pictures", "shares-subjects"]
    note: str = ""


class Origin(Strict):
    """The origin of a data set.

    Attributes:
        creators: people or institutions, in the order of the paper.
        year: year of publication.
        citation: text to cite, in one line.
        url: address of the paper or of the data set's page, where it is known.
        source: source of these facts.
    """

    creators: tuple[str, ...] = Field(min_length=1)
    year: int
    citation: str
    url: str | None = None
    source: str


class Manifest(Strict):
    """Facts of one release of a data set; never media, never labels.

    Attributes:
        name: short name, as `disfa`; the file is `<name>_<version>.toml`.
        version: release, as `2020`, `1`, or an edition.
        status: `documented` where the layout is known from sources, `unverified` where it is assumed throughout.
        group: kind of group that must not be in two splits at once.
        subjects: number of people, where it is known.
        withheld: ids of people who gave no consent to be shown; no message names them.
        metric: metric of the literature.
        origin: makers of the data set; it may be left out where `data_manifests/origins.toml` has the name.
        sources: source of the fact in each dotted field (`splits.train`, `labels.basic.classes`, ...); a text that
            begins with `assumed` means that there is no source yet. An entry for a field covers the fields below it.
    """

    name: str = Field(pattern="^[a-z0-9]+(-[a-z0-9]+)*$")
    version: str = Field(pattern="^[a-z0-9.]+(-[a-z0-9.]+)*$")
    title: str
    summary: str
    status: Literal["documented", "unverified"]
    licence: Licence
    layout: tuple[Place, ...] = ()
    labels: tuple[LabelSet, ...] = ()
    splits: tuple[Split, ...] = ()
    group: Literal["subject", "video", "group", "image"]
    subjects: int | None = None
    withheld: tuple[str, ...] = ()
    metric: str
    checksums: tuple[Checksum, ...] = ()
    related: tuple[Relation, ...] = ()
    notes: tuple[str, ...] = ()
    origin: Origin | None = None
    sources: dict[str, str] = {}

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        for what, names in (("label set", [part.id for part in self.labels]), ("split", [s.name for s in self.splits])):
            if len(set(names)) < len(names):
                raise ValueError(f"a {what} occurs twice: {', '.join(names)}")
        return self

    @property
    def id(self) -> str:
        """`<name>_<version>`, as the manifest's file is called."""
        return f"{self.name}_{self.version}"

    def unnamed(self, problems: Sequence[Problem]) -> tuple[Problem, ...]:
        """Remove the ids of people who may not be shown from problems."""
        if not self.withheld:
            return tuple(problems)
        pattern = re.compile("|".join(map(re.escape, self.withheld)))

        def struck(text: str) -> str:
            return pattern.sub("(withheld)", text)

        return tuple(
            replace(
                problem,
                found=struck(problem.found),
                expected=struck(problem.expected),
                fix=struck(problem.fix),
                file=None if problem.file is None else struck(problem.file),
            )
            for problem in problems
        )

    def source_of(self, field: str) -> str:
        """The source of a dotted field's fact: the entry of the field, else of the nearest field above it."""
        parts = field.split(".")
        for end in range(len(parts), 0, -1):
            if (source := self.sources.get(".".join(parts[:end]))) is not None:
                return source
        return self.sources.get("*", "assumed: no source given")

    def is_assumed(self, field: str) -> bool:
        """True where the fact of a dotted field has no source yet."""
        return self.source_of(field).startswith("assumed")
