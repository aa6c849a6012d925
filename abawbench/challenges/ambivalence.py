"""Ambivalence and hesitancy (AH) on BAH: frame level at the 8th edition, video level at the 10th and 11th."""

from __future__ import annotations

from abawbench.challenges.editions import EIGHTH, ELEVENTH, FIVE_IN_10, TENTH, Fields, record
from abawbench.challenges.model import Baseline, Size, Statement
from abawbench.challenges.s_aff_wild2 import RULES_11
from abawbench.challenges.sources import (
    BAH_BOARD_10,
    BAH_METRICS,
    BAH_PAGES,
    BAH_REPOSITORY_11,
    BAH_SPLITS,
    BAH_VALIDATOR_11,
    BAKIN_2026,
    EMOTIEFFLIB_8_AH,
    LEYA_2026,
    PAGE_10,
    PAGE_11,
    UNKNOWN,
    all_of,
    assumed,
)
from abawbench.challenges.tasks import AH_FRAME, AH_VIDEO_F1, AMBIVALENCE, AMBIVALENCE_SOURCES

_CONSENT = Statement(
    "Participants 83249 and 83277 gave no consent to publication: predict their videos, but show them in no report, "
    "figure, table or log.",
    assumed("to be confirmed in the dataset's documents"),
)
_SIZES_PRIVATE = "sizes.private test"
_TEAM_COUNT = "participants' MDT-AH README (151 videos)"

_AH: Fields = {
    "track": "ah",
    "title": "Ambivalence/Hesitancy Video Recognition",
    "dataset": "BAH",
    "tasks": (AMBIVALENCE,),
    "frame_base": 0,
    "sources": AMBIVALENCE_SOURCES,
}
# the 10th and 11th edition
_VIDEOS: Fields = {
    "metric": AH_VIDEO_F1,
    "formats": ("ah-split", "ah-trial", "ah-trial"),
    "list_files": ("with_probabilities/trial-0.txt", "no_probabilities/trial-0.txt"),
    "annotation_places": {"train": ("split/train.txt",), "validation": ("split/val.txt",), "test": ("split/test.txt",)},
    "sizes": {
        "train": Size(units=778, rows=778),
        "validation": Size(units=124, rows=124),
        "test": Size(units=525, rows=525),
        "private test": Size(units=152, rows=152, others=(Size(units=151, rows=151),)),
    },
    "submissions": 5,
    "notes": (
        Statement("1,427 videos, the sum of the three public splits; 300 participants, 10.60 hours.", PAGE_11),
        Statement("The public test is the split `test`; the private test ranks.", PAGE_11),
        Statement(
            "A line of a split file is path, label, transcript: split it at the first two commas only. Dates may hold "
            "a blank, so never split at blanks.",
            all_of(BAH_SPLITS, LEYA_2026),
        ),
        Statement(
            "The private test list has the form of a split file with 0 in place of the label.",
            assumed("seen in one program"),
        ),
        Statement(
            "The score is the mean of scikit-learn's two class F1s over all videos, by the organisers' "
            "`bah_metrics.py`.",
            all_of(BAH_REPOSITORY_11, BAH_METRICS),
        ),
        Statement(
            "A trial has lines `video_id,p0,p1,label` or `video_id,label` without header, ids and order as in the "
            "organisers' `with_probabilities/trial-0.txt`; p0 and p1 lie in 0 to 1, `float(p0) + float(p1) == 1.0` "
            "holds exactly, the label is 0 or 1. Numbers are read with float() and int() from lines stripped at both "
            "ends, so a blank beside a value is accepted.",
            all_of(BAH_REPOSITORY_11, BAH_VALIDATOR_11),
        ),
        Statement(
            "With probabilities the organisers' validator compares only the first character of a line, so it accepts "
            "wrong ids and another order; what the scorer does with them is not said. They are refused here.",
            BAH_VALIDATOR_11,
        ),
        Statement(
            "The label need not be the more probable class.",
            assumed("teams tune thresholds, and no rule found forbids it"),
        ),
        Statement("Hard probabilities, 1.0 and 0.0, are sent too.", LEYA_2026),
        Statement("Hard probabilities can cost AP.", assumed("AP is taken from p1")),
        Statement(
            "AP of class 1 is reported and does not rank. In the organisers' code it is not scikit-learn's: softmax "
            "over two logits, thresholds 0 to 0.999 by 0.001, trapezoids under recall and precision. Whether submitted "
            "probabilities pass the softmax is unknown.",
            all_of(PAGE_11, BAH_METRICS),
        ),
        Statement(
            "Files are named trial-0.txt to trial-4.txt; one team zips them flat.",
            assumed("seen in one program"),
        ),
        Statement(
            "An earlier release has 224 participants and 1,118 videos (616, 110, 392); paths may occur in both, so "
            "check the counts.",
            all_of("arXiv:2505.19328", BAH_SPLITS),
        ),
    ),
    "sources": {
        "annotation_format": all_of(BAH_SPLITS, LEYA_2026),
        "annotation_places": all_of(BAH_SPLITS, LEYA_2026),
        "list_format": BAH_VALIDATOR_11,
        "list_files": all_of(BAH_VALIDATOR_11, LEYA_2026),
        "prediction_format": all_of(BAH_REPOSITORY_11, BAH_VALIDATOR_11, LEYA_2026),
        "prediction_format.sum": BAH_VALIDATOR_11,
        "frame_base": assumed(
            "trials name videos; frames of the frame lists are taken to count from 0, as in the 8th edition"
        ),
        "valid_rows": UNKNOWN,
    },
}

RECORDS = (
    record(
        EIGHTH,
        (_AH,),
        title="Ambivalence/Hesitancy Recognition",
        metric=AH_FRAME,
        formats=("ah-frames", "ah-frames", "ah-frames"),
        list_files=("trial-N.txt",),
        sizes={
            "train": Size(units=304, rows=205_926),
            "validation": Size(units=127, rows=89_600),
            "test": Size(units=280, rows=169_479),
        },
        rules=(_CONSENT,),
        notes=(
            Statement(
                "Lines have no header; a path's frames count from 0. 84 participants are in training and validation, "
                "40 in test.",
                EMOTIEFFLIB_8_AH,
            ),
            Statement(
                "`annotation.yml` holds the labels of frames under `frame_annotation`; its paths have blanks ('Visite "
                "1', the date) where those of the submission have underscores.",
                EMOTIEFFLIB_8_AH,
            ),
        ),
        sources={
            "track": BAH_PAGES,
            "dataset": BAH_PAGES,
            "annotation_format": assumed(
                "labels are in annotation.yml; as text they are read in the form of the submission, path and label"
            ),
            "list_format": f"organisers' example file, in {EMOTIEFFLIB_8_AH}",
            "list_files": f"organisers' example file, in {EMOTIEFFLIB_8_AH}",
            "annotation_places": assumed("annotation.yml is no text format of the challenge, so no place is given"),
            "prediction_format": f"organisers' example file, in {EMOTIEFFLIB_8_AH}",
            "frame_base": EMOTIEFFLIB_8_AH,
            "sizes": EMOTIEFFLIB_8_AH,
        },
    ),
    record(
        TENTH,
        (_AH, _VIDEOS),
        rules=(_CONSENT,),
        notes=(Statement("9 teams entered, 5 submitted.", BAH_BOARD_10),),
        baselines=(
            Baseline("private test", 0.3428, "", BAH_BOARD_10),
            Baseline("test", 0.2827, "zero-shot Video-LLaVA, on the public test", "arXiv:2603.16939"),
        ),
        sources={
            "track": all_of(PAGE_10, BAH_PAGES),
            "dataset": BAH_PAGES,
            "sizes": assumed("the release of the 11th edition"),
            _SIZES_PRIVATE: assumed("the release of the 11th edition"),
            f"{_SIZES_PRIVATE}.others": assumed("the release of the 11th edition"),
            "submissions": FIVE_IN_10,
        },
    ),
    record(
        ELEVENTH,
        (_AH, _VIDEOS),
        channel="e-mail to the AH organisers, all trials at once or one by one with the score as feedback",
        rules=(
            Statement("Up to 5 trials within the test week; the best counts.", PAGE_11),
            Statement(
                "The general page asks for uploads to a server and the AH page for e-mail: read both when the test "
                "set is released.",
                PAGE_11,
            ),
            Statement("Any pretrained model and dataset may be used; other A/H datasets are to be disclosed.", PAGE_11),
            Statement("Full-time faculty sign the EULA.", PAGE_11),
            _CONSENT,
            *RULES_11,
        ),
        notes=(
            Statement("17 teams entered, 13 submitted.", BAH_REPOSITORY_11),
            Statement("The private test has 152 videos of 30 participants.", BAH_VALIDATOR_11),
            Statement("One team counts 151 videos in the private test.", _TEAM_COUNT),
            Statement(
                "Frame lists `split-frames/*.txt` hold 501,970, 79,538 and 335,110 lines `path,label`: split at the "
                "last comma. Labels of cues are in `video_annotation_transcript.yaml`.",
                BAKIN_2026,
            ),
        ),
        baselines=(Baseline("test", 0.2827, "zero-shot Video-LLaVA, on the public test", PAGE_11),),
        sources={
            "dataset": PAGE_11,
            "sizes": BAKIN_2026,
            _SIZES_PRIVATE: BAH_VALIDATOR_11,
            f"{_SIZES_PRIVATE}.others": _TEAM_COUNT,
            "channel": PAGE_11,
            "submissions": PAGE_11,
        },
    ),
)
