"""Multi-task learning on s-Aff-Wild2 (MTL) and learning from synthetic data (LSD)."""

from __future__ import annotations

from collections.abc import Mapping

from abawbench.challenges.editions import (
    ELEVENTH,
    FIVE,
    FOURTH,
    SEVENTH,
    THIRD,
    Fields,
    record,
)
from abawbench.challenges.model import Baseline, ForbiddenData, Size, Statement
from abawbench.challenges.sources import (
    AIM3_2022,
    BAKIN_2026,
    DMACS_2022,
    EMMA_2022,
    EMOTIEFFLIB_3,
    EMOTIEFFLIB_4_LSD,
    EMOTIEFFLIB_4_MTL,
    EMOTIEFFLIB_7_MTL,
    KHANHND_2022,
    PAGE_11,
    SYNTHETIC_FOLDERS_4,
    UNKNOWN,
    WTOMIN_2022,
    all_of,
    assumed,
    second_hand,
)
from abawbench.challenges.tasks import (
    ACTION_UNITS_12,
    EXPRESSION_8,
    LSD_F1,
    MTL_SUM,
    MULTI_TASK_SOURCES,
    SYNTHETIC_EXPRESSION,
    SYNTHETIC_EXPRESSION_SOURCES,
    VA,
)

_SIXTEEN_FIELDS = Statement(
    "The header has 5 names, the rows 16 fields: path, valence, arousal, expression, 12 action units.",
    all_of(EMOTIEFFLIB_4_MTL, DMACS_2022),
)
_PARTLY_LABELLED = Statement(
    "Rows without the label of one or two tasks are normal; sentinels may be written -5 or -5.0.", DMACS_2022
)
_MASKS = Statement(
    "Each term counts the rows that are valid for its task; some teams keep fully labelled rows only, which is another "
    "score. Masking valence and arousal apart is the same while -5 comes in pairs.",
    all_of(EMOTIEFFLIB_4_MTL, BAKIN_2026, EMMA_2022, KHANHND_2022, AIM3_2022),
)
_REPEATS_COUNT = Statement(
    "Paths repeat: align by order, never by a dictionary of paths. A repeated row counts as often as it stands there.",
    assumed("whether the organisers count it twice is unknown"),
)
_REPEATS_SEEN = Statement("951 rows of training and 210 of validation repeat a path.", BAKIN_2026)
_REPEATS_IN_TEST = Statement(
    "The test list's 51,159 rows hold 50,441 distinct paths, so 718 repeat one.",
    assumed(f"from the printed size of a dictionary of paths ({EMOTIEFFLIB_4_MTL}; {EMOTIEFFLIB_7_MTL})"),
)
_ALL_THREE = Statement(
    "52,154 training and 15,440 validation rows have all three labels.", assumed("to be counted again")
)
_ROWS_OF_THE_LIST = Statement(
    "The prediction has the list's header, every row of the list in its order, and action units as 0 or 1.",
    all_of(WTOMIN_2022, EMOTIEFFLIB_3),
)
_FREE_NAME = Statement("The file's name is free as far as is known.", assumed("no text names it after the 3rd edition"))
_VALID_ROWS: Mapping[str, Mapping[str, int]] = {
    "train": {"va": 103_917, "expression": 90_645, "action_units": 103_316},
    "validation": {"va": 26_876, "expression": 15_440, "action_units": 26_876},
}
_SIZES = {
    "train": Size(rows=142_382, labelled_rows=142_333),
    "validation": Size(rows=26_876),
    "test": Size(rows=51_159),
}
_PLACES = {
    "train": ("training_set_annotations.txt",),
    "validation": ("validation_set_annotations.txt",),
}
_ALIAS_SOURCE = f"{DMACS_2022} for the names that end in _22"

# s-Aff-Wild2 and the synthetic set are frames of Aff-Wild2, which has their validation and test videos with labels
_AFF_WILD2 = r"(?<!\bs)(?<!\bs(?:-|_| ))aff(?:-|_| )?wild"
_FORBIDDEN_11 = ForbiddenData(
    "Aff-Wild2",
    _AFF_WILD2,
    "organisers' page of the 11th edition: any data except A/V Aff-Wild2, images and annotations; any pretrained model "
    "not trained on Aff-Wild2",
)
_FORBIDDEN_BEFORE = ForbiddenData(
    "Aff-Wild2",
    _AFF_WILD2,
    assumed("no text of this edition was seen; the 11th forbids it, and the test frames are those of Aff-Wild2"),
)

_MTL: Fields = {
    "track": "mtl",
    "title": "Multi-Task Learning",
    "dataset": "s-Aff-Wild2",
    "tasks": (VA, EXPRESSION_8, ACTION_UNITS_12),
    "metric": MTL_SUM,
    "formats": ("mtl", "mtl", "mtl"),
    "forbidden_data": (_FORBIDDEN_BEFORE,),
    "notes": (_SIXTEEN_FIELDS, _PARTLY_LABELLED, _MASKS, _REPEATS_COUNT, _ROWS_OF_THE_LIST),
    "sources": {
        **MULTI_TASK_SOURCES,
        "frame_base": all_of(EMOTIEFFLIB_4_MTL, BAKIN_2026),
        "valid_rows": all_of(EMOTIEFFLIB_4_MTL, BAKIN_2026),
    },
}
# from the 4th edition on the labels are the same
_MTL_4: Fields = {
    "annotation_places": _PLACES,
    "sizes": _SIZES,
    "valid_rows": _VALID_ROWS,
    "notes": (_FREE_NAME, _REPEATS_SEEN, _REPEATS_IN_TEST, _ALL_THREE),
}
_FILES = (
    "dataset",
    "annotation_format",
    "annotation_places",
    "list_format",
    "list_files",
    "prediction_format",
    "sizes",
)
_READERS_4 = all_of(EMOTIEFFLIB_4_MTL, KHANHND_2022, DMACS_2022)

RULES_11 = tuple(
    Statement(text, PAGE_11)
    for text in (
        "At most 8 participants make a team.",
        "A lead researcher who is not a student registers from an official address, with a signed EULA.",
        "At the end a code link and a preprint of 2 to 8 pages are due.",
        "One winner per challenge; the three best must submit a paper.",
        "The best teams share code, weights and executables with the organisers.",
        "Any face detector may be used; the paper names it.",
        "Test set on 10 July 2026, final submission by 16 July 2026 23:59:59 AoE, winners on 18 July 2026.",
    )
)

RECORDS = (
    record(
        THIRD,
        (_MTL,),
        list_files=("Multi_Task_Learning_Challenge_test_set_release.txt",),
        annotation_places={
            "train": ("MTL_Challenge/train_set.txt", "train_set.txt"),
            "validation": ("MTL_Challenge/validation_set.txt", "validation_set.txt"),
        },
        sizes={"train": Size(labelled_rows=144_891), "validation": Size(rows=27_087), "test": Size(rows=51_245)},
        submissions=5,
        notes=(
            Statement(
                "144,891 training rows with a label are 142,225 with a crop and 2,666 without; 27,087 validation rows "
                "are 26,876 and 211.",
                EMOTIEFFLIB_3,
            ),
            Statement("Teams named the file `MTL_predictions.txt`.", all_of(WTOMIN_2022, EMOTIEFFLIB_3)),
        ),
        sources={
            **dict.fromkeys(_FILES, EMOTIEFFLIB_3),
            "annotation_format": all_of(WTOMIN_2022, EMOTIEFFLIB_3),
            "prediction_format": all_of(WTOMIN_2022, EMOTIEFFLIB_3),
            "valid_rows": UNKNOWN,
            "submissions": FIVE,
        },
    ),
    record(
        FOURTH,
        (_MTL, _MTL_4),
        list_files=("MTL_Challenge_test_set_release.txt",),
        annotation_places={
            "train": ("training_set_annotations.txt", "training_set_annotations_22.txt"),
            "validation": ("validation_set_annotations.txt", "validation_set_annotations_22.txt"),
        },
        baselines=(Baseline("validation", 0.30, "", assumed("the number has no source")),),
        sources={
            **dict.fromkeys(_FILES, _READERS_4),
            "annotation_places": all_of(_READERS_4, _ALIAS_SOURCE),
        },
    ),
    record(
        SEVENTH,
        (_MTL, _MTL_4),
        list_files=("MTL.txt",),
        notes=(Statement("Rows of the list hold a path and a comma.", EMOTIEFFLIB_7_MTL),),
        baselines=(
            Baseline(
                "validation", 0.32, "VGG16 with MixAugment", all_of("arXiv:2407.13184", second_hand("arXiv:2407.03835"))
            ),
            Baseline(
                "validation",
                0.30,
                "VGG16 without MixAugment",
                all_of("arXiv:2407.13184", second_hand("arXiv:2407.03835")),
            ),
        ),
        sources={
            **dict.fromkeys(_FILES, EMOTIEFFLIB_7_MTL),
            "sizes.train.rows": assumed(
                "the 142,333 labelled rows and the 49 without a label of the 4th and 11th edition"
            ),
        },
    ),
    record(
        ELEVENTH,
        (_MTL, _MTL_4),
        list_files=("MTL_Challenge_test_set_release.txt",),
        sizes={
            "train": Size(units=257, rows=142_382, labelled_rows=142_333),
            "validation": Size(units=50, rows=26_876),
            "test": Size(rows=51_159),
        },
        channel="upload to an evaluation server announced with the test set",
        rules=(
            Statement(
                "s-Aff-Wild2 and any other data, public or not, may be used, except A/V Aff-Wild2, images and "
                "annotations.",
                PAGE_11,
            ),
            Statement("Any pretrained model may be used that was not trained on Aff-Wild2.", PAGE_11),
            *RULES_11,
        ),
        forbidden_data=(_FORBIDDEN_11,),
        notes=(
            Statement("The organisers speak of around 221K images; the rows are 220,417.", all_of(PAGE_11, BAKIN_2026)),
        ),
        baselines=(Baseline("validation", 0.45, "ConvNeXt with MixAugment", PAGE_11),),
        sources={
            **dict.fromkeys(_FILES, BAKIN_2026),
            "dataset": PAGE_11,
            "submissions": assumed("the server's daily limit is unknown, so it stays empty"),
            "channel": PAGE_11,
        },
    ),
    record(
        FOURTH,
        (),
        track="lsd",
        title="Learning from Synthetic Data",
        dataset="Aff-Wild2 synthetic (LSD)",
        tasks=(SYNTHETIC_EXPRESSION,),
        metric=LSD_F1,
        formats=("lsd", "lsd", "lsd"),
        list_files=("LSD_Challenge_test_set_release.txt",),
        annotation_places={
            "train": ("training_set_synthetic_images",),
            "validation": ("validation_set_real_images",),
        },
        sizes={
            "train": Size(units=277_251, rows=277_251),
            "validation": Size(units=4_670, rows=4_670),
            "test": Size(units=106_120, rows=106_120),
        },
        forbidden_data=(_FORBIDDEN_BEFORE,),
        notes=(
            Statement(
                "Labels are folders; the training folder of Anger is spelt ANGRER. Training images of class 0 to 5: "
                "18,286, 15,150, 10,923, 73,285, 144,631, 14,976, all synthetic; validation images are real.",
                SYNTHETIC_FOLDERS_4,
            ),
            Statement("Test images are named 0.jpg, 1.jpg, and so on.", SYNTHETIC_FOLDERS_4),
        ),
        baselines=(Baseline("not stated", 0.30, "", "arXiv:2207.10003"),),
        sources={
            **dict.fromkeys(_FILES, SYNTHETIC_FOLDERS_4),
            **SYNTHETIC_EXPRESSION_SOURCES,
            "prediction_format": EMOTIEFFLIB_4_LSD,
            "frame_base": assumed("images are single, so no frame number occurs in a file"),
        },
    ),
)
