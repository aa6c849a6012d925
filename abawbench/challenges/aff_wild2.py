"""VA, EXPR and AU on Aff-Wild2: predictions are one file a unit to the 3rd edition, one file for all from the 5th."""

from __future__ import annotations

from collections.abc import Mapping

from abawbench.challenges import aff_wild2_facts as facts
from abawbench.challenges.editions import (
    EIGHTH,
    FIFTH,
    FIRST,
    FIVE,
    FIVE_IN_10,
    NINTH,
    SECOND,
    SIXTH,
    TENTH,
    THIRD,
    Fields,
    record,
)
from abawbench.challenges.model import Baseline, Metric, Size, Statement, Task
from abawbench.challenges.sources import (
    BEAST_2022,
    CHRISA_2021,
    EMOTIEFFLIB_3,
    EMOTIEFFLIB_5,
    EMOTIEFFLIB_6,
    EMOTIEFFLIB_8_EXPR,
    GLMANHTU_2021,
    IMLAB_2026,
    KUHNKE_2020,
    NAMHO_2024,
    ORA_2026,
    PAGE_10,
    PAPER_10,
    SAMPLES_5,
    SAMPLES_6,
    SUCV_2023,
    TABLES_2,
    TALLEC_2022,
    UNKNOWN,
    UPCZWW_2024,
    WTOMIN_2020,
    ZEROSANSAN_2020,
    ZHOU_2023,
    all_of,
    assumed,
    second_hand,
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


def _track(name: str, title: str, task: Task, metric: Metric, sources: Mapping[str, str], *notes: Statement) -> Fields:
    """The fields that a track on the videos of Aff-Wild2 has in every edition."""
    return {
        "track": name,
        "title": title,
        "dataset": "Aff-Wild2",
        "tasks": (task,),
        "metric": metric,
        "notes": notes,
        "sources": sources,
    }


_VA = _track("va", "Valence-Arousal Estimation", VA, VA_CCC, VA_SOURCES)
_EXPR_7 = _track(
    "expr", "Expression Classification", EXPRESSION_7, EXPR_F1_ACC, EXPRESSION_7_SOURCES, facts.ONE_INTEGER_UNDER_7
)
_EXPR_8 = _track(
    "expr", "Expression Classification", EXPRESSION_8, EXPR_F1, EXPRESSION_8_SOURCES, facts.ONE_INTEGER_UNDER_8
)
_AU = _track("au", "Action Unit Detection", ACTION_UNITS_12, AU_F1, ACTION_UNITS_12_SOURCES)

# the 1st to the 3rd edition
_PER_UNIT: Fields = {"formats": ("unit-txt", "units", "unit-txt"), "notes": facts.PER_UNIT_NOTES}
_EARLY_VA: Fields = {**_PER_UNIT, "annotation_places": facts.early_places("VA_Set")}
_EARLY_EXPR: Fields = {**_PER_UNIT, "annotation_places": facts.early_places("EXPR_Set")}
_EARLY_AU: Fields = {**_PER_UNIT, "annotation_places": facts.early_places("AU_Set"), "metric": AU_F1_ACC}
_LATE_VA: Fields = {"annotation_places": facts.late_places("VA_Estimation_Challenge")}
_LATE_EXPR: Fields = {
    "annotation_places": facts.late_places("EXPR_Classification_Challenge", "EXPR_Recognition_Challenge")
}
_LATE_AU: Fields = {"annotation_places": facts.late_places("AU_Detection_Challenge")}

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

# from the 5th edition on
_ROWS: Fields = {
    "formats": ("unit-txt", "rows", "rows"),
    "submissions": 5,
    "rules": facts.ROWS_RULES,
    "notes": facts.ROWS_NOTES,
    "sources": facts.LATE_SOURCES,
}
_ROWS_VA: Fields = {
    **_LATE_VA,
    "sizes": {"train": Size(units=356), "validation": Size(units=76), "test": Size(units=162, rows=927_210)},
    "notes": (facts.VA_TOTALS,),
    "sources": {"sizes": all_of(second_hand("arXiv:2403.13659"), PAPER_10)},
}
_ROWS_EXPR: Fields = {
    "title": "Expression Recognition",
    "annotation_places": facts.late_places("EXPR_Recognition_Challenge", "EXPR_Classification_Challenge"),
    "sizes": {"train": Size(units=248), "validation": Size(units=70), "test": Size(units=228, rows=1_022_655)},
    "notes": (facts.EXPRESSION_COUNT,),
    "sources": facts.EXPRESSION_PLACES,
}
_ROWS_AU: Fields = {
    **_LATE_AU,
    "sizes": {"train": Size(units=295), "validation": Size(units=105), "test": Size(units=141, rows=729_736)},
    "notes": (facts.ACTION_UNIT_COUNT,),
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
        FIRST,
        (_VA, _EARLY_VA, _FIRST),
        list_files=("va_test_set.txt",),
        sizes={"train": Size(), "validation": Size(), "test": Size(units=139)},
    ),
    record(
        FIRST,
        (_EXPR_7, _EARLY_EXPR, _FIRST),
        list_files=("expression_test_set.txt",),
        sizes={"train": Size(), "validation": Size(), "test": Size(units=223)},
        sources={"sizes": all_of(KUHNKE_2020, ZEROSANSAN_2020)},
    ),
    record(
        FIRST,
        (_AU, _EARLY_AU, _FIRST),
        tasks=(ACTION_UNITS_8,),
        list_files=("aus_test_set.txt",),
        sizes={"train": Size(), "validation": Size(), "test": Size(units=14)},
        sources=ACTION_UNITS_8_SOURCES,
    ),
    record(
        SECOND,
        (_VA, _EARLY_VA, _SECOND),
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
        (_EXPR_7, _EARLY_EXPR, _SECOND),
        list_files=("test_set_EXPR_Challenge.txt",),
        sizes={"train": Size(units=253), "validation": Size(units=70), "test": Size(units=223)},
        baselines=(
            Baseline("test", 0.326, "F1 0.26, accuracy 0.46", TABLES_2),
            Baseline("validation", 0.366, "", GLMANHTU_2021),
        ),
    ),
    record(
        SECOND,
        (_AU, _EARLY_AU, _SECOND),
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
        (_VA, _PER_UNIT, _LATE_VA, _THIRD),
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
        (_EXPR_8, _PER_UNIT, _LATE_EXPR, _THIRD),
        list_files=("Expression_Classification_Challenge_test_set_release.txt",),
        sizes={"train": Size(units=248), "validation": Size(units=70), "test": Size(units=228)},
        valid_rows={"train": {"expression": 597_361}, "validation": {"expression": 284_230}},
        notes=(facts.no_crop(12_044, 3_698, EMOTIEFFLIB_3),),
        baselines=(Baseline("validation", 0.23, "", _SAME_AS_A_TEAMS_RUN),),
        sources=facts.EXPRESSION_PLACES,
    ),
    record(
        THIRD,
        (_AU, _PER_UNIT, _LATE_AU, _THIRD),
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
    record(
        FIFTH,
        (_VA, _ROWS, _ROWS_VA, _FIFTH),
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
        (_EXPR_8, _ROWS, _ROWS_EXPR, _LATE_EXPR, _FIFTH),
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
        (_AU, _ROWS, _ROWS_AU, _FIFTH),
        list_files=("CVPR_5th_ABAW_AU_test_set_sample.txt", "Action_Unit_Detection_Challenge_test_set_release.txt"),
        valid_rows={"train": {"action_units": 1_359_523}, "validation": {"action_units": 445_845}},
        notes=(facts.no_crop(2_829, 9, EMOTIEFFLIB_5), facts.LABELS_MOVED_AU),
        baselines=(Baseline("test", 0.365, "", ZHOU_2023), Baseline("validation", 0.39, "", ZHOU_2023)),
        sources={"sizes": SAMPLES_5, "valid_rows": EMOTIEFFLIB_5},
    ),
    record(
        SIXTH,
        (_VA, _ROWS, _ROWS_VA, _SIXTH),
        list_files=_lists_6("VA", "Valence_Arousal_Estimation"),
        valid_rows={"train": {"va": 1_679_857}, "validation": {"va": 382_021}},
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
        (_EXPR_8, _ROWS, _ROWS_EXPR, _SIXTH),
        list_files=_lists_6("Expr", "Expression_Recognition"),
        valid_rows={"train": {"expression": 597_361}, "validation": {"expression": 284_230}},
        notes=(facts.no_crop(12_044, 3_698, EMOTIEFFLIB_6),),
        sources={"sizes": SAMPLES_6, "valid_rows": EMOTIEFFLIB_6},
    ),
    record(
        SIXTH,
        (_AU, _ROWS, _ROWS_AU, _SIXTH),
        list_files=_lists_6("AU", "Action_Unit_Detection"),
        valid_rows={"train": {"action_units": 1_359_523}, "validation": {"action_units": 445_845}},
        notes=(facts.no_crop(2_829, 9, EMOTIEFFLIB_6), facts.LABELS_MOVED_AU),
        sources={"sizes": SAMPLES_6, "valid_rows": EMOTIEFFLIB_6},
    ),
    record(
        EIGHTH,
        (_VA, _ROWS, _ROWS_VA, _EIGHTH),
        list_files=("CVPR_8th_ABAW_VA_test_set_sample.txt",),
        baselines=(Baseline("not stated", 0.22, "", "arXiv:2503.12623"),),
        sources={"track": "arXiv:2503.12623", "list_files": _SEEN_ONCE, "sizes.test.rows": _LATER_ROWS},
    ),
    record(
        EIGHTH,
        (_EXPR_8, _ROWS, _ROWS_EXPR, _EIGHTH),
        list_files=("test_set_examples/CVPR_6th_ABAW_Expr_test_set_example.txt",),
        valid_rows={"train": {"expression": 597_361}, "validation": {"expression": 284_230}},
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
        (_AU, _ROWS, _ROWS_AU, _EIGHTH),
        baselines=(Baseline("validation", 0.39, "", assumed("the number has no source")),),
        sources={
            "track": assumed("listed among the 8th edition's tracks without a source"),
            "sizes": _LATER_SIZES,
        },
    ),
    record(
        NINTH,
        (_VA, _ROWS, _ROWS_VA, _EIGHTH),
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
        (_VA, _ROWS, _ROWS_VA, _TENTH),
        list_files=("prediction_files_format/ABAW_VA_test_set_sample.txt", _UNIT_LISTS_10),
        baselines=(
            Baseline("test", 0.20, "ResNet-50", _BASELINES_10),
            Baseline("validation", 0.22, "ResNet-50; valence 0.24, arousal 0.20", _BASELINES_10),
        ),
        sources={"sizes.test.rows": _LATER_ROWS},
    ),
    record(
        TENTH,
        (_EXPR_8, _ROWS, _ROWS_EXPR, _TENTH),
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
        (_AU, _ROWS, _ROWS_AU, _TENTH),
        list_files=(_UNIT_LISTS_10,),
        baselines=(Baseline("test", 0.365, "", _BASELINES_10), Baseline("validation", 0.39, "", _BASELINES_10)),
        sources={"sizes": _LATER_SIZES},
    ),
)
