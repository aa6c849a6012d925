"""What the tables of public toolkits look like: frozen facts, each with its source or marked as assumed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Scale = Literal["presence", "probability", "intensity"]
Scores = Literal["probability", "logit"]
ToolName = Literal["py-feat-1", "py-feat-2", "openface-2", "openface-3", "libreface", "emotiefflib"]

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


@dataclass(frozen=True, slots=True)
class UnitColumn:
    """Where the value of an action unit stands, and what it is: 0 or 1, from 0 to 1, or from 0 to 5."""

    column: str
    scale: Scale


@dataclass(frozen=True)
class Tool:
    """A toolkit's table, a row for each face in a frame.

    Attributes:
        name: as settings write it.
        title: for a reader.
        marks: columns that together tell the table from those of the tools behind it in `TOOLS`.
        frame: column of the frame number.
        frame_base: number of the first frame.
        confidence: column that says which of several faces counts, the highest; None: the first.
        success: column that is 0 where there was no face to speak of; None where there is none.
        box: column that is empty where there was no face; None where there is none.
        units: by action unit.
        threshold: intensity from which on a unit is present; None where no unit has only an intensity.
        classes: columns of its class scores, or, with `label`, what stands in that column.
        label: column that names the class; None where every class has a column.
        scores: what the class columns hold.
        valence_arousal: their columns, from -1 to 1; None where there are none.
        sources: for every other field but the first two where it comes from, or text that begins with `assumed`.
    """

    name: ToolName
    title: str
    marks: tuple[str, ...]
    frame: str
    frame_base: int
    confidence: str | None
    success: str | None
    box: str | None
    units: Mapping[str, UnitColumn]
    threshold: float | None
    classes: tuple[str, ...]
    label: str | None
    scores: Scores
    valence_arousal: tuple[str, str] | None
    sources: Mapping[str, str]

    @property
    def assumed(self) -> tuple[str, ...]:
        """Names of the fields without a source."""
        return tuple(name for name, source in self.sources.items() if source.startswith("assumed"))


def _units(numbers: Sequence[int], column: str, scale: Scale) -> dict[str, UnitColumn]:
    return {f"AU{number}": UnitColumn(column.format(number), scale) for number in numbers}


_PY_FEAT_1 = Tool(
    name="py-feat-1",
    title="py-feat, Detector",
    marks=("frame", "FaceScore", "AU01", "happiness"),
    frame="frame",
    frame_base=0,
    confidence="FaceScore",
    success=None,
    box="FaceRectX",
    units=_units((1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 17, 20, 23, 24, 25, 26, 28, 43), "AU{:02d}", "probability"),
    threshold=None,
    classes=("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"),
    label=None,
    scores="probability",
    valence_arousal=None,
    sources={
        "marks": PY_FEAT_COLUMNS,
        "frame": PY_FEAT_COLUMNS,
        "frame_base": "assumed to be that of Detectorv2",
        "confidence": PY_FEAT_COLUMNS,
        "success": PY_FEAT_COLUMNS,
        "box": "assumed to be that of Detectorv2",
        "units": f"{PY_FEAT_MODEL}: the 24 of version 2 without 16, 18, 27, 45; probabilities: {PY_FEAT_METHOD}",
        "threshold": "no unit has only an intensity",
        "classes": PY_FEAT_COLUMNS,
        "label": PY_FEAT_COLUMNS,
        "scores": "assumed",
        "valence_arousal": PY_FEAT_METHOD,
    },
)
_PY_FEAT_2 = Tool(
    name="py-feat-2",
    title="py-feat, Detectorv2",
    marks=("frame", "FaceScore", "AU01", "Happy", "valence", "arousal"),
    frame="frame",
    frame_base=0,
    confidence="FaceScore",
    success=None,
    # units of a frame without a face are numbers all the same: those of a black picture
    box="FaceRectX",
    units=_units(
        (1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 16, 17, 18, 20, 23, 24, 25, 26, 27, 28, 43, 45),
        "AU{:02d}",
        "probability",
    ),
    threshold=None,
    classes=("Neutral", "Happy", "Sad", "Surprise", "Fear", "Disgust", "Anger", "Contempt"),
    label=None,
    scores="probability",
    valence_arousal=("valence", "arousal"),
    sources={
        "marks": PY_FEAT_DETECTOR,
        "frame": PY_FEAT_DETECTOR,
        "frame_base": f"assumed for videos; for pictures {PY_FEAT_DETECTOR}",
        "confidence": PY_FEAT_DETECTOR,
        "success": PY_FEAT_DETECTOR,
        "box": PY_FEAT_DETECTOR,
        "units": f"{PY_FEAT_MODEL}; the released model lacks 16, 18, 27, 45: {PY_FEAT_SCHEMA}",
        "threshold": "no unit has only an intensity",
        "classes": f"{PY_FEAT_SCHEMA}; the released model lacks Contempt",
        "label": PY_FEAT_DETECTOR,
        "scores": PY_FEAT_DETECTOR,
        "valence_arousal": PY_FEAT_SCHEMA,
    },
)
_OPENFACE_2 = Tool(
    name="openface-2",
    title="OpenFace 2, FeatureExtraction",
    marks=("frame", "success", "AU01_c"),
    frame="frame",
    frame_base=1,
    confidence="confidence",
    success="success",
    box=None,
    units=_units((1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 28, 45), "AU{:02d}_c", "presence"),
    threshold=None,
    classes=(),
    label=None,
    scores="probability",
    valence_arousal=None,
    sources={
        "marks": OPENFACE_FORMAT,
        "frame": OPENFACE_FORMAT,
        "frame_base": "assumed",
        "confidence": OPENFACE_FORMAT,
        "success": OPENFACE_FORMAT,
        "box": OPENFACE_FORMAT,
        "units": OPENFACE_UNITS,
        "threshold": "no unit has only an intensity",
        "classes": OPENFACE_FORMAT,
        "label": OPENFACE_FORMAT,
        "scores": "it has no classes",
        "valence_arousal": OPENFACE_FORMAT,
    },
)
_LIBREFACE = Tool(
    name="libreface",
    title="LibreFace",
    marks=("frame_idx", "facial_expression", "au_1", "au_25_intensity"),
    frame="frame_idx",
    frame_base=0,
    confidence=None,
    success=None,
    box=None,
    # where presence and intensity are given, presence counts
    units=_units((5, 9, 20, 25, 26), "au_{}_intensity", "intensity")
    | _units((1, 2, 4, 6, 7, 10, 12, 14, 15, 17, 23, 24), "au_{}", "presence"),
    threshold=2.0,
    classes=("Neutral", "Happiness", "Sadness", "Surprise", "Fear", "Disgust", "Anger", "Contempt"),
    label="facial_expression",
    scores="probability",
    valence_arousal=None,
    sources={
        "marks": LIBREFACE_README,
        "frame": LIBREFACE_README,
        "frame_base": "assumed",
        "confidence": LIBREFACE_README,
        "success": LIBREFACE_README,
        "box": "assumed: cells of a frame without a face are empty",
        "units": LIBREFACE_README,
        "threshold": PY_FEAT_METHOD,
        "classes": LIBREFACE_README,
        "label": LIBREFACE_README,
        "scores": "it names the class only",
        "valence_arousal": LIBREFACE_README,
    },
)
_OPENFACE_3 = Tool(
    name="openface-3",
    title="OpenFace 3",
    marks=("frame", "AU01", "AU25", "Happy", "Contempt"),
    frame="frame",
    frame_base=0,
    confidence="confidence",
    success=None,
    box=None,
    units=_units((1, 2, 4, 6, 9, 12, 25, 26), "AU{:02d}", "probability"),
    threshold=None,
    classes=("Neutral", "Happy", "Sad", "Surprise", "Fear", "Disgust", "Anger", "Contempt"),
    label=None,
    scores="logit",
    valence_arousal=None,
    sources={
        "marks": "assumed: it gives arrays, and whoever writes them names the columns after its documentation",
        "frame": "assumed",
        "frame_base": "assumed",
        "confidence": f"assumed name of the column; {OPENFACE_3_README}",
        "success": OPENFACE_3_README,
        "box": "assumed: cells of a frame without a face are empty",
        "units": PY_FEAT_OPENFACE_3,
        "threshold": "no unit has only an intensity",
        "classes": OPENFACE_3_README,
        "label": "assumed: all scores are written",
        "scores": OPENFACE_3_README,
        "valence_arousal": OPENFACE_3_README,
    },
)
_EMOTIEFFLIB = Tool(
    name="emotiefflib",
    title="EmotiEffLib",
    marks=("frame", "Anger", "Happiness", "Neutral"),
    frame="frame",
    frame_base=0,
    confidence="confidence",
    success=None,
    box=None,
    units={},
    threshold=None,
    classes=("Anger", "Contempt", "Disgust", "Fear", "Happiness", "Neutral", "Sadness", "Surprise"),
    label=None,
    scores="logit",
    valence_arousal=("valence", "arousal"),
    sources={
        "marks": "assumed: it gives arrays, and whoever writes them names the columns after its classes",
        "frame": "assumed",
        "frame_base": "assumed",
        "confidence": "assumed",
        "success": "assumed",
        "box": "assumed: cells of a frame without a face are empty",
        "units": EMOTIEFFLIB_CODE,
        "threshold": "no unit has only an intensity",
        "classes": f"{EMOTIEFFLIB_CODE}; models of 7 classes lack Contempt",
        "label": "assumed: all scores are written",
        "scores": f"{EMOTIEFFLIB_CODE}: the default of predict_emotions",
        "valence_arousal": f"assumed names and range; the last two scores of *_mtl: {EMOTIEFFLIB_CODE}",
    },
)
# the first whose marks a table has is its tool
TOOLS: tuple[Tool, ...] = (_PY_FEAT_2, _PY_FEAT_1, _OPENFACE_2, _LIBREFACE, _OPENFACE_3, _EMOTIEFFLIB)


def recognised(header: Sequence[str]) -> Tool | None:
    """The tool that writes tables with these columns; None where none is known."""
    return next((tool for tool in TOOLS if set(tool.marks) <= set(header)), None)
