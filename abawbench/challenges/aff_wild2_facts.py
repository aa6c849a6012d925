"""Facts on the files of the three single-task tracks on Aff-Wild2 (VA, EXPR, AU): places, notes, rules, sources."""

from __future__ import annotations

from collections.abc import Mapping

from abawbench.challenges.model import Statement
from abawbench.challenges.sources import (
    CHRISA_2021,
    EMOTIEFFLIB_3,
    EMOTIEFFLIB_5,
    EMOTIEFFLIB_6,
    IMLAB_2026,
    KUHNKE_2020,
    NAMHO_2024,
    ORA_2026,
    PAPER_10,
    RATKHOHIEU_2021,
    SAMPLES_5,
    SAMPLES_6,
    SUCV_2023,
    UPCZWW_2024,
    WTOMIN_2020,
    WTOMIN_2022,
    all_of,
    assumed,
    second_hand,
)


def early_places(folder: str) -> Mapping[str, tuple[str, ...]]:
    """Places of the labels of the 1st and 2nd edition, by split."""
    return {
        split: (f"annotations/{folder}/{name}", f"{folder}/{name}")
        for split, name in (("train", "Training_Set"), ("validation", "Validation_Set"))
    }


def late_places(*folders: str) -> Mapping[str, tuple[str, ...]]:
    """Places of the labels from the 3rd edition on, by split, the edition's own folder first."""
    return {
        split: tuple(f"{above}{folder}/{name}" for above in ("", "annotations/") for folder in folders)
        for split, name in (("train", "Train_Set"), ("validation", "Validation_Set"))
    }


def no_crop(train: int, validation: int, source: str) -> Statement:
    """A note on frames that have a valid label, but no image among one team's crops."""
    return Statement(
        f"One team found no crop for {train:,} training and {validation:,} validation frames with a valid label, so a "
        "score over frames with crops alone is not the official one.",
        source,
    )


_ABOVE = "participants' situAI/ABAW2023_AU_SituTech:core/utils/opts.py (with annotations/ above)"
EXPRESSION_PLACES = {
    "annotation_places": all_of(WTOMIN_2022, EMOTIEFFLIB_3, EMOTIEFFLIB_6, NAMHO_2024, ORA_2026, _ABOVE)
}
_ANNOTATION = {
    "dataset": all_of(WTOMIN_2020, PAPER_10),
    "annotation_format": all_of(KUHNKE_2020, WTOMIN_2022),
    "annotation_format.header": assumed("seen through participants' programs that write the same header"),
    "frame_base": all_of(EMOTIEFFLIB_3, WTOMIN_2020),
}
EARLY_SOURCES: Mapping[str, str] = {**_ANNOTATION, "annotation_places": WTOMIN_2020}
LATE_SOURCES: Mapping[str, str] = {
    **_ANNOTATION,
    "annotation_places": all_of(WTOMIN_2022, EMOTIEFFLIB_3, _ABOVE),
}
PER_UNIT_PREDICTION = all_of(WTOMIN_2020, WTOMIN_2022, EMOTIEFFLIB_3)

LINE_IS_FRAME = Statement(
    "Line i after the header is frame i, image `%05d.jpg`: pair by number, never by position in a folder.",
    all_of(EMOTIEFFLIB_3, WTOMIN_2020),
)
OTHER_PERSON = Statement(
    "`_left` or `_right` ends the name of a unit that is a second or not the main person; the rest is the video's "
    "exact name.",
    all_of(CHRISA_2021, ORA_2026),
)
GAPS = Statement(
    "Gaps between crops are normal: over 561 units of the 2nd edition the crops equal OpenCV's frame count in 142, "
    "are more in 108 and fewer in 311. The last crop may be numbered one past the frame count, and label lines can "
    "outnumber frames.",
    all_of(CHRISA_2021, EMOTIEFFLIB_3),
)
CROPS = Statement(
    "Crops are `cropped_aligned/<unit>/00001.jpg`, 112 x 112 pixels, RGB; videos are .mp4 and .avi.",
    all_of(PAPER_10, ORA_2026),
)
SPLITS_DIFFER = Statement(
    "The splits of the three tasks differ: a training video of one may be a validation video of another.", KUHNKE_2020
)
UNIT_LENGTH = Statement(
    "One file `<unit>.txt` for each unit of the list; its data lines number OpenCV's frame count plus one, as "
    "participants report the organisers to count; no organisers' text says so.",
    PER_UNIT_PREDICTION,
)
OTHER_LENGTH = Statement(
    "Another team wrote as many lines as the larger of decoded frames and last crop number.",
    assumed("seen in one program"),
)
ONE_INTEGER_UNDER_7 = Statement("The header has seven names, each row one integer.", KUHNKE_2020)
ONE_INTEGER_UNDER_8 = Statement("The header has eight names, each row one integer.", all_of(WTOMIN_2022, SAMPLES_6))
SAMPLE_ORDER = Statement(
    "One file for the whole test set: the sample's header and one row for each of its rows, in its order, which is "
    "that of natural numbers.",
    all_of(EMOTIEFFLIB_5, SUCV_2023, NAMHO_2024, UPCZWW_2024, IMLAB_2026),
)
USUAL_NAME = Statement("`predictions.txt` is the usual name of the file, not a proven one.", NAMHO_2024)
NO_FACE = Statement(
    "Every listed frame needs a row, with or without a face. There is no official default for the latter; teams "
    "repeated the previous frame, interpolated, wrote zeros or a sentinel, or showed the model a black image.",
    all_of(IMLAB_2026, EMOTIEFFLIB_6, WTOMIN_2022, CHRISA_2021, SUCV_2023, RATKHOHIEU_2021),
)
NO_SENTINELS = Statement(
    "A sentinel or a value out of range as prediction is refused here; what the organisers do with it is unknown.",
    assumed("a -1 counts as wrong where the truth is valid"),
)
BARE_SAMPLE = Statement("Rows of the sample hold a path and a comma, no values.", all_of(SAMPLES_5, SAMPLES_6))
EXPRESSION_COUNT = Statement(
    "The list holds 228 units, while the papers' total of 548 would need 230; the list is taken.",
    all_of(SAMPLES_5, SAMPLES_6),
)
ACTION_UNIT_COUNT = Statement(
    "The list holds 141 units, while the 10th paper's total of 542 would need 142; the list is taken.",
    all_of(SAMPLES_5, SAMPLES_6, PAPER_10),
)
VA_TOTALS = Statement("594 units, 2,993,081 frames and 584 subjects in all.", PAPER_10)
LABELS_MOVED_VA = Statement(
    "The labels changed a little from the 5th to the 6th edition (valid training frames 1,680,144 and 1,679,857).",
    all_of(EMOTIEFFLIB_5, EMOTIEFFLIB_6),
)
LABELS_MOVED_AU = Statement(
    "The labels changed a little after the 3rd edition (valid training frames 1,359,690, later 1,359,523).",
    all_of(EMOTIEFFLIB_3, EMOTIEFFLIB_5, EMOTIEFFLIB_6),
)

COMMON = (LINE_IS_FRAME, OTHER_PERSON, GAPS, CROPS, SPLITS_DIFFER)
PER_UNIT_NOTES = (*COMMON, UNIT_LENGTH, OTHER_LENGTH, NO_FACE, NO_SENTINELS)
ROWS_NOTES = (*COMMON, SAMPLE_ORDER, USUAL_NAME, NO_FACE, NO_SENTINELS)
ROWS_RULES = (
    Statement("From Aff-Wild2 only the labels of this task may be used.", second_hand("arXiv:2402.19344")),
    Statement(
        "Any pretrained model may be used that was not trained on Aff-Wild2 for it.", second_hand("arXiv:2402.19344")
    ),
)
