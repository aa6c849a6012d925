"""VA, EXPR and AU of the 1st to 3rd edition: predictions are one file for each unit."""

from __future__ import annotations

from abawbench.challenges import aff_wild2 as shared
from abawbench.challenges.editions import FIRST, FIVE, SECOND, THIRD, record
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
from abawbench.challenges.tasks import (
    ACTION_UNITS_2ND_SOURCES,
    ACTION_UNITS_8,
    ACTION_UNITS_8_SOURCES,
    ACTION_UNITS_12,
    ACTION_UNITS_12_SOURCES,
    AU_F1,
    AU_F1_ACC,
    EXPR_F1,
    EXPR_F1_ACC,
    EXPRESSION_7,
    EXPRESSION_7_SOURCES,
    EXPRESSION_8,
    EXPRESSION_8_SOURCES,
    VA,
    VA_CCC,
    VA_SOURCES,
)

_VALIDATION_FILES = Statement("There are 145 validation files over the three tasks together.", KUHNKE_2020)
_SET_FOLDERS = Statement(
    "Teams sent the files of a task in the folder `VA_Set/`, `EXPR_Set/` or `AU_Set/`.",
    all_of(KUHNKE_2020, WTOMIN_2020),
)
_NOTES_1 = (*shared.PER_UNIT_NOTES, _SET_FOLDERS, _VALIDATION_FILES)
_SOURCES_1 = {
    **shared.EARLY_SOURCES,
    "list_format": WTOMIN_2020,
    "list_files": assumed(f"one team names them so, to be confirmed ({WTOMIN_2020})"),
    "prediction_format": all_of(KUHNKE_2020, WTOMIN_2020),
    "sizes": KUHNKE_2020,
    "sizes.train": UNKNOWN,
    "sizes.validation": UNKNOWN,
}

ABAW1_VA = record(
    "abaw1-va",
    FIRST,
    title=shared.VA_TITLE,
    dataset=shared.DATASET,
    tasks=(VA,),
    metric=VA_CCC,
    formats=shared.PER_UNIT,
    list_files=("va_test_set.txt",),
    annotation_places=shared.early_places("VA_Set"),
    sizes={"train": Size(), "validation": Size(), "test": Size(units=139)},
    notes=_NOTES_1,
    sources={**VA_SOURCES, **_SOURCES_1},
)
ABAW1_EXPR = record(
    "abaw1-expr",
    FIRST,
    title=shared.EXPRESSION_TITLE,
    dataset=shared.DATASET,
    tasks=(EXPRESSION_7,),
    metric=EXPR_F1_ACC,
    formats=shared.PER_UNIT,
    list_files=("expression_test_set.txt",),
    annotation_places=shared.early_places("EXPR_Set"),
    sizes={"train": Size(), "validation": Size(), "test": Size(units=223)},
    notes=(shared.ONE_INTEGER_UNDER_7, *_NOTES_1),
    sources={**EXPRESSION_7_SOURCES, **_SOURCES_1, "sizes": all_of(KUHNKE_2020, ZEROSANSAN_2020)},
)
ABAW1_AU = record(
    "abaw1-au",
    FIRST,
    title=shared.ACTION_UNIT_TITLE,
    dataset=shared.DATASET,
    tasks=(ACTION_UNITS_8,),
    metric=AU_F1_ACC,
    formats=shared.PER_UNIT,
    list_files=("aus_test_set.txt",),
    annotation_places=shared.early_places("AU_Set"),
    sizes={"train": Size(), "validation": Size(), "test": Size(units=14)},
    notes=_NOTES_1,
    sources={**ACTION_UNITS_8_SOURCES, **_SOURCES_1},
)

_SUBMISSIONS_2 = "up to 7 per track: the most that any team has in the " + TABLES_2
_SOURCES_2 = {
    **shared.EARLY_SOURCES,
    "list_format": CHRISA_2021,
    "list_files": assumed(f"named like that of the VA track ({CHRISA_2021})"),
    "prediction_format": CHRISA_2021,
    "sizes": assumed("the numbers have no source"),
    "submissions": _SUBMISSIONS_2,
}

ABAW2_VA = record(
    "abaw2-va",
    SECOND,
    title=shared.VA_TITLE,
    dataset=shared.DATASET,
    tasks=(VA,),
    metric=VA_CCC,
    formats=shared.PER_UNIT,
    list_files=("test_set_VA_Challenge.txt",),
    annotation_places=shared.early_places("VA_Set"),
    sizes={"train": Size(units=351), "validation": Size(units=71), "test": Size(units=139)},
    submissions=7,
    notes=shared.PER_UNIT_NOTES,
    baselines=(
        Baseline("test", 0.195, "valence 0.20, arousal 0.19, of which this is the mean; no mean is printed", TABLES_2),
        Baseline("validation", 0.22, "valence 0.23, arousal 0.21; columns swapped here or in the other", GLMANHTU_2021),
        Baseline(
            "validation", 0.22, "valence 0.21, arousal 0.23; columns swapped here or in the other", "arXiv:2107.01175"
        ),
    ),
    sources={
        **VA_SOURCES,
        **_SOURCES_2,
        "list_files": CHRISA_2021,
        "sizes": assumed(f"only the total of 561 units has a source, {CHRISA_2021}"),
    },
)
ABAW2_EXPR = record(
    "abaw2-expr",
    SECOND,
    title=shared.EXPRESSION_TITLE,
    dataset=shared.DATASET,
    tasks=(EXPRESSION_7,),
    metric=EXPR_F1_ACC,
    formats=shared.PER_UNIT,
    list_files=("test_set_EXPR_Challenge.txt",),
    annotation_places=shared.early_places("EXPR_Set"),
    sizes={"train": Size(units=253), "validation": Size(units=70), "test": Size(units=223)},
    submissions=7,
    notes=(shared.ONE_INTEGER_UNDER_7, *shared.PER_UNIT_NOTES),
    baselines=(
        Baseline("test", 0.326, "F1 0.26, accuracy 0.46", TABLES_2),
        Baseline("validation", 0.366, "", GLMANHTU_2021),
    ),
    sources={**EXPRESSION_7_SOURCES, **_SOURCES_2},
)
ABAW2_AU = record(
    "abaw2-au",
    SECOND,
    title=shared.ACTION_UNIT_TITLE,
    dataset=shared.DATASET,
    tasks=(ACTION_UNITS_12,),
    metric=AU_F1_ACC,
    formats=shared.PER_UNIT,
    list_files=("test_set_AU_Challenge.txt",),
    annotation_places=shared.early_places("AU_Set"),
    sizes={"train": Size(units=302), "validation": Size(units=105), "test": Size(units=127)},
    submissions=7,
    notes=(
        *shared.PER_UNIT_NOTES,
        Statement(
            "Teams' accuracies lie between 0.80 and 0.89, so accuracy is that of cells, not of whole rows.", TABLES_2
        ),
    ),
    baselines=(
        Baseline(
            "test", 0.28, "F1 0.367, accuracy 0.193, which is far from every team: infer nothing from it", TABLES_2
        ),
    ),
    sources={**ACTION_UNITS_2ND_SOURCES, **_SOURCES_2},
)

_TRAIN_ASSUMED = {"sizes": EMOTIEFFLIB_3, "sizes.train": assumed("the number of training units has no source")}
_SOURCES_3 = {
    **shared.LATE_SOURCES,
    **_TRAIN_ASSUMED,
    "list_format": EMOTIEFFLIB_3,
    "list_files": EMOTIEFFLIB_3,
    "prediction_format": shared.PER_UNIT_PREDICTION,
    "valid_rows": EMOTIEFFLIB_3,
    "submissions": FIVE,
}

ABAW3_VA = record(
    "abaw3-va",
    THIRD,
    title=shared.VA_TITLE,
    dataset=shared.DATASET,
    tasks=(VA,),
    metric=VA_CCC,
    formats=shared.PER_UNIT,
    list_files=("Valence_Arousal_Estimation_Challenge_test_set_release.txt",),
    annotation_places=shared.late_places(shared.VA_FOLDER),
    sizes={"train": Size(units=341), "validation": Size(units=71), "test": Size(units=152)},
    valid_rows={"train": {"va": 1_581_184}, "validation": {"va": 344_714}},
    submissions=5,
    notes=shared.PER_UNIT_NOTES,
    baselines=(
        Baseline("test", 0.175, "valence 0.18, arousal 0.17", "arXiv:2203.13031"),
        Baseline("validation", 0.24, "valence 0.31, arousal 0.17", assumed("the number has no source")),
    ),
    sources={**VA_SOURCES, **_SOURCES_3},
)
_SAME_AS_A_TEAMS_RUN = assumed(f"{BEAST_2022} gives the same four numbers as its own VGGFace run")
ABAW3_EXPR = record(
    "abaw3-expr",
    THIRD,
    title=shared.EXPRESSION_TITLE,
    dataset=shared.DATASET,
    tasks=(EXPRESSION_8,),
    metric=EXPR_F1,
    formats=shared.PER_UNIT,
    list_files=("Expression_Classification_Challenge_test_set_release.txt",),
    annotation_places=shared.late_places(*shared.EXPRESSION_FOLDERS),
    sizes={"train": Size(units=248), "validation": Size(units=70), "test": Size(units=228)},
    valid_rows={"train": {"expression": 597_361}, "validation": {"expression": 284_230}},
    submissions=5,
    notes=(
        shared.ONE_INTEGER_UNDER_8,
        *shared.PER_UNIT_NOTES,
        shared.no_crop(12_044, 3_698, EMOTIEFFLIB_3),
    ),
    baselines=(Baseline("validation", 0.23, "", _SAME_AS_A_TEAMS_RUN),),
    sources={**EXPRESSION_8_SOURCES, **_SOURCES_3, **shared.EXPRESSION_PLACES},
)
ABAW3_AU = record(
    "abaw3-au",
    THIRD,
    title=shared.ACTION_UNIT_TITLE,
    dataset=shared.DATASET,
    tasks=(ACTION_UNITS_12,),
    metric=AU_F1,
    formats=shared.PER_UNIT,
    list_files=("Action_Unit_Detection_Challenge_test_set_release.txt",),
    annotation_places=shared.late_places(shared.ACTION_UNIT_FOLDER),
    sizes={"train": Size(units=295), "validation": Size(units=105), "test": Size(units=141)},
    valid_rows={"train": {"action_units": 1_359_690}, "validation": {"action_units": 445_845}},
    submissions=5,
    notes=(
        *shared.PER_UNIT_NOTES,
        Statement(
            "One team reads `AU_ABAW_Challenge_test_files_expected_frames.txt`, lines `video,count` without header, of "
            "unknown origin.",
            TALLEC_2022,
        ),
    ),
    baselines=(Baseline("validation", 0.39, "", _SAME_AS_A_TEAMS_RUN),),
    sources={**ACTION_UNITS_12_SOURCES, **_SOURCES_3},
)

RECORDS = (
    ABAW1_VA,
    ABAW1_EXPR,
    ABAW1_AU,
    ABAW2_VA,
    ABAW2_EXPR,
    ABAW2_AU,
    ABAW3_VA,
    ABAW3_EXPR,
    ABAW3_AU,
)
