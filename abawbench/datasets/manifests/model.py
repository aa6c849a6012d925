"""The shape of a data set's manifest: one TOML file of facts, checked when it is read."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
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
    # ABAW sets and sets in the wild
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


def near_names(name: str, known: Iterable[str]) -> str:
    """What to write instead of a name that is not known: the known names that are like it, else all of them."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, 3)
    return " or ".join(f"'{name}'" for name in near) if near else f"one of {', '.join(names)}"


class Strict(BaseModel):
    """Frozen, and no field that is not known."""

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
        """What a Table holds of it."""
        return Continuous(self.name, self.columns, self.low, self.high, None)


class Classes(Strict):
    """One class of several.

    Attributes:
        classes: names in the data set's own order.
        codes: what the file writes for each class; 0, 1, ... where not given. Text where the file writes names.
        abaw: for each class the name of the ABAW expression it becomes, `contempt` where the reader of the labels
            decides, empty where it is masked. None where the classes are no expressions.
        compound: for each class the name of the ABAW compound expression it becomes, empty where there is none. None
            where the classes are no compound expressions.
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
        """What a Table holds of it."""
        return Categorical(self.name, self.classes, None)


class Marks(Strict):
    """Several labels, each 0 or 1: action units (columns `AU1`, ...) or attributes.

    Attributes:
        positive_from: least value that counts as present, as 2 for DISFA's intensities.
        missing: values that mean "not coded", as 9 or 999.
    """

    kind: Literal["marks"]
    name: str
    columns: tuple[str, ...] = Field(min_length=1)
    positive_from: float = 1
    missing: tuple[float, ...] = ()

    @property
    def task(self) -> Task:
        """What a Table holds of it."""
        return MultiLabel(self.name, self.columns, None)


TaskFacts = Annotated[Numbers | Classes | Marks, Field(discriminator="kind")]


class LabelSet(Strict):
    """One kind of annotation file of a data set.

    Attributes:
        id: short name within the data set, as `basic`, `action_units`.
        reader: name in `abawbench.datasets.manifests.model.READERS`.
        files: where the labels lie below the root: glob patterns, the first that matches counts; `split=pattern`
            where each split has files of its own.
        tasks: what a label says, columns and classes in the file's own order.
        image: path of a row's picture below the root, with `{unit}`, `{frame}` (as `{frame:05d}`) or `{image}`.
        frame_base: number of the first frame in the label file.
        options: further settings of the reader, named in its docstring.
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
    """Whether a path or glob pattern stays below the root of its data set."""
    path = PurePosixPath(pattern)
    return not path.is_absolute() and ".." not in path.parts


class Place(Strict):
    """A file or folder of the layout, as a glob pattern below the root."""

    path: str
    holds: Literal["annotations", "images", "videos", "audio", "landmarks", "lists", "other"]
    required: bool = True
    note: str = ""


class Split(Strict):
    """A part of the data set.

    Attributes:
        name: train, validation, test, or the data set's own word.
        count: how many, in `unit`; None where not known.
        counts: further known numbers, as rows of each class.
        rule: how the part is told, in words.
        file: the list that names its members, below the root.
        subjects: ids of its subjects or videos, where published.
    """

    name: str
    count: int | None = None
    unit: Literal["images", "videos", "frames", "rows", "subjects", "sequences"]
    counts: dict[str, int] = {}
    rule: str = ""
    file: str | None = None
    subjects: tuple[str, ...] = ()


class Licence(Strict):
    """Terms, and how a person obtains the data.

    Attributes:
        terms: the licence or agreement in a line; an SPDX id where there is one.
        access: what to do to get a copy.
        url: page of the owners, where known.
        attribution: text to print where the data are shown.
        fetch: name for `abawbench data fetch`, where the licence allows it.
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
    """How another data set overlaps with this one, for the leak guard."""

    dataset: str
    how: Literal["contains", "contained-in", "shares-pictures", "shares-subjects"]
    note: str = ""


class Origin(Strict):
    """Who made a data set.

    Attributes:
        creators: people or institutions, in the order of the paper.
        year: of publication.
        citation: what to cite, in a line.
        url: of the paper or the data set's page, where known.
        source: where these facts are from.
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
        status: `documented` where its layout is known from sources, `unverified` where it is assumed throughout.
        group: what must not be in two splits at once.
        subjects: number of people, where known.
        withheld: ids of people who gave no consent to be shown: no message names them.
        metric: how its literature judges.
        origin: who made it; for names in `abawbench.datasets.manifests.origins` it may be left out.
        sources: for each dotted field (`splits.train`, `labels.basic.classes`, ...) where the fact is from; a text that
            begins with `assumed` has no source yet. An entry for a field covers the fields below it.
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
        """`<name>_<version>`, the stem of its file."""
        return f"{self.name}_{self.version}"

    def unnamed(self, problems: Sequence[Problem]) -> tuple[Problem, ...]:
        """The problems with the ids of people who may not be shown struck out."""
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
        """Where a dotted field's fact is from: the entry of the field, else of what stands above it."""
        parts = field.split(".")
        for end in range(len(parts), 0, -1):
            if (source := self.sources.get(".".join(parts[:end]))) is not None:
                return source
        return self.sources.get("*", "assumed: no source given")

    def is_assumed(self, field: str) -> bool:
        """True where a fact has no source yet."""
        return self.source_of(field).startswith("assumed")
