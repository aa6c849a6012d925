"""Compound expressions (CE), reactions (ERI), mimicry (EMI) and violence (VD)."""

from __future__ import annotations

from collections.abc import Mapping

from abawbench.challenges.editions import (
    EIGHTH,
    FIFTH,
    FIVE_IN_10,
    NINTH,
    NO_FRAMES,
    SEVENTH,
    SIXTH,
    TENTH,
    Formats,
    record,
)
from abawbench.challenges.model import Baseline, Size, Statement
from abawbench.challenges.sources import (
    COMPOUND_LIST_6,
    COMPOUND_LIST_7,
    EMOTIEFFLIB_6_CE,
    EMOTIEFFLIB_6_EMI,
    EMOTIEFFLIB_7_CE,
    EMOTIEFFLIB_8_EMI,
    HKUST_2023,
    NAMHO_2025,
    PAGE_10,
    PAPER_10,
    SAMPLES_6,
    TSYPLIAKOVA_2026,
    UNKNOWN,
    all_of,
    assumed,
    told,
)
from abawbench.challenges.tasks import (
    CE_F1,
    COMPOUND,
    COMPOUND_SOURCES,
    EMI_PEARSON,
    ERI_PEARSON,
    MIMICRY,
    MIMICRY_SOURCES,
    REACTION,
    REACTION_SOURCES,
    VD_F1,
    VIOLENCE,
    VIOLENCE_SOURCES,
)

_CE_TITLE = "Compound Expression Recognition"
_CE_DATASET = "C-EXPR-DB"
_CE_FORMATS = Formats("rows", "rows", "rows")
_CE_SIZES = {"test": Size(units=56, rows=26_145)}
_CE_RULES = (Statement("Zero-shot: there are no training labels.", all_of(told("arXiv:2402.19344"), EMOTIEFFLIB_6_CE)),)
_CE_NOTES = (
    Statement("The header has seven names, each row one integer.", EMOTIEFFLIB_6_CE),
    Statement("Videos have names of two digits; a path is `01/00001.jpg`.", all_of(COMPOUND_LIST_6, COMPOUND_LIST_7)),
    Statement(
        "List and extraction by ffmpeg differ by one frame: the list has one more for videos 05 16 24 28 29 33 40 43 "
        "44 51 56 and one fewer for 09 10 22 45. The list decides: repeat the last label, drop the surplus.",
        all_of(EMOTIEFFLIB_6_CE, EMOTIEFFLIB_7_CE),
    ),
    Statement("`predictions.txt` is a name that was used.", assumed("not proven obligatory")),
)
_CE_SUBMISSIONS = assumed("five; no source gives the number")
_CE_SOURCES = {
    **COMPOUND_SOURCES,
    "annotation_format": assumed("no labels were published; a test's truth is read in the form of the prediction"),
    "annotation_places": assumed("no labels were published"),
    "frame_base": all_of(COMPOUND_LIST_6, COMPOUND_LIST_7),
    "valid_rows": assumed("no labels were published"),
    "submissions": _CE_SUBMISSIONS,
}
_CE_UNITS = all_of(told("arXiv:2402.19344"), EMOTIEFFLIB_6_CE)

ABAW6_CE = record(
    "abaw6-ce",
    SIXTH,
    title=_CE_TITLE,
    dataset=_CE_DATASET,
    tasks=(COMPOUND,),
    metric=CE_F1,
    formats=_CE_FORMATS,
    list_files=("test_set_examples/CVPR_6th_ABAW_CE_test_set_example.txt",),
    sizes=_CE_SIZES,
    submissions=5,
    rules=_CE_RULES,
    notes=(*_CE_NOTES, Statement("Rows of the list carry dummy integers.", COMPOUND_LIST_6)),
    sources={
        **_CE_SOURCES,
        "dataset": _CE_UNITS,
        "list_format": COMPOUND_LIST_6,
        "list_files": SAMPLES_6,
        "prediction_format": EMOTIEFFLIB_6_CE,
        "sizes": _CE_UNITS,
        "sizes.test.rows": COMPOUND_LIST_6,
    },
)
ABAW7_CE = record(
    "abaw7-ce",
    SEVENTH,
    title=_CE_TITLE,
    dataset=_CE_DATASET,
    tasks=(COMPOUND,),
    metric=CE_F1,
    formats=_CE_FORMATS,
    list_files=("CER.txt",),
    sizes=_CE_SIZES,
    submissions=5,
    rules=_CE_RULES,
    notes=(*_CE_NOTES, Statement("Rows of the list hold a path and a comma.", COMPOUND_LIST_7)),
    sources={
        **_CE_SOURCES,
        "dataset": COMPOUND_LIST_7,
        "list_format": COMPOUND_LIST_7,
        "list_files": COMPOUND_LIST_7,
        "prediction_format": assumed(f"as in the 6th edition ({EMOTIEFFLIB_6_CE})"),
        "sizes": _CE_UNITS,
        "sizes.test.rows": COMPOUND_LIST_7,
    },
)
_AS_BEFORE = assumed("as in the 6th and 7th edition")
_CE_LATER = {
    **_CE_SOURCES,
    "dataset": _AS_BEFORE,
    "tasks": _AS_BEFORE,
    "list_format": _AS_BEFORE,
    "prediction_format": _AS_BEFORE,
    "frame_base": _AS_BEFORE,
    "sizes": _AS_BEFORE,
}
ABAW8_CE = record(
    "abaw8-ce",
    EIGHTH,
    title=_CE_TITLE,
    dataset=_CE_DATASET,
    tasks=(COMPOUND,),
    metric=CE_F1,
    formats=_CE_FORMATS,
    sizes=_CE_SIZES,
    submissions=5,
    rules=_CE_RULES,
    notes=_CE_NOTES,
    sources={
        **_CE_LATER,
        "edition": assumed("to be confirmed that the 8th edition had this track"),
        "track": assumed("to be confirmed that the 8th edition had this track"),
    },
)
ABAW9_CE = record(
    "abaw9-ce",
    NINTH,
    title=_CE_TITLE,
    dataset=_CE_DATASET,
    tasks=(COMPOUND,),
    metric=CE_F1,
    formats=_CE_FORMATS,
    sizes=_CE_SIZES,
    submissions=5,
    rules=_CE_RULES,
    notes=_CE_NOTES,
    sources={
        **_CE_LATER,
        "track": assumed(
            "the page speaks of three challenges and names none; a team's paper, arXiv:2507.02205, is on CE"
        ),
    },
)

ABAW5_ERI = record(
    "abaw5-eri",
    FIFTH,
    title="Emotional Reaction Intensity Estimation",
    dataset="Hume-Reaction",
    tasks=(REACTION,),
    metric=ERI_PEARSON,
    formats=Formats("eri-csv", "eri-csv", "eri-csv"),
    annotation_places={"train": ("data_info.csv",), "validation": ("data_info.csv",)},
    sizes={
        "train": Size(units=15_806, rows=15_806),
        "validation": Size(units=4_657, rows=4_657),
        "test": Size(units=4_604, rows=4_604),
    },
    notes=(
        Statement(
            "One file holds all splits: columns `File_ID`, `Split` (Train, Val) and the seven emotions, to be found by "
            "name.",
            HKUST_2023,
        ),
        Statement("The third value of `Split` is Test.", assumed("it was not seen")),
        Statement("'Empathic-Pain' has a hyphen here and a blank in EMI.", HKUST_2023),
        Statement(
            "A video without prediction is never filled from the truth, as one team's validation code does.", HKUST_2023
        ),
        Statement("`predictions.csv` is the file one team wrote.", assumed("the official name and form are unknown")),
        Statement("About 75 hours of 2,222 subjects.", assumed("the numbers have no source")),
    ),
    sources={
        **REACTION_SOURCES,
        "dataset": HKUST_2023,
        "annotation_format": HKUST_2023,
        "annotation_places": HKUST_2023,
        "list_format": assumed("no list was seen; as the prediction"),
        "prediction_format": assumed(f"one team wrote it so ({HKUST_2023}); the official form is unknown"),
        "frame_base": NO_FRAMES,
        "sizes": assumed("the numbers have no source"),
    },
)

_EMI_TITLE = "Emotional Mimicry Intensity Estimation"
_EMI_DATASET = "Hume-Vidmimic2"
_EMI_FORMATS = Formats("emi-csv", "emi-csv", "emi-csv")
_EMI_PLACES: Mapping[str, tuple[str, ...]] = {"train": ("train_split.csv",), "validation": ("valid_split.csv",)}
_EMI_SIZES = {
    "train": Size(units=8_072, rows=8_072),
    "validation": Size(units=4_588, rows=4_588),
    "test": Size(units=4_586, rows=4_586),
}
_EMI_NOTES = (
    Statement(
        "An id has five digits with leading zeros and is a text, never a number; test begins at 12660.",
        EMOTIEFFLIB_8_EMI,
    ),
    Statement(
        "The label files have ids of the same form and columns in the order of the submission's header.",
        assumed("their first lines were not seen"),
    ),
    Statement("'Empathic Pain' has a blank here and a hyphen in ERI.", all_of(EMOTIEFFLIB_6_EMI, EMOTIEFFLIB_8_EMI)),
    Statement("Over 15,000 videos, over 30 hours.", PAPER_10),
    Statement("557 subjects.", assumed("the number has no source")),
)
_EMI_SOURCES = {
    **MIMICRY_SOURCES,
    "dataset": PAPER_10,
    "annotation_format": EMOTIEFFLIB_8_EMI,
    "annotation_format.header": assumed("the names and their order are those of the submission's header"),
    "annotation_places": EMOTIEFFLIB_8_EMI,
    "list_format": assumed("no list was seen; as the prediction"),
    "prediction_format": all_of(EMOTIEFFLIB_6_EMI, EMOTIEFFLIB_8_EMI),
    "frame_base": NO_FRAMES,
    "sizes": all_of(EMOTIEFFLIB_6_EMI, EMOTIEFFLIB_8_EMI),
    "submissions": assumed("five; no source gives the number"),
}

ABAW6_EMI = record(
    "abaw6-emi",
    SIXTH,
    title=_EMI_TITLE,
    dataset=_EMI_DATASET,
    tasks=(MIMICRY,),
    metric=EMI_PEARSON,
    formats=_EMI_FORMATS,
    annotation_places=_EMI_PLACES,
    sizes=_EMI_SIZES,
    submissions=5,
    notes=_EMI_NOTES,
    sources=_EMI_SOURCES,
)
ABAW8_EMI = record(
    "abaw8-emi",
    EIGHTH,
    title=_EMI_TITLE,
    dataset=_EMI_DATASET,
    tasks=(MIMICRY,),
    metric=EMI_PEARSON,
    formats=_EMI_FORMATS,
    annotation_places=_EMI_PLACES,
    sizes=_EMI_SIZES,
    submissions=5,
    notes=_EMI_NOTES,
    sources={**_EMI_SOURCES, "track": EMOTIEFFLIB_8_EMI},
)
ABAW10_EMI = record(
    "abaw10-emi",
    TENTH,
    title=_EMI_TITLE,
    dataset=_EMI_DATASET,
    tasks=(MIMICRY,),
    metric=EMI_PEARSON,
    formats=_EMI_FORMATS,
    annotation_places=_EMI_PLACES,
    sizes=_EMI_SIZES,
    submissions=5,
    notes=_EMI_NOTES,
    baselines=(Baseline("test", 0.27, "", PAPER_10),),
    sources={
        **_EMI_SOURCES,
        "track": all_of(PAGE_10, PAPER_10),
        "sizes": assumed(f"as in the 6th and 8th edition ({EMOTIEFFLIB_6_EMI}; {EMOTIEFFLIB_8_EMI})"),
        "submissions": FIVE_IN_10,
    },
)

_VD_TITLE = "Fine-Grained Violence Detection"
_VD_DATASET = "DVD"
_VD_FORMATS = Formats("vd-csv", "vd-csv", "vd-csv")
_VD_PLACES: Mapping[str, tuple[str, ...]] = {
    "train": ("Training/annotations",),
    "validation": ("Validation/annotations",),
}
_VD_SIZES = {"train": Size(), "validation": Size(), "test": Size()}
_VD_NOTES = (
    Statement(
        "172 videos with names of four digits, about 1.39 million frames in all.", all_of(PAPER_10, TSYPLIAKOVA_2026)
    ),
    Statement(
        "One CSV file for each video, frames from 1, `Label` 0 or 1; a frame that is missing there counts as -1 and is "
        "left out.",
        TSYPLIAKOVA_2026,
    ),
    Statement(
        "Submit the template's files, names and header unchanged, with `Label` filled, zipped flat. The template's "
        "rows decide: where fewer frames were extracted both teams repeat the last value.",
        all_of(TSYPLIAKOVA_2026, NAMHO_2025),
    ),
)
_VD_SOURCES = {
    **VIOLENCE_SOURCES,
    "dataset": all_of(PAPER_10, TSYPLIAKOVA_2026),
    "annotation_format": TSYPLIAKOVA_2026,
    "annotation_places": TSYPLIAKOVA_2026,
    "list_format": TSYPLIAKOVA_2026,
    "list_files": TSYPLIAKOVA_2026,
    "frame_base": TSYPLIAKOVA_2026,
    "sizes": UNKNOWN,
}

ABAW9_VD = record(
    "abaw9-vd",
    NINTH,
    title=_VD_TITLE,
    dataset=_VD_DATASET,
    tasks=(VIOLENCE,),
    metric=VD_F1,
    formats=_VD_FORMATS,
    list_files=("Expected_Output_Files/",),
    annotation_places=_VD_PLACES,
    sizes=_VD_SIZES,
    submissions=5,
    rules=(Statement("Academic use only.", assumed(f"as in the 10th edition ({PAGE_10})")),),
    notes=(
        *_VD_NOTES,
        Statement("The header is `Frame_Num,Label`, as one team read the template; the template decides.", NAMHO_2025),
    ),
    sources={
        **_VD_SOURCES,
        "track": assumed(
            f"the page speaks of three challenges and names none; a team wrote predictions for DVD ({NAMHO_2025})"
        ),
        "prediction_format": NAMHO_2025,
        "submissions": assumed(f"up to 5 as in the 10th edition ({TSYPLIAKOVA_2026})"),
    },
)
ABAW10_VD = record(
    "abaw10-vd",
    TENTH,
    title=_VD_TITLE,
    dataset=_VD_DATASET,
    tasks=(VIOLENCE,),
    metric=VD_F1,
    formats=_VD_FORMATS,
    list_files=("Expected_Output_Files/",),
    annotation_places=_VD_PLACES,
    sizes=_VD_SIZES,
    submissions=5,
    rules=(Statement("Academic use only.", PAGE_10),),
    notes=(
        *_VD_NOTES,
        Statement(
            "The header is `Frame_Number,Label` in one team's code and `Frame_Number,Predicted_Label` in its README; "
            "the template decides.",
            TSYPLIAKOVA_2026,
        ),
    ),
    baselines=(
        Baseline("test", 0.504, "", all_of(PAPER_10, told("arXiv:2603.12693"))),
        Baseline("validation", 0.64, "F1 0.56 violent, 0.71 not violent", all_of(PAPER_10, told("arXiv:2603.12693"))),
    ),
    sources={
        **_VD_SOURCES,
        "track": all_of(PAGE_10, PAPER_10),
        "prediction_format": TSYPLIAKOVA_2026,
        "submissions": TSYPLIAKOVA_2026,
    },
)

RECORDS = (ABAW6_CE, ABAW7_CE, ABAW8_CE, ABAW9_CE, ABAW5_ERI, ABAW6_EMI, ABAW8_EMI, ABAW10_EMI, ABAW9_VD, ABAW10_VD)
