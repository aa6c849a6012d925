"""Compound expressions (CE), violence (VD), reactions (ERI) and mimicry (EMI)."""

from __future__ import annotations

from abawbench.challenges.editions import (
    EIGHTH,
    FIFTH,
    FIVE_IN_10,
    NINTH,
    NO_FRAMES,
    SEVENTH,
    SIXTH,
    TENTH,
    Fields,
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
    second_hand,
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

_CE_UNITS = all_of(second_hand("arXiv:2402.19344"), EMOTIEFFLIB_6_CE)
_AS_BEFORE = assumed("as in the 6th and 7th edition")

_CE: Fields = {
    "track": "ce",
    "title": "Compound Expression Recognition",
    "dataset": "C-EXPR-DB",
    "tasks": (COMPOUND,),
    "metric": CE_F1,
    "formats": ("rows", "rows", "rows"),
    "rules": (
        Statement(
            "Zero-shot: there are no training labels.", all_of(second_hand("arXiv:2402.19344"), EMOTIEFFLIB_6_CE)
        ),
    ),
    "sizes": {"test": Size(units=56, rows=26_145)},
    "submissions": 5,
    "notes": (
        Statement("The header has seven names, each row one integer.", EMOTIEFFLIB_6_CE),
        Statement(
            "Videos have names of two digits; a path is `01/00001.jpg`.", all_of(COMPOUND_LIST_6, COMPOUND_LIST_7)
        ),
        Statement(
            "List and extraction by ffmpeg differ by one frame: the list has one more for videos 05 16 24 28 29 33 40 "
            "43 44 51 56 and one fewer for 09 10 22 45. The list decides: repeat the last label, drop the surplus.",
            all_of(EMOTIEFFLIB_6_CE, EMOTIEFFLIB_7_CE),
        ),
        Statement("`predictions.txt` is a name that was used.", assumed("not proven obligatory")),
    ),
    "sources": {
        **COMPOUND_SOURCES,
        "annotation_format": assumed("no labels were published; a test's truth is read in the form of the prediction"),
        "annotation_places": assumed("no labels were published"),
        "frame_base": all_of(COMPOUND_LIST_6, COMPOUND_LIST_7),
        "valid_rows": assumed("no labels were published"),
        "submissions": assumed("five; no source gives the number"),
    },
}
_CE_LATER: Fields = {
    "sources": dict.fromkeys(
        ("dataset", "tasks", "list_format", "prediction_format", "frame_base", "sizes"), _AS_BEFORE
    )
}

_EMI: Fields = {
    "track": "emi",
    "title": "Emotional Mimicry Intensity Estimation",
    "dataset": "Hume-Vidmimic2",
    "tasks": (MIMICRY,),
    "metric": EMI_PEARSON,
    "formats": ("emi-csv", "emi-csv", "emi-csv"),
    "annotation_places": {"train": ("train_split.csv",), "validation": ("valid_split.csv",)},
    "sizes": {
        "train": Size(units=8_072, rows=8_072),
        "validation": Size(units=4_588, rows=4_588),
        "test": Size(units=4_586, rows=4_586),
    },
    "submissions": 5,
    "notes": (
        Statement(
            "An id has five digits with leading zeros and is a text, never a number; test begins at 12660.",
            EMOTIEFFLIB_8_EMI,
        ),
        Statement(
            "The label files have ids of the same form and columns in the order of the submission's header.",
            assumed("their first lines were not seen"),
        ),
        Statement(
            "'Empathic Pain' has a blank here and a hyphen in ERI.", all_of(EMOTIEFFLIB_6_EMI, EMOTIEFFLIB_8_EMI)
        ),
        Statement("Over 15,000 videos, over 30 hours.", PAPER_10),
        Statement("557 subjects.", assumed("the number has no source")),
    ),
    "sources": {
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
    },
}

_VD: Fields = {
    "track": "vd",
    "title": "Fine-Grained Violence Detection",
    "dataset": "DVD",
    "tasks": (VIOLENCE,),
    "metric": VD_F1,
    "formats": ("vd-csv", "vd-csv", "vd-csv"),
    "list_files": ("Expected_Output_Files/",),
    "annotation_places": {
        "train": ("Training/annotations",),
        "validation": ("Validation/annotations",),
    },
    "sizes": {"train": Size(), "validation": Size(), "test": Size()},
    "submissions": 5,
    "notes": (
        Statement(
            "172 videos with names of four digits, about 1.39 million frames in all.",
            all_of(PAPER_10, TSYPLIAKOVA_2026),
        ),
        Statement(
            "One CSV file for each video, frames from 1, `Label` 0 or 1; a frame that is missing there counts as -1 "
            "and is left out.",
            TSYPLIAKOVA_2026,
        ),
        Statement(
            "Submit the template's files, names and header unchanged, with `Label` filled, zipped flat. The template's "
            "rows decide: where fewer frames were extracted both teams repeat the last value.",
            all_of(TSYPLIAKOVA_2026, NAMHO_2025),
        ),
    ),
    "sources": {
        **VIOLENCE_SOURCES,
        "dataset": all_of(PAPER_10, TSYPLIAKOVA_2026),
        "annotation_format": TSYPLIAKOVA_2026,
        "annotation_places": TSYPLIAKOVA_2026,
        "list_format": TSYPLIAKOVA_2026,
        "list_files": TSYPLIAKOVA_2026,
        "frame_base": TSYPLIAKOVA_2026,
        "sizes": UNKNOWN,
    },
}

RECORDS = (
    record(
        SIXTH,
        (_CE,),
        list_files=("test_set_examples/CVPR_6th_ABAW_CE_test_set_example.txt",),
        notes=(Statement("Rows of the list carry dummy integers.", COMPOUND_LIST_6),),
        sources={
            "dataset": _CE_UNITS,
            "list_format": COMPOUND_LIST_6,
            "list_files": SAMPLES_6,
            "prediction_format": EMOTIEFFLIB_6_CE,
            "sizes": _CE_UNITS,
            "sizes.test.rows": COMPOUND_LIST_6,
        },
    ),
    record(
        SEVENTH,
        (_CE,),
        list_files=("CER.txt",),
        notes=(Statement("Rows of the list hold a path and a comma.", COMPOUND_LIST_7),),
        sources={
            "dataset": COMPOUND_LIST_7,
            "list_format": COMPOUND_LIST_7,
            "list_files": COMPOUND_LIST_7,
            "prediction_format": assumed(f"as in the 6th edition ({EMOTIEFFLIB_6_CE})"),
            "sizes": _CE_UNITS,
            "sizes.test.rows": COMPOUND_LIST_7,
        },
    ),
    record(
        EIGHTH,
        (_CE, _CE_LATER),
        sources={
            "edition": assumed("to be confirmed that the 8th edition had this track"),
            "track": assumed("to be confirmed that the 8th edition had this track"),
        },
    ),
    record(
        NINTH,
        (_CE, _CE_LATER),
        sources={
            "track": assumed(
                "the page speaks of three challenges and names none; a team's paper, arXiv:2507.02205, is on CE"
            ),
        },
    ),
    record(
        NINTH,
        (_VD,),
        rules=(Statement("Academic use only.", assumed(f"as in the 10th edition ({PAGE_10})")),),
        notes=(
            Statement(
                "The header is `Frame_Num,Label`, as one team read the template; the template decides.", NAMHO_2025
            ),
        ),
        sources={
            "track": assumed(
                f"the page speaks of three challenges and names none; a team wrote predictions for DVD ({NAMHO_2025})"
            ),
            "prediction_format": NAMHO_2025,
            "submissions": assumed(f"up to 5 as in the 10th edition ({TSYPLIAKOVA_2026})"),
        },
    ),
    record(
        TENTH,
        (_VD,),
        rules=(Statement("Academic use only.", PAGE_10),),
        notes=(
            Statement(
                "The header is `Frame_Number,Label` in one team's code and `Frame_Number,Predicted_Label` in its "
                "README; the template decides.",
                TSYPLIAKOVA_2026,
            ),
        ),
        baselines=(
            Baseline("test", 0.504, "", all_of(PAPER_10, second_hand("arXiv:2603.12693"))),
            Baseline(
                "validation",
                0.64,
                "F1 0.56 violent, 0.71 not violent",
                all_of(PAPER_10, second_hand("arXiv:2603.12693")),
            ),
        ),
        sources={
            "track": all_of(PAGE_10, PAPER_10),
            "prediction_format": TSYPLIAKOVA_2026,
            "submissions": TSYPLIAKOVA_2026,
        },
    ),
    record(
        FIFTH,
        (),
        track="eri",
        title="Emotional Reaction Intensity Estimation",
        dataset="Hume-Reaction",
        tasks=(REACTION,),
        metric=ERI_PEARSON,
        formats=("eri-csv", "eri-csv", "eri-csv"),
        annotation_places={"train": ("data_info.csv",), "validation": ("data_info.csv",)},
        sizes={
            "train": Size(units=15_806, rows=15_806),
            "validation": Size(units=4_657, rows=4_657),
            "test": Size(units=4_604, rows=4_604),
        },
        notes=(
            Statement(
                "One file holds all splits: columns `File_ID`, `Split` (Train, Val) and the seven emotions, to be "
                "found by name.",
                HKUST_2023,
            ),
            Statement("The third value of `Split` is Test.", assumed("it was not seen")),
            Statement("'Empathic-Pain' has a hyphen here and a blank in EMI.", HKUST_2023),
            Statement(
                "A video without prediction is never filled from the truth, as one team's validation code does.",
                HKUST_2023,
            ),
            Statement(
                "`predictions.csv` is the file one team wrote.", assumed("the official name and form are unknown")
            ),
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
    ),
    record(SIXTH, (_EMI,)),
    record(EIGHTH, (_EMI,), sources={"track": EMOTIEFFLIB_8_EMI}),
    record(
        TENTH,
        (_EMI,),
        baselines=(Baseline("test", 0.27, "", PAPER_10),),
        sources={
            "track": all_of(PAGE_10, PAPER_10),
            "sizes": assumed(f"as in the 6th and 8th edition ({EMOTIEFFLIB_6_EMI}; {EMOTIEFFLIB_8_EMI})"),
            "submissions": FIVE_IN_10,
        },
    ),
)
