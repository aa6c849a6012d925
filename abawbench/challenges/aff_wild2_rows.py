"""VA, EXPR and AU from the 5th edition on: predictions are one file for the whole test set."""

from __future__ import annotations

from abawbench.challenges import aff_wild2 as shared
from abawbench.challenges.editions import EIGHTH, FIFTH, FIVE, FIVE_IN_10, NINTH, SIXTH, TENTH, record
from abawbench.challenges.model import Baseline, Size, Statement
from abawbench.challenges.sources import (
    EMOTIEFFLIB_5,
    EMOTIEFFLIB_6,
    EMOTIEFFLIB_8_EXPR,
    IMLAB_2026,
    NAMHO_2024,
    ORA_2026,
    PAGE_10,
    PAPER_10,
    SAMPLES_5,
    SAMPLES_6,
    SUCV_2023,
    UPCZWW_2024,
    ZHOU_2023,
    all_of,
    assumed,
    told,
)
from abawbench.challenges.tasks import (
    ACTION_UNITS_12,
    ACTION_UNITS_12_SOURCES,
    AU_F1,
    EXPR_F1,
    EXPRESSION_8,
    EXPRESSION_8_SOURCES,
    VA,
    VA_CCC,
    VA_SOURCES,
)

_VA_SIZES = {
    "train": Size(units=356),
    "validation": Size(units=76),
    "test": Size(units=162, rows=927_210),
}
_EXPRESSION_SIZES = {
    "train": Size(units=248),
    "validation": Size(units=70),
    "test": Size(units=228, rows=1_022_655),
}
_ACTION_UNIT_SIZES = {
    "train": Size(units=295),
    "validation": Size(units=105),
    "test": Size(units=141, rows=729_736),
}
_VA_UNITS = all_of(told("arXiv:2403.13659"), PAPER_10)
_LATER_ROWS = assumed("the 5th and the 6th sample have equally many rows, taken for the later ones")
_LATER_SIZES = assumed("as in the 5th and 6th edition")

_VA_SOURCES = {**VA_SOURCES, **shared.LATE_SOURCES, "sizes": _VA_UNITS}
_EXPRESSION_SOURCES = {**EXPRESSION_8_SOURCES, **shared.LATE_SOURCES, **shared.EXPRESSION_PLACES}
_ACTION_UNIT_SOURCES = {**ACTION_UNITS_12_SOURCES, **shared.LATE_SOURCES}
_VA_NOTES = (*shared.ROWS_NOTES, shared.VA_TOTALS)
_EXPRESSION_NOTES = (shared.ONE_INTEGER_UNDER_8, *shared.ROWS_NOTES, shared.EXPRESSION_COUNT)
_ACTION_UNIT_NOTES = (*shared.ROWS_NOTES, shared.ACTION_UNIT_COUNT)

_SOURCES_5 = {
    "list_format": SAMPLES_5,
    "list_files": SAMPLES_5,
    "prediction_format": all_of(EMOTIEFFLIB_5, SUCV_2023),
    "submissions": FIVE,
}

ABAW5_VA = record(
    "abaw5-va",
    FIFTH,
    title=shared.VA_TITLE,
    dataset=shared.DATASET,
    tasks=(VA,),
    metric=VA_CCC,
    formats=shared.ROWS,
    list_files=(
        "CVPR_5th_ABAW_VA_test_set_sample.txt",
        "Valence_Arousal_Estimation_Challenge_test_set_release.txt",
    ),
    annotation_places=shared.late_places(shared.VA_FOLDER),
    sizes=_VA_SIZES,
    valid_rows={"train": {"va": 1_680_144}, "validation": {"va": 382_021}},
    submissions=5,
    rules=shared.ROWS_RULES,
    notes=(*_VA_NOTES, shared.BARE_SAMPLE, shared.no_crop(26_387, 5_698, EMOTIEFFLIB_5), shared.LABELS_MOVED_VA),
    baselines=(
        Baseline("test", 0.201, "valence 0.211, arousal 0.191", ZHOU_2023),
        Baseline("validation", 0.22, "valence 0.24, arousal 0.20", ZHOU_2023),
    ),
    sources={**_VA_SOURCES, **_SOURCES_5, "sizes.test.rows": SAMPLES_5, "valid_rows": EMOTIEFFLIB_5},
)
ABAW5_EXPR = record(
    "abaw5-expr",
    FIFTH,
    title=shared.EXPRESSION_TITLE,
    dataset=shared.DATASET,
    tasks=(EXPRESSION_8,),
    metric=EXPR_F1,
    formats=shared.ROWS,
    list_files=(
        "CVPR_5th_ABAW_EXPR_test_set_sample.txt",
        "Expression_Classification_Challenge_test_set_release.txt",
    ),
    annotation_places=shared.late_places(*shared.EXPRESSION_FOLDERS),
    sizes=_EXPRESSION_SIZES,
    submissions=5,
    rules=shared.ROWS_RULES,
    notes=(*_EXPRESSION_NOTES, shared.BARE_SAMPLE),
    baselines=(
        Baseline("test", 0.2050, "", ZHOU_2023),
        Baseline("validation", 0.23, "", ZHOU_2023),
    ),
    sources={**_EXPRESSION_SOURCES, **_SOURCES_5, "sizes": SAMPLES_5},
)
ABAW5_AU = record(
    "abaw5-au",
    FIFTH,
    title=shared.ACTION_UNIT_TITLE,
    dataset=shared.DATASET,
    tasks=(ACTION_UNITS_12,),
    metric=AU_F1,
    formats=shared.ROWS,
    list_files=(
        "CVPR_5th_ABAW_AU_test_set_sample.txt",
        "Action_Unit_Detection_Challenge_test_set_release.txt",
    ),
    annotation_places=shared.late_places(shared.ACTION_UNIT_FOLDER),
    sizes=_ACTION_UNIT_SIZES,
    valid_rows={"train": {"action_units": 1_359_523}, "validation": {"action_units": 445_845}},
    submissions=5,
    rules=shared.ROWS_RULES,
    notes=(*_ACTION_UNIT_NOTES, shared.BARE_SAMPLE, shared.no_crop(2_829, 9, EMOTIEFFLIB_5), shared.LABELS_MOVED_AU),
    baselines=(
        Baseline("test", 0.365, "", ZHOU_2023),
        Baseline("validation", 0.39, "", ZHOU_2023),
    ),
    sources={**_ACTION_UNIT_SOURCES, **_SOURCES_5, "sizes": SAMPLES_5, "valid_rows": EMOTIEFFLIB_5},
)

_SOURCES_6 = {
    "list_format": all_of(SAMPLES_6, NAMHO_2024),
    "list_files": all_of(SAMPLES_6, NAMHO_2024),
    "prediction_format": all_of(NAMHO_2024, UPCZWW_2024),
    "submissions": FIVE,
}
_NOTES_6 = (
    shared.BARE_SAMPLE,
    Statement("The `_example` files are the samples with dummy values: VA 0.5,-0.5, EXPR 0.", SAMPLES_6),
)


def _lists_6(task: str, units: str) -> tuple[str, ...]:
    return (
        f"prediction_files_format/CVPR_6th_ABAW_{task}_test_set_sample.txt",
        f"test_set_examples/CVPR_6th_ABAW_{task}_test_set_example.txt",
        f"names_of_videos_in_each_test_set/{units}_Challenge_test_set_release.txt",
    )


ABAW6_VA = record(
    "abaw6-va",
    SIXTH,
    title=shared.VA_TITLE,
    dataset=shared.DATASET,
    tasks=(VA,),
    metric=VA_CCC,
    formats=shared.ROWS,
    list_files=_lists_6("VA", "Valence_Arousal_Estimation"),
    annotation_places=shared.late_places(shared.VA_FOLDER),
    sizes=_VA_SIZES,
    valid_rows={"train": {"va": 1_679_857}, "validation": {"va": 382_021}},
    submissions=5,
    rules=shared.ROWS_RULES,
    notes=(*_VA_NOTES, *_NOTES_6, shared.no_crop(25_927, 5_689, EMOTIEFFLIB_6), shared.LABELS_MOVED_VA),
    baselines=(
        Baseline(
            "test",
            0.201,
            "valence 0.211, arousal 0.191; arXiv:2403.10488 quotes 0.175, which is the 3rd edition's",
            "arXiv:2403.13659",
        ),
        Baseline("validation", 0.22, "valence 0.24, arousal 0.20", assumed("quoted without a source, as in the 5th")),
    ),
    sources={**_VA_SOURCES, **_SOURCES_6, "sizes.test.rows": SAMPLES_6, "valid_rows": EMOTIEFFLIB_6},
)
ABAW6_EXPR = record(
    "abaw6-expr",
    SIXTH,
    title=shared.EXPRESSION_TITLE_6,
    dataset=shared.DATASET,
    tasks=(EXPRESSION_8,),
    metric=EXPR_F1,
    formats=shared.ROWS,
    list_files=_lists_6("Expr", "Expression_Recognition"),
    annotation_places=shared.late_places(*shared.EXPRESSION_FOLDERS_6),
    sizes=_EXPRESSION_SIZES,
    valid_rows={"train": {"expression": 597_361}, "validation": {"expression": 284_230}},
    submissions=5,
    rules=shared.ROWS_RULES,
    notes=(*_EXPRESSION_NOTES, *_NOTES_6, shared.no_crop(12_044, 3_698, EMOTIEFFLIB_6)),
    sources={**_EXPRESSION_SOURCES, **_SOURCES_6, "sizes": SAMPLES_6, "valid_rows": EMOTIEFFLIB_6},
)
ABAW6_AU = record(
    "abaw6-au",
    SIXTH,
    title=shared.ACTION_UNIT_TITLE,
    dataset=shared.DATASET,
    tasks=(ACTION_UNITS_12,),
    metric=AU_F1,
    formats=shared.ROWS,
    list_files=_lists_6("AU", "Action_Unit_Detection"),
    annotation_places=shared.late_places(shared.ACTION_UNIT_FOLDER),
    sizes=_ACTION_UNIT_SIZES,
    valid_rows={"train": {"action_units": 1_359_523}, "validation": {"action_units": 445_845}},
    submissions=5,
    rules=shared.ROWS_RULES,
    notes=(*_ACTION_UNIT_NOTES, *_NOTES_6, shared.no_crop(2_829, 9, EMOTIEFFLIB_6), shared.LABELS_MOVED_AU),
    sources={**_ACTION_UNIT_SOURCES, **_SOURCES_6, "sizes": SAMPLES_6, "valid_rows": EMOTIEFFLIB_6},
)

_SOURCES_8 = {
    "list_format": assumed("as in the 5th, 6th and 10th edition"),
    "prediction_format": assumed("as in the 5th, 6th and 10th edition"),
    "submissions": FIVE,
}

ABAW8_VA = record(
    "abaw8-va",
    EIGHTH,
    title=shared.VA_TITLE,
    dataset=shared.DATASET,
    tasks=(VA,),
    metric=VA_CCC,
    formats=shared.ROWS,
    list_files=("CVPR_8th_ABAW_VA_test_set_sample.txt",),
    annotation_places=shared.late_places(shared.VA_FOLDER),
    sizes=_VA_SIZES,
    submissions=5,
    rules=shared.ROWS_RULES,
    notes=_VA_NOTES,
    baselines=(Baseline("not stated", 0.22, "", "arXiv:2503.12623"),),
    sources={
        **_VA_SOURCES,
        **_SOURCES_8,
        "track": "arXiv:2503.12623",
        "list_files": assumed("the file's name was seen in one program"),
        "sizes.test.rows": _LATER_ROWS,
    },
)
ABAW8_EXPR = record(
    "abaw8-expr",
    EIGHTH,
    title=shared.EXPRESSION_TITLE_6,
    dataset=shared.DATASET,
    tasks=(EXPRESSION_8,),
    metric=EXPR_F1,
    formats=shared.ROWS,
    list_files=("test_set_examples/CVPR_6th_ABAW_Expr_test_set_example.txt",),
    annotation_places=shared.late_places(*shared.EXPRESSION_FOLDERS_6),
    sizes=_EXPRESSION_SIZES,
    valid_rows={"train": {"expression": 597_361}, "validation": {"expression": 284_230}},
    submissions=5,
    rules=shared.ROWS_RULES,
    notes=(*_EXPRESSION_NOTES, shared.no_crop(12_044, 3_698, EMOTIEFFLIB_8_EXPR)),
    sources={
        **_EXPRESSION_SOURCES,
        **_SOURCES_8,
        "track": EMOTIEFFLIB_8_EXPR,
        "list_files": f"{EMOTIEFFLIB_8_EXPR}, a team that used the 6th edition's example",
        "sizes": EMOTIEFFLIB_8_EXPR,
        "valid_rows": EMOTIEFFLIB_8_EXPR,
    },
)
ABAW8_AU = record(
    "abaw8-au",
    EIGHTH,
    title=shared.ACTION_UNIT_TITLE,
    dataset=shared.DATASET,
    tasks=(ACTION_UNITS_12,),
    metric=AU_F1,
    formats=shared.ROWS,
    annotation_places=shared.late_places(shared.ACTION_UNIT_FOLDER),
    sizes=_ACTION_UNIT_SIZES,
    submissions=5,
    rules=shared.ROWS_RULES,
    notes=_ACTION_UNIT_NOTES,
    baselines=(Baseline("validation", 0.39, "", assumed("the number has no source")),),
    sources={
        **_ACTION_UNIT_SOURCES,
        **_SOURCES_8,
        "track": assumed("listed among the 8th edition's tracks without a source"),
        "sizes": _LATER_SIZES,
    },
)

ABAW9_VA = record(
    "abaw9-va",
    NINTH,
    title=shared.VA_TITLE,
    dataset=shared.DATASET,
    tasks=(VA,),
    metric=VA_CCC,
    formats=shared.ROWS,
    list_files=("ICCV_9th_ABAW_VA_test_set_sample.txt",),
    annotation_places=shared.late_places(shared.VA_FOLDER),
    sizes=_VA_SIZES,
    submissions=5,
    rules=shared.ROWS_RULES,
    notes=_VA_NOTES,
    sources={
        **_VA_SOURCES,
        "track": assumed(
            "the page speaks of three challenges and names none; a VA sample file is named for the 9th edition"
        ),
        "list_format": assumed("as in the 5th, 6th and 10th edition"),
        "list_files": assumed("the file's name was seen in one program"),
        "prediction_format": assumed("as in the 5th, 6th and 10th edition"),
        "sizes.test.rows": _LATER_ROWS,
        "submissions": FIVE,
    },
)

_SOURCES_10 = {
    "track": all_of(PAGE_10, PAPER_10),
    "list_format": IMLAB_2026,
    "list_files": IMLAB_2026,
    "prediction_format": IMLAB_2026,
    "submissions": FIVE_IN_10,
}
_RULES_10 = (*shared.ROWS_RULES, Statement(shared.ONE_REGISTRATION, PAGE_10))
_UNIT_LISTS_10 = "names_of_videos_in_each_test_set/"
_BASELINES_10 = all_of(PAPER_10, told("arXiv:2603.12693"))

ABAW10_VA = record(
    "abaw10-va",
    TENTH,
    title=shared.VA_TITLE,
    dataset=shared.DATASET,
    tasks=(VA,),
    metric=VA_CCC,
    formats=shared.ROWS,
    list_files=("prediction_files_format/ABAW_VA_test_set_sample.txt", _UNIT_LISTS_10),
    annotation_places=shared.late_places(shared.VA_FOLDER),
    sizes=_VA_SIZES,
    submissions=5,
    rules=_RULES_10,
    notes=_VA_NOTES,
    baselines=(
        Baseline("test", 0.20, "ResNet-50", _BASELINES_10),
        Baseline("validation", 0.22, "ResNet-50; valence 0.24, arousal 0.20", _BASELINES_10),
    ),
    sources={**_VA_SOURCES, **_SOURCES_10, "sizes.test.rows": _LATER_ROWS},
)
ABAW10_EXPR = record(
    "abaw10-expr",
    TENTH,
    title=shared.EXPRESSION_TITLE_6,
    dataset=shared.DATASET,
    tasks=(EXPRESSION_8,),
    metric=EXPR_F1,
    formats=shared.ROWS,
    list_files=(_UNIT_LISTS_10,),
    annotation_places=shared.late_places(*shared.EXPRESSION_FOLDERS_6),
    sizes=_EXPRESSION_SIZES,
    submissions=5,
    rules=_RULES_10,
    notes=(
        *_EXPRESSION_NOTES,
        Statement(
            "In 317 of the 318 training and validation units one team counted 876,446 valid and 679,593 invalid "
            "frames; of class 0 to 7: 262,610, 23,280, 16,300, 17,583, 129,285, 106,265, 42,977, 278,146.",
            ORA_2026,
        ),
    ),
    baselines=(
        Baseline("test", 0.225, "", _BASELINES_10),
        Baseline("validation", 0.25, "", _BASELINES_10),
    ),
    sources={**_EXPRESSION_SOURCES, **_SOURCES_10, "sizes": _LATER_SIZES},
)
ABAW10_AU = record(
    "abaw10-au",
    TENTH,
    title=shared.ACTION_UNIT_TITLE,
    dataset=shared.DATASET,
    tasks=(ACTION_UNITS_12,),
    metric=AU_F1,
    formats=shared.ROWS,
    list_files=(_UNIT_LISTS_10,),
    annotation_places=shared.late_places(shared.ACTION_UNIT_FOLDER),
    sizes=_ACTION_UNIT_SIZES,
    submissions=5,
    rules=_RULES_10,
    notes=_ACTION_UNIT_NOTES,
    baselines=(
        Baseline("test", 0.365, "", _BASELINES_10),
        Baseline("validation", 0.39, "", _BASELINES_10),
    ),
    sources={**_ACTION_UNIT_SOURCES, **_SOURCES_10, "sizes": _LATER_SIZES},
)

RECORDS = (
    ABAW5_VA,
    ABAW5_EXPR,
    ABAW5_AU,
    ABAW6_VA,
    ABAW6_EXPR,
    ABAW6_AU,
    ABAW8_VA,
    ABAW8_EXPR,
    ABAW8_AU,
    ABAW9_VA,
    ABAW10_VA,
    ABAW10_EXPR,
    ABAW10_AU,
)
