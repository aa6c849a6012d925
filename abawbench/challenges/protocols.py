"""Protocols of data sets outside the ABAW challenges: CK+, Oulu-CASIA, MMI, compounds of RAF-DB, the London people.

They belong to no edition: their number is 0, and the track alone is the id. They are dated by the venue of the data.
"""

from __future__ import annotations

from abawbench.challenges.editions import Edition, Fields, record
from abawbench.challenges.model import Size, Statement
from abawbench.challenges.sources import (
    C_EXPR_TABLE,
    FERSNET,
    FERSNET_CODE,
    GRAPH_AU_READERS,
    LONDON_SET,
    OUR_NAME,
    assumed,
)
from abawbench.challenges.tasks import (
    ATTRIBUTES_LONDON,
    COMPOUND_11,
    EXPR_ACCURACY,
    EXPRESSION_6,
    EXPRESSION_CONTEMPT_7,
    IDENTITY_ATTRIBUTES,
    IDENTITY_LONDON,
    RAF_UAR,
)

_MEMORY = assumed("from memory of the literature, not compared with the paper")


def _of_data(venue: str, paper: str) -> Edition:
    """The dates of a protocol: venue and paper of the data set."""
    outside = assumed("0: a protocol of the literature, of no ABAW edition")
    return Edition(0, venue, paper, {"edition": outside, "venue": _MEMORY, "paper": _MEMORY})


CK_PLUS = _of_data("CVPR Workshops 2010", "doi:10.1109/CVPRW.2010.5543262")
OULU_CASIA = _of_data("Image and Vision Computing 2011", "doi:10.1016/j.imavis.2011.07.002")
MMI = _of_data("ICME 2005", "doi:10.1109/ICME.2005.1521424")
RAF_DB = _of_data("CVPR 2017", "doi:10.1109/CVPR.2017.277")

LONDON = Edition(
    0,
    "figshare 2017",
    None,
    {
        "edition": assumed("0: a protocol of this project, of no ABAW edition"),
        "venue": LONDON_SET,
        "paper": assumed("the data have a page and no paper"),
    },
)

_NOBODY = assumed("nobody collects predictions")
_OWN_FORM = assumed("no official form: the one of frames in the ABAW challenges")
_FRAMES = assumed("usual in the literature; FERSNet's paper names a single peak-frame setting and no numbers")
_PROTOCOL: Fields = {
    "formats": ("rows", "rows", "rows"),
    "channel": None,
    "sources": {
        "track": OUR_NAME,
        "dataset": _MEMORY,
        "annotation_format": _OWN_FORM,
        "list_format": _OWN_FORM,
        "prediction_format": _OWN_FORM,
        "channel": _NOBODY,
        "submissions": _NOBODY,
        "list_files": _NOBODY,
        "annotation_places": assumed("the owners' files are read by `abawbench data read`"),
    },
}
_TEN_FOLDS: Fields = {
    "metric": EXPR_ACCURACY,
    "rules": (
        Statement(
            "Ten folds that keep the frames of a person together: every person is tested once, by a model that was "
            "trained without that person.",
            FERSNET_CODE,
        ),
    ),
    "notes": (
        Statement(
            "FERSNet's released code sorts the subjects and takes blocks of a tenth of their number, rounded down; the "
            "tenth fold has the remainder too: `abawbench data folds --deal sorted -k 10`.",
            FERSNET_CODE,
        ),
        Statement(
            "A figure may be the best epoch's on the fold that is tested, as FERSNet's released code selects; it is "
            "then too high.",
            FERSNET_CODE,
        ),
        Statement(
            "Published figures stand side by side with pre-training on other faces and without it, and of methods that "
            "see the whole sequence and methods that see single frames.",
            FERSNET,
        ),
    ),
}
_SIX: Fields = {"tasks": (EXPRESSION_6,)}

RECORDS = (
    record(
        CK_PLUS,
        (_PROTOCOL, _TEN_FOLDS),
        track="ck-plus-expression",
        title="Expression, seven classes, ten folds by subject",
        dataset="CK+",
        tasks=(EXPRESSION_CONTEMPT_7,),
        sizes={"test": Size(units=327, rows=981)},
        notes=(
            Statement("The last three frames of each of the 327 labelled sequences.", _FRAMES),
            Statement("Variants take the first frame of a sequence as neutral.", _FRAMES),
        ),
        sources={
            "tasks": GRAPH_AU_READERS,
            "frame_base": GRAPH_AU_READERS,
            "sizes": assumed("327 sequences of 123 people as readers count them, three frames of each"),
        },
    ),
    record(
        OULU_CASIA,
        (_PROTOCOL, _TEN_FOLDS, _SIX),
        track="oulu-casia-expression",
        title="Expression, six classes, ten folds by subject",
        dataset="Oulu-CASIA, visible light, strong",
        frame_base=0,
        sizes={"test": Size(units=480, rows=1_440)},
        notes=(Statement("The last three frames of each of the 480 sequences of 80 people.", _FRAMES),),
        sources={
            "tasks": FERSNET_CODE,
            "frame_base": assumed("as public programs number the pictures, from 000; none is named"),
            "sizes": assumed("80 people, six expressions, three frames of each"),
        },
    ),
    record(
        MMI,
        (_PROTOCOL, _TEN_FOLDS, _SIX),
        track="mmi-expression",
        title="Expression, six classes, ten folds by subject",
        dataset="MMI, frontal sequences",
        sizes={"test": Size(units=205, rows=615, others=(Size(units=208, rows=624),))},
        notes=(
            Statement(
                "Three frames in the middle of each of 205 to 208 frontal sequences of 30 to 31 people, which run from "
                "neutral to the apex and back; which sequences they are differs between papers.",
                _FRAMES,
            ),
        ),
        sources={
            "tasks": FERSNET_CODE,
            "frame_base": assumed("a video's first frame is 1"),
            "sizes": assumed("205 sequences in most papers, three frames of each"),
            "sizes.test.others": assumed("208 sequences in others"),
        },
    ),
    record(
        RAF_DB,
        (_PROTOCOL,),
        track="raf-db-compound",
        title="Compound expressions, eleven classes",
        formats=("lsd", "lsd", "lsd"),
        dataset="RAF-DB, compound part",
        tasks=(COMPOUND_11,),
        metric=RAF_UAR,
        sizes={"train": Size(units=3_162, rows=3_162), "test": Size(units=792, rows=792)},
        notes=(
            Statement(
                "The order of the classes is that of the files' numbers, from 1; FuxiVirtualHuman/ABAW6 numbers the "
                "folders by the alphabet instead, so classes are best compared by name.",
                assumed("the order; the other one is that of FuxiVirtualHuman/ABAW6"),
            ),
            Statement(
                "Published figures are of networks that were trained on the compound part; a zero-shot figure is told "
                "apart by its training data.",
                C_EXPR_TABLE,
            ),
        ),
        sources={
            "tasks": assumed("the order of the numbers; no list of the owners was seen"),
            "frame_base": assumed("one row is one picture, so no frame number occurs in a file"),
            "sizes": assumed("from memory of the literature; the list was not counted"),
        },
    ),
    record(
        LONDON,
        (_PROTOCOL,),
        track="london-identity",
        title="Identity and attributes, one picture of each person to learn from",
        formats=("labels", "labels", "labels"),
        dataset="Face Research Lab London Set",
        tasks=(IDENTITY_LONDON, ATTRIBUTES_LONDON),
        metric=IDENTITY_ATTRIBUTES,
        annotation_places={"train": ("training_set_annotations.txt",), "test": ("test_set_annotations.txt",)},
        sizes={"train": Size(units=102, rows=102), "test": Size(units=102, rows=102)},
        notes=(
            Statement(
                "Frame 1 of a person is the neutral picture, to learn from, and frame 2 the smiling one, to test on.",
                assumed("a choice of this project: every person must be known, and no picture seen"),
            ),
            Statement(
                "The identity names all attributes: whoever recognises the person can look them up. So attributes of "
                "known people say nothing about attributes of others.",
                assumed("a consequence of the protocol"),
            ),
            Statement(
                "Gender and ethnicity are those that people gave of themselves; one is both east Asian and white.",
                LONDON_SET,
            ),
        ),
        sources={
            "dataset": LONDON_SET,
            "tasks": LONDON_SET,
            "frame_base": assumed("a choice of this project"),
            "annotation_places": assumed("examples/london_identity.py writes them so"),
            "sizes": LONDON_SET,
        },
    ),
)
