"""VA, EXPR and AU on Aff-Wild2, 1st to 3rd edition: predictions are one file for each unit."""

from __future__ import annotations

from abawbench.challenges import aff_wild2_facts as facts
from abawbench.challenges import aff_wild2_tracks as tracks
from abawbench.challenges.editions import FIRST, FIVE, SECOND, THIRD, Fields, record
from abawbench.challenges.model import Baseline, Size, Statement
from abawbench.challenges.sources import (
    BEAST_2022,
    CHRISA_2021,
    EMOTIEFFLIB_3,
    GLMANHTU_2021,
    KUHNKE_2020,
    TABLES_2,
    TALLEC_2022,
    UNKNOWN,
    WTOMIN_2020,
    ZEROSANSAN_2020,
    all_of,
    assumed,
)
from abawbench.challenges.tasks import ACTION_UNITS_2ND_SOURCES, ACTION_UNITS_8, ACTION_UNITS_8_SOURCES, AU_F1_ACC

_PER_UNIT: Fields = {"formats": ("unit-txt", "units", "unit-txt"), "notes": facts.PER_UNIT_NOTES}
_EARLY_VA: Fields = {**_PER_UNIT, "annotation_places": facts.early_places("VA_Set")}
_EARLY_EXPR: Fields = {**_PER_UNIT, "annotation_places": facts.early_places("EXPR_Set")}
_EARLY_AU: Fields = {**_PER_UNIT, "annotation_places": facts.early_places("AU_Set"), "metric": AU_F1_ACC}

_FIRST: Fields = {
    "notes": (
        Statement(
            "Teams sent the files of a task in the folder `VA_Set/`, `EXPR_Set/` or `AU_Set/`.",
            all_of(KUHNKE_2020, WTOMIN_2020),
        ),
        Statement("There are 145 validation files over the three tasks together.", KUHNKE_2020),
    ),
    "sources": {
        **facts.EARLY_SOURCES,
        "list_format": WTOMIN_2020,
        "list_files": assumed(f"one team names them so, to be confirmed ({WTOMIN_2020})"),
        "prediction_format": all_of(KUHNKE_2020, WTOMIN_2020),
        "sizes": KUHNKE_2020,
        "sizes.train": UNKNOWN,
        "sizes.validation": UNKNOWN,
    },
}
_SECOND: Fields = {
    "submissions": 7,
    "sources": {
        **facts.EARLY_SOURCES,
        "list_format": CHRISA_2021,
        "list_files": assumed(f"named like that of the VA track ({CHRISA_2021})"),
        "prediction_format": CHRISA_2021,
        "sizes": assumed("the numbers have no source"),
        "submissions": f"up to 7 per track: the most that any team has in the {TABLES_2}",
    },
}
_THIRD: Fields = {
    "submissions": 5,
    "sources": {
        **facts.LATE_SOURCES,
        "sizes": EMOTIEFFLIB_3,
        "sizes.train": assumed("the number of training units has no source"),
        "list_format": EMOTIEFFLIB_3,
        "list_files": EMOTIEFFLIB_3,
        "prediction_format": facts.PER_UNIT_PREDICTION,
        "valid_rows": EMOTIEFFLIB_3,
        "submissions": FIVE,
    },
}
_SWAPPED = "valence {}, arousal {}; columns swapped here or in the other"
_SAME_AS_A_TEAMS_RUN = assumed(f"{BEAST_2022} gives the same four numbers as its own VGGFace run")

RECORDS = (
    record(
        FIRST,
        (tracks.VA_TRACK, _EARLY_VA, _FIRST),
        list_files=("va_test_set.txt",),
        sizes={"train": Size(), "validation": Size(), "test": Size(units=139)},
    ),
    record(
        FIRST,
        (tracks.EXPR_7_TRACK, _EARLY_EXPR, _FIRST),
        list_files=("expression_test_set.txt",),
        sizes={"train": Size(), "validation": Size(), "test": Size(units=223)},
        sources={"sizes": all_of(KUHNKE_2020, ZEROSANSAN_2020)},
    ),
    record(
        FIRST,
        (tracks.AU_TRACK, _EARLY_AU, _FIRST),
        tasks=(ACTION_UNITS_8,),
        list_files=("aus_test_set.txt",),
        sizes={"train": Size(), "validation": Size(), "test": Size(units=14)},
        sources=ACTION_UNITS_8_SOURCES,
    ),
    record(
        SECOND,
        (tracks.VA_TRACK, _EARLY_VA, _SECOND),
        list_files=("test_set_VA_Challenge.txt",),
        sizes={"train": Size(units=351), "validation": Size(units=71), "test": Size(units=139)},
        baselines=(
            Baseline(
                "test", 0.195, "valence 0.20, arousal 0.19, of which this is the mean; no mean is printed", TABLES_2
            ),
            Baseline("validation", 0.22, _SWAPPED.format("0.23", "0.21"), GLMANHTU_2021),
            Baseline(
                "validation",
                0.22,
                "valence 0.21, arousal 0.23; columns swapped here or in the other",
                "arXiv:2107.01175",
            ),
        ),
        sources={
            "list_files": CHRISA_2021,
            "sizes": assumed(f"only the total of 561 units has a source, {CHRISA_2021}"),
        },
    ),
    record(
        SECOND,
        (tracks.EXPR_7_TRACK, _EARLY_EXPR, _SECOND),
        list_files=("test_set_EXPR_Challenge.txt",),
        sizes={"train": Size(units=253), "validation": Size(units=70), "test": Size(units=223)},
        baselines=(
            Baseline("test", 0.326, "F1 0.26, accuracy 0.46", TABLES_2),
            Baseline("validation", 0.366, "", GLMANHTU_2021),
        ),
    ),
    record(
        SECOND,
        (tracks.AU_TRACK, _EARLY_AU, _SECOND),
        list_files=("test_set_AU_Challenge.txt",),
        sizes={"train": Size(units=302), "validation": Size(units=105), "test": Size(units=127)},
        notes=(
            Statement(
                "Teams' accuracies lie between 0.80 and 0.89, so accuracy is that of cells, not of whole rows.",
                TABLES_2,
            ),
        ),
        baselines=(
            Baseline(
                "test", 0.28, "F1 0.367, accuracy 0.193, which is far from every team: infer nothing from it", TABLES_2
            ),
        ),
        sources=ACTION_UNITS_2ND_SOURCES,
    ),
    record(
        THIRD,
        (tracks.VA_TRACK, _PER_UNIT, tracks.LATE_VA, _THIRD),
        list_files=("Valence_Arousal_Estimation_Challenge_test_set_release.txt",),
        sizes={"train": Size(units=341), "validation": Size(units=71), "test": Size(units=152)},
        valid_rows={"train": {"va": 1_581_184}, "validation": {"va": 344_714}},
        baselines=(
            Baseline("test", 0.175, "valence 0.18, arousal 0.17", "arXiv:2203.13031"),
            Baseline("validation", 0.24, "valence 0.31, arousal 0.17", assumed("the number has no source")),
        ),
    ),
    record(
        THIRD,
        (tracks.EXPR_8_TRACK, _PER_UNIT, tracks.LATE_EXPR, _THIRD),
        list_files=("Expression_Classification_Challenge_test_set_release.txt",),
        sizes={"train": Size(units=248), "validation": Size(units=70), "test": Size(units=228)},
        valid_rows={"train": {"expression": 597_361}, "validation": {"expression": 284_230}},
        notes=(facts.no_crop(12_044, 3_698, EMOTIEFFLIB_3),),
        baselines=(Baseline("validation", 0.23, "", _SAME_AS_A_TEAMS_RUN),),
        sources=facts.EXPRESSION_PLACES,
    ),
    record(
        THIRD,
        (tracks.AU_TRACK, _PER_UNIT, tracks.LATE_AU, _THIRD),
        list_files=("Action_Unit_Detection_Challenge_test_set_release.txt",),
        sizes={"train": Size(units=295), "validation": Size(units=105), "test": Size(units=141)},
        valid_rows={"train": {"action_units": 1_359_690}, "validation": {"action_units": 445_845}},
        notes=(
            Statement(
                "One team reads `AU_ABAW_Challenge_test_files_expected_frames.txt`, lines `video,count` without "
                "header, of unknown origin.",
                TALLEC_2022,
            ),
        ),
        baselines=(Baseline("validation", 0.39, "", _SAME_AS_A_TEAMS_RUN),),
    ),
)
