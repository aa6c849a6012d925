"""VA, EXPR and AU on Aff-Wild2, from the 5th edition on: predictions are one file for the whole test set."""

from __future__ import annotations

from abawbench.challenges import aff_wild2_facts as facts
from abawbench.challenges import aff_wild2_tracks as tracks
from abawbench.challenges.editions import EIGHTH, FIFTH, FIVE, FIVE_IN_10, NINTH, SIXTH, TENTH, Fields, record
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
    second_hand,
)

_ROWS: Fields = {
    "formats": ("unit-txt", "rows", "rows"),
    "submissions": 5,
    "rules": facts.ROWS_RULES,
    "notes": facts.ROWS_NOTES,
    "sources": facts.LATE_SOURCES,
}
_AS_IN_6 = assumed("as in the 6th edition")
_PAPERS_TOTAL = assumed("the papers' total of 548 units would need 230")
_ROWS_VA: Fields = {
    **tracks.LATE_VA,
    "valid_rows": {"train": {"va": 1_679_857}, "validation": {"va": 382_021}},
    "sizes": {"train": Size(units=356), "validation": Size(units=76), "test": Size(units=162, rows=927_210)},
    "notes": (facts.VA_TOTALS,),
    "sources": {"sizes": all_of(second_hand("arXiv:2403.13659"), PAPER_10), "valid_rows": _AS_IN_6},
}
_ROWS_EXPR: Fields = {
    "title": "Expression Recognition",
    "annotation_places": facts.late_places("EXPR_Recognition_Challenge", "EXPR_Classification_Challenge"),
    "sizes": {
        "train": Size(units=248),
        "validation": Size(units=70),
        "test": Size(units=228, rows=1_022_655, others=(Size(units=230),)),
    },
    "valid_rows": {"train": {"expression": 597_361}, "validation": {"expression": 284_230}},
    "notes": (facts.EXPRESSION_COUNT,),
    "sources": {**facts.EXPRESSION_PLACES, "sizes.test.others": _PAPERS_TOTAL, "valid_rows": _AS_IN_6},
}
_ROWS_AU: Fields = {
    **tracks.LATE_AU,
    "sizes": {
        "train": Size(units=295),
        "validation": Size(units=105),
        "test": Size(units=141, rows=729_736, others=(Size(units=142),)),
    },
    "valid_rows": {"train": {"action_units": 1_359_523}, "validation": {"action_units": 445_845}},
    "notes": (facts.ACTION_UNIT_COUNT,),
    "sources": {"sizes.test.others": PAPER_10, "valid_rows": _AS_IN_6},
}
_LATER_ROWS = assumed("the 5th and the 6th sample have equally many rows, taken for the later ones")
_LATER_SIZES = assumed("as in the 5th and 6th edition")
_AS_BEFORE = assumed("as in the 5th, 6th and 10th edition")
_SEEN_ONCE = assumed("the file's name was seen in one program")

_FIFTH: Fields = {
    "notes": (facts.BARE_SAMPLE,),
    "sources": {
        "list_format": SAMPLES_5,
        "list_files": SAMPLES_5,
        "prediction_format": all_of(EMOTIEFFLIB_5, SUCV_2023),
        "submissions": FIVE,
    },
}
_SIXTH: Fields = {
    "notes": (
        facts.BARE_SAMPLE,
        Statement("The `_example` files are the samples with dummy values: VA 0.5,-0.5, EXPR 0.", SAMPLES_6),
    ),
    "sources": {
        "list_format": all_of(SAMPLES_6, NAMHO_2024),
        "list_files": all_of(SAMPLES_6, NAMHO_2024),
        "prediction_format": all_of(NAMHO_2024, UPCZWW_2024),
        "submissions": FIVE,
    },
}
_EIGHTH: Fields = {
    "sources": {"list_format": _AS_BEFORE, "prediction_format": _AS_BEFORE, "submissions": FIVE},
}
_TENTH: Fields = {
    "rules": (Statement("The three single-task tracks share one registration.", PAGE_10),),
    "sources": {
        "track": all_of(PAGE_10, PAPER_10),
        "list_format": IMLAB_2026,
        "list_files": IMLAB_2026,
        "prediction_format": IMLAB_2026,
        "submissions": FIVE_IN_10,
    },
}
_UNIT_LISTS_10 = "names_of_videos_in_each_test_set/"
_BASELINES_10 = all_of(PAPER_10, second_hand("arXiv:2603.12693"))


def _lists_6(task: str, units: str) -> tuple[str, ...]:
    return (
        f"prediction_files_format/CVPR_6th_ABAW_{task}_test_set_sample.txt",
        f"test_set_examples/CVPR_6th_ABAW_{task}_test_set_example.txt",
        f"names_of_videos_in_each_test_set/{units}_Challenge_test_set_release.txt",
    )


RECORDS = (
    record(
        FIFTH,
        (tracks.VA_TRACK, _ROWS, _ROWS_VA, _FIFTH),
        list_files=(
            "CVPR_5th_ABAW_VA_test_set_sample.txt",
            "Valence_Arousal_Estimation_Challenge_test_set_release.txt",
        ),
        valid_rows={"train": {"va": 1_680_144}, "validation": {"va": 382_021}},
        notes=(facts.no_crop(26_387, 5_698, EMOTIEFFLIB_5), facts.LABELS_MOVED_VA),
        baselines=(
            Baseline("test", 0.201, "valence 0.211, arousal 0.191", ZHOU_2023),
            Baseline("validation", 0.22, "valence 0.24, arousal 0.20", ZHOU_2023),
        ),
        sources={"sizes.test.rows": SAMPLES_5, "valid_rows": EMOTIEFFLIB_5},
    ),
    record(
        FIFTH,
        (tracks.EXPR_8_TRACK, _ROWS, _ROWS_EXPR, tracks.LATE_EXPR, _FIFTH),
        title="Expression Classification",
        list_files=(
            "CVPR_5th_ABAW_EXPR_test_set_sample.txt",
            "Expression_Classification_Challenge_test_set_release.txt",
        ),
        baselines=(Baseline("test", 0.2050, "", ZHOU_2023), Baseline("validation", 0.23, "", ZHOU_2023)),
        sources={"sizes": SAMPLES_5},
    ),
    record(
        FIFTH,
        (tracks.AU_TRACK, _ROWS, _ROWS_AU, _FIFTH),
        list_files=("CVPR_5th_ABAW_AU_test_set_sample.txt", "Action_Unit_Detection_Challenge_test_set_release.txt"),
        notes=(facts.no_crop(2_829, 9, EMOTIEFFLIB_5), facts.LABELS_MOVED_AU),
        baselines=(Baseline("test", 0.365, "", ZHOU_2023), Baseline("validation", 0.39, "", ZHOU_2023)),
        sources={"sizes": SAMPLES_5, "valid_rows": EMOTIEFFLIB_5},
    ),
    record(
        SIXTH,
        (tracks.VA_TRACK, _ROWS, _ROWS_VA, _SIXTH),
        list_files=_lists_6("VA", "Valence_Arousal_Estimation"),
        notes=(facts.no_crop(25_927, 5_689, EMOTIEFFLIB_6), facts.LABELS_MOVED_VA),
        baselines=(
            Baseline(
                "test",
                0.201,
                "valence 0.211, arousal 0.191; arXiv:2403.10488 quotes 0.175, which is the 3rd edition's",
                "arXiv:2403.13659",
            ),
            Baseline(
                "validation", 0.22, "valence 0.24, arousal 0.20", assumed("quoted without a source, as in the 5th")
            ),
        ),
        sources={"sizes.test.rows": SAMPLES_6, "valid_rows": EMOTIEFFLIB_6},
    ),
    record(
        SIXTH,
        (tracks.EXPR_8_TRACK, _ROWS, _ROWS_EXPR, _SIXTH),
        list_files=_lists_6("Expr", "Expression_Recognition"),
        notes=(facts.no_crop(12_044, 3_698, EMOTIEFFLIB_6),),
        sources={"sizes": SAMPLES_6, "valid_rows": EMOTIEFFLIB_6},
    ),
    record(
        SIXTH,
        (tracks.AU_TRACK, _ROWS, _ROWS_AU, _SIXTH),
        list_files=_lists_6("AU", "Action_Unit_Detection"),
        notes=(facts.no_crop(2_829, 9, EMOTIEFFLIB_6), facts.LABELS_MOVED_AU),
        sources={"sizes": SAMPLES_6, "valid_rows": EMOTIEFFLIB_6},
    ),
    record(
        EIGHTH,
        (tracks.VA_TRACK, _ROWS, _ROWS_VA, _EIGHTH),
        list_files=("CVPR_8th_ABAW_VA_test_set_sample.txt",),
        baselines=(Baseline("not stated", 0.22, "", "arXiv:2503.12623"),),
        sources={"track": "arXiv:2503.12623", "list_files": _SEEN_ONCE, "sizes.test.rows": _LATER_ROWS},
    ),
    record(
        EIGHTH,
        (tracks.EXPR_8_TRACK, _ROWS, _ROWS_EXPR, _EIGHTH),
        list_files=("test_set_examples/CVPR_6th_ABAW_Expr_test_set_example.txt",),
        notes=(facts.no_crop(12_044, 3_698, EMOTIEFFLIB_8_EXPR),),
        sources={
            "track": EMOTIEFFLIB_8_EXPR,
            "list_files": f"{EMOTIEFFLIB_8_EXPR}, a team that used the 6th edition's example",
            "sizes": EMOTIEFFLIB_8_EXPR,
            "valid_rows": EMOTIEFFLIB_8_EXPR,
        },
    ),
    record(
        EIGHTH,
        (tracks.AU_TRACK, _ROWS, _ROWS_AU, _EIGHTH),
        baselines=(Baseline("validation", 0.39, "", assumed("the number has no source")),),
        sources={
            "track": assumed("listed among the 8th edition's tracks without a source"),
            "sizes": _LATER_SIZES,
        },
    ),
    record(
        NINTH,
        (tracks.VA_TRACK, _ROWS, _ROWS_VA, _EIGHTH),
        list_files=("ICCV_9th_ABAW_VA_test_set_sample.txt",),
        sources={
            "track": assumed(
                "the page speaks of three challenges and names none; a VA sample file is named for the 9th edition"
            ),
            "list_files": _SEEN_ONCE,
            "sizes.test.rows": _LATER_ROWS,
        },
    ),
    record(
        TENTH,
        (tracks.VA_TRACK, _ROWS, _ROWS_VA, _TENTH),
        list_files=("prediction_files_format/ABAW_VA_test_set_sample.txt", _UNIT_LISTS_10),
        baselines=(
            Baseline("test", 0.20, "ResNet-50", _BASELINES_10),
            Baseline("validation", 0.22, "ResNet-50; valence 0.24, arousal 0.20", _BASELINES_10),
        ),
        sources={"sizes.test.rows": _LATER_ROWS},
    ),
    record(
        TENTH,
        (tracks.EXPR_8_TRACK, _ROWS, _ROWS_EXPR, _TENTH),
        list_files=(_UNIT_LISTS_10,),
        notes=(
            Statement(
                "In 317 of the 318 training and validation units one team counted 876,446 valid and 679,593 invalid "
                "frames; of class 0 to 7: 262,610, 23,280, 16,300, 17,583, 129,285, 106,265, 42,977, 278,146.",
                ORA_2026,
            ),
        ),
        baselines=(Baseline("test", 0.225, "", _BASELINES_10), Baseline("validation", 0.25, "", _BASELINES_10)),
        sources={"sizes": _LATER_SIZES},
    ),
    record(
        TENTH,
        (tracks.AU_TRACK, _ROWS, _ROWS_AU, _TENTH),
        list_files=(_UNIT_LISTS_10,),
        baselines=(Baseline("test", 0.365, "", _BASELINES_10), Baseline("validation", 0.39, "", _BASELINES_10)),
        sources={"sizes": _LATER_SIZES},
    ),
)
