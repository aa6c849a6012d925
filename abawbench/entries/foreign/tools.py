"""The tables that public toolkits write, and the names that other models give the expressions.

Frozen facts, each with its source or marked as assumed. A toolkit is added as one more `Tool` in TOOLS.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Literal

import numpy as np

from abawbench import labels
from abawbench.base.problems import Problem, ProblemError, did_you_mean
from abawbench.table import Floats

Scale = Literal["presence", "probability", "intensity"]
Scores = Literal["probability", "logit"]
PY_FEAT_COLUMNS = "cosanlab/py-feat:feat/utils/__init__.py"
PY_FEAT_DETECTOR = "cosanlab/py-feat:feat/detector_v2.py"
PY_FEAT_MODEL = "cosanlab/py-feat:feat/multitask/model_v2.py"
PY_FEAT_SCHEMA = "cosanlab/py-feat:feat/multitask/__init__.py"
PY_FEAT_OPENFACE_3 = "cosanlab/py-feat:docs/benchmarks/competitors/openface3_disfaplus.json"
PY_FEAT_METHOD = "cosanlab/py-feat:docs/benchmarks/cross_tool_methodology.md"
OPENFACE_FORMAT = "https://github.com/TadasBaltrusaitis/OpenFace/wiki/Output-Format"
OPENFACE_UNITS = "https://github.com/TadasBaltrusaitis/OpenFace/wiki/Action-Units"
OPENFACE_3_README = "CMU-MultiComp-Lab/OpenFace-3.0:README.md"
LIBREFACE_README = "ihp-lab/LibreFace:README_pypi.rst"
EMOTIEFFLIB_CODE = "sb-ai-lab/EmotiEffLib:emotiefflib/facial_analysis.py"
EMPTY_CELLS = "assumed: cells of a frame without a face are empty"
PY_FEAT_PLACE = ("FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight")
ARRAYS = "assumed: it gives arrays, and whoever writes them names the columns after its"

_, ANGER, DISGUST, FEAR, HAPPINESS, SADNESS, SURPRISE, _ = labels.EXPRESSIONS_8


@dataclass(frozen=True, slots=True)
class UnitColumn:
    """Column of an action unit, and the scale of its values: 0 or 1, from 0 to 1, or from 0 to 5."""

    column: str
    scale: Scale


@dataclass(frozen=True, slots=True)
class Derived:
    """A value that is made of columns of a table: their mean, brought from its range onto the usual one.

    Attributes:
        columns: names of the columns.
        low: value that becomes the least one of the usual range.
        high: value that becomes the greatest one.
        threshold: value that becomes the middle of the usual range; None is halfway between `low` and `high`.
        least: least value of the usual range: 0, or -1 for valence and arousal.
    """

    columns: tuple[str, ...]
    low: float = 0.0
    high: float = 1.0
    threshold: float | None = None
    least: float = 0.0

    def of(self, values: Floats) -> Floats:
        """The values of some rows, from their cells, shape (rows, columns); values out of the range stay out of it.

        >>> Derived(("left", "right"), high=100).of(np.array([[20.0, 40.0]])).tolist()
        [0.3]
        """
        mean = values.mean(axis=1)
        middle = (self.low + self.high) / 2 if self.threshold is None else self.threshold
        below = (mean - self.low) / (middle - self.low) / 2
        above = (mean - middle) / (self.high - middle) / 2 + 0.5
        share = np.where((mean < middle) == (self.low < self.high), below, above)
        return self.least + (1 - self.least) * share


@dataclass(frozen=True)
class Tool:
    """The table of a toolkit, with a row for each face in a frame.

    Attributes:
        name: name of the tool in settings.
        title: name of the tool for a reader.
        marks: columns that together distinguish the table from those of later tools in `TOOLS`.
        frame: column of the frame number; None where rows follow each other, a frame each.
        frame_base: number of the first frame.
        confidence: column of the confidence, whose highest value selects one of several faces; None selects the first.
        success: column that is 1 where a face was found; None where there is no such column.
        box: column that is empty where there was no face; None where there is no such column.
        person: column that says which person a face is of; None where there is no such column.
        place: columns of the left and top edge, the width and the height of a face; None where there are none.
        units: column of each action unit.
        threshold: intensity from which a unit is present; None where no unit has only an intensity.
        classes: columns of class scores; with `label`, the classes that this column names.
        label: column that names the class; None where every class has a column.
        scores: kind of scores in the class columns.
        valence_arousal: columns of valence and arousal, from -1 to 1; None where there are none.
        derived: values that are made of columns, by the names that the other fields call them.
        sources: source of every other field but name and title, or text that begins with `assumed`.
    """

    name: str
    title: str
    sources: Mapping[str, str]
    marks: tuple[str, ...]
    frame: str | None = "frame"
    frame_base: int = 0
    confidence: str | None = None
    success: str | None = None
    box: str | None = None
    person: str | None = None
    place: tuple[str, str, str, str] | None = None
    units: Mapping[str, UnitColumn] = field(default_factory=dict[str, UnitColumn])
    threshold: float | None = None
    classes: tuple[str, ...] = ()
    label: str | None = None
    scores: Scores = "probability"
    valence_arousal: tuple[str, str] | None = None
    derived: Mapping[str, Derived] = field(default_factory=dict[str, Derived])

    @property
    def assumed(self) -> tuple[str, ...]:
        """Names of the fields without a source."""
        return tuple(name for name, source in self.sources.items() if source.startswith("assumed"))


FACTS = tuple(each.name for each in fields(Tool) if each.name not in {"name", "title", "sources"})


def _sources(usual: str, **others: str) -> dict[str, str]:
    """Source of every fact of a tool: the usual one, or another one for some facts."""
    known = {"threshold": "no unit has only an intensity", "derived": "every value has its own column", **others}
    return {name: known.get(name, usual) for name in FACTS}


def _units(column: str, scale: Scale, numbers: Sequence[int]) -> dict[str, UnitColumn]:
    return {f"AU{number}": UnitColumn(column.format(number), scale) for number in numbers}


# a table belongs to the first tool whose marks it has
TOOLS: tuple[Tool, ...] = (
    Tool(
        name="py-feat-2",
        title="py-feat, Detectorv2",
        marks=("frame", "FaceScore", "AU01", "Happy", "valence", "arousal"),
        confidence="FaceScore",
        # units of a frame without a face are numbers all the same: those of a black picture
        box="FaceRectX",
        person="Identity",
        place=PY_FEAT_PLACE,
        units=_units(
            "AU{:02d}",
            "probability",
            (1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 16, 17, 18, 20, 23, 24, 25, 26, 27, 28, 43, 45),
        ),
        classes=("Neutral", "Happy", "Sad", "Surprise", "Fear", "Disgust", "Anger", "Contempt"),
        valence_arousal=("valence", "arousal"),
        sources=_sources(
            PY_FEAT_DETECTOR,
            person=f"assumed: as in {PY_FEAT_COLUMNS}",
            frame_base=f"assumed for videos; for pictures {PY_FEAT_DETECTOR}",
            units=f"{PY_FEAT_MODEL}; the released model lacks 16, 18, 27, 45: {PY_FEAT_SCHEMA}",
            classes=f"{PY_FEAT_SCHEMA}; the released model lacks Contempt",
            valence_arousal=PY_FEAT_SCHEMA,
        ),
    ),
    Tool(
        name="py-feat-1",
        title="py-feat, Detector",
        marks=("frame", "FaceScore", "AU01", "happiness"),
        confidence="FaceScore",
        box="FaceRectX",
        person="Identity",
        place=PY_FEAT_PLACE,
        units=_units(
            "AU{:02d}", "probability", (1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 17, 20, 23, 24, 25, 26, 28, 43)
        ),
        classes=("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"),
        sources=_sources(
            PY_FEAT_COLUMNS,
            frame_base="assumed to be that of Detectorv2",
            box="assumed to be that of Detectorv2",
            units=f"{PY_FEAT_MODEL}: the 24 of version 2 without 16, 18, 27, 45; probabilities: {PY_FEAT_METHOD}",
            scores="assumed",
            valence_arousal=PY_FEAT_METHOD,
        ),
    ),
    Tool(
        name="openface-2",
        title="OpenFace 2, FeatureExtraction",
        marks=("frame", "success", "AU01_c"),
        frame_base=1,
        confidence="confidence",
        success="success",
        person="face_id",
        units=_units("AU{:02d}_c", "presence", (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 28, 45)),
        sources=_sources(OPENFACE_FORMAT, frame_base="assumed", units=OPENFACE_UNITS, scores="it has no classes"),
    ),
    Tool(
        name="libreface",
        title="LibreFace",
        marks=("frame_idx", "facial_expression", "au_1", "au_25_intensity"),
        frame="frame_idx",
        # where presence and intensity are given, presence counts
        units=_units("au_{}_intensity", "intensity", (5, 9, 20, 25, 26))
        | _units("au_{}", "presence", (1, 2, 4, 6, 7, 10, 12, 14, 15, 17, 23, 24)),
        threshold=2.0,
        classes=("Neutral", "Happiness", "Sadness", "Surprise", "Fear", "Disgust", "Anger", "Contempt"),
        label="facial_expression",
        sources=_sources(
            LIBREFACE_README,
            frame_base="assumed",
            box=EMPTY_CELLS,
            threshold=PY_FEAT_METHOD,
            scores="it names the class only",
        ),
    ),
    Tool(
        name="openface-3",
        title="OpenFace 3",
        marks=("frame", "AU01", "AU25", "Happy", "Contempt"),
        confidence="confidence",
        units=_units("AU{:02d}", "probability", (1, 2, 4, 6, 9, 12, 25, 26)),
        classes=("Neutral", "Happy", "Sad", "Surprise", "Fear", "Disgust", "Anger", "Contempt"),
        scores="logit",
        sources=_sources(
            OPENFACE_3_README,
            marks=f"{ARRAYS} documentation",
            frame="assumed",
            frame_base="assumed",
            confidence=f"assumed name of the column; {OPENFACE_3_README}",
            box=EMPTY_CELLS,
            units=PY_FEAT_OPENFACE_3,
            label="assumed: all scores are written",
        ),
    ),
    Tool(
        name="emotiefflib",
        title="EmotiEffLib",
        marks=("frame", "Anger", "Happiness", "Neutral"),
        confidence="confidence",
        classes=("Anger", "Contempt", "Disgust", "Fear", "Happiness", "Neutral", "Sadness", "Surprise"),
        scores="logit",
        valence_arousal=("valence", "arousal"),
        sources=_sources(
            EMOTIEFFLIB_CODE,
            marks=f"{ARRAYS} classes",
            frame="assumed",
            frame_base="assumed",
            confidence="assumed",
            success="assumed",
            box=EMPTY_CELLS,
            classes=f"{EMOTIEFFLIB_CODE}; models of 7 classes lack Contempt",
            label="assumed: all scores are written",
            scores=f"{EMOTIEFFLIB_CODE}: the default of predict_emotions",
            valence_arousal=f"assumed names and range; the last two scores of *_mtl: {EMOTIEFFLIB_CODE}",
        ),
    ),
)


def find_tool(name: str) -> Tool:
    """The tool of this name. Raises: ProblemError E02, there is none."""
    known = {tool.name: tool for tool in TOOLS}
    if name not in known:
        expected = f"auto, or one of {', '.join(known)}"
        raise ProblemError(Problem("E02", f"settings.tool = {name}", expected, did_you_mean(name, known)))
    return known[name]


def recognise(header: Sequence[str], tools: Sequence[Tool] = TOOLS) -> Tool | None:
    """The tool that writes tables with these columns; None where none is known."""
    return next((tool for tool in tools if set(tool.marks) <= set(header)), None)


def of_pictures(tool: Tool) -> Tool:
    """The table that a tool writes for a single picture: without the number of a frame, and without tracking."""
    marks = tuple(name for name in tool.marks if name not in {tool.frame, tool.success})
    return replace(tool, marks=marks, frame=None, success=None, person=None)
