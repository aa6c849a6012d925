"""Laws that hold for every format: a damaged line costs its row, whatever the damage, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abawbench.datasets.manifests.parse import read_manifest
from abawbench.datasets.readers import read_with_problems
from abawbench.datasets.readers.labels import Labels
from abawbench.labels import ACTION_UNITS_12, EXPRESSIONS_8, MIMICRY_6, REACTION_7

MANIFESTS = Path(__file__).parents[3] / "data_manifests"
VIDEO = "Videos/99001/Visite_1/99001_Question_1_2024-01-01 10-00-0{}_Video.mp4"
FACES = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal"
VOTES = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
UNITS = (1, 2, 4, 5, 6, 7, 9, 10, 12, 15, 17, 20, 23, 24, 25, 26)


@dataclass(frozen=True)
class Format:
    """A label file: header (None where there is none) and rows."""

    manifest: str
    labels: str
    place: str
    header: str | None
    rows: tuple[str, ...]

    def text(self, rows: tuple[str, ...] | None = None) -> str:
        lines = [*([] if self.header is None else [self.header]), *(self.rows if rows is None else rows)]
        return "".join(f"{line}\n" for line in lines)


def columns(names: tuple[str, ...]) -> str:
    return ",".join(names)


FORMATS = [
    Format("aff-wild2_1", "va", "VA_Set/Training_Set/a.txt", "valence,arousal", ("0.1,0.2", "-5,-5", "0.3,-1")),
    Format(
        "aff-wild2_6", "expression", "EXPR_Recognition_Challenge/Train_Set/a.txt", columns(EXPRESSIONS_8), tuple("047")
    ),
    Format(
        "aff-wild2_10",
        "action_units",
        "AU_Detection_Challenge/Train_Set/a.txt",
        columns(ACTION_UNITS_12),
        ("0,1,0,0,0,0,0,0,0,0,0,1", "1,1,1,1,0,0,0,0,0,0,0,1", "0,1,0,0,0,0,0,0,0,0,0,0"),
    ),
    Format(
        "s-aff-wild2_4",
        "multi_task",
        "training_set_annotations.txt",
        "image,valence,arousal,expression,aus",
        (
            "x/00001.jpg,0.05,0.12,0,0,0,0,0,0,1,0,0,0,0,1,0",
            "x/00002.jpg,-5,-5,4,0,0,0,0,0,1,0,0,0,0,1,0",
            "y/00001.jpg,0.5,-0.5,-1,0,0,0,0,0,1,0,0,0,0,1,0",
        ),
    ),
    Format(
        "hume-reaction_5",
        "reaction",
        "data_info.csv",
        f"File_ID,Split,{columns(REACTION_7)}",
        ("1,Train,0,0,0,0,0,0,1", "2,Val,0,0.5,0,0,0,0,1", "3,Test,,,,,,,"),
    ),
    Format(
        "hume-vidmimic2_8",
        "mimicry",
        "train_split.csv",
        f"Filename,{columns(MIMICRY_6)}",
        ("00001,0,0,0,0,0,1", "00002,0.5,0,0,0,0,1", "00013,1,0,0,0,0,1"),
    ),
    Format(
        "bah_11",
        "videos",
        "split/train.txt",
        None,
        (f"{VIDEO.format(1)},0,Well, no.", f"{VIDEO.format(2)},1,", f"{VIDEO.format(3)},1,Yes"),
    ),
    Format(
        "bah_11",
        "frames",
        "split-frames/train.txt",
        None,
        tuple(f"{VIDEO.format(1)}/frame-{frame}.jpg,{frame % 2}" for frame in range(3)),
    ),
    Format("dvd_10", "violence", "Training/annotations/0001.csv", "Frame_Number,Label", ("1,0", "2,1", "3,1")),
    Format(
        "affectnet_full",
        "manual",
        "training.csv",
        FACES,
        ("1/a.jpg,1,2,3,4,1;2,3,0.5,-0.5", "1/b.jpg,1,2,3,4,1;2,9,-2,-2", "2/c.jpg,1,2,3,4,1;2,7,0,0.25"),
    ),
    Format(
        "raf-db_1",
        "basic",
        "basic/EmoLabel/list_patition_label.txt",
        None,
        ("train_00001.jpg 1", "train_00002.jpg 5", "test_0001.jpg 7"),
    ),
    Format("raf-au_1", "action_units", "RAFAU_label.txt", None, ("1.jpg 1+L2+25", "2.jpg null", "3.jpg 27")),
    Format(
        "fer2013_1",
        "expression",
        "fer2013.csv",
        "emotion,pixels,Usage",
        ("0,1 2,Training", "6,3,PublicTest", "3,4,PrivateTest"),
    ),
    Format(
        "ferplus_1",
        "majority",
        "fer2013new.csv",
        VOTES,
        (
            "Training,a.png,9,0,0,1,0,0,0,0,0,0",
            "PublicTest,b.png,0,8,0,2,0,0,0,0,0,0",
            "Training,c.png,0,0,0,0,0,0,0,0,0,10",
        ),
    ),
    Format(
        "emotionet_2020",
        "action_units",
        "EmotioNet_FACS_aws_2020_24600.csv",
        ",".join(["'URL'", *(f"'AU {unit}'" for unit in UNITS)]),
        tuple(",".join([f"'http://x.org/N_1_{row}.jpg'", *["1", "999", *["0"] * 14]]) for row in range(3)),
    ),
]
NAMES = [f"{form.manifest}-{form.labels}" for form in FORMATS]


def read(form: Format, root: Path, data: bytes) -> tuple[Labels | None, list[tuple[str | None, int | None]]]:
    path = root / form.place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    labels, problems = read_with_problems(read_manifest(MANIFESTS / f"{form.manifest}.toml"), root, form.labels)
    # splits without any file are told beside the rest
    return labels, [(p.file, p.line) for p in problems if not p.is_note and p.file != str(root)]


def described(labels: Labels) -> list[tuple[object, ...]]:
    """Each row with everything that is known of it."""
    table = labels.table
    return [
        (
            table.name(row),
            labels.subjects[table.video[row]],
            labels.splits[table.video[row]],
            *(np.nan_to_num(np.atleast_1d(values[row]), nan=-9).tolist() for values in table.values.values()),
        )
        for row in range(len(table))
    ]


@pytest.mark.parametrize("form", FORMATS, ids=NAMES)
@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("junk", ["junk", "a,b,c,d", "\ufffd"])
def test_a_line_of_junk_costs_its_row_alone_and_is_named(tmp_path, form, place, junk):
    whole, none = read(form, tmp_path, form.text().encode())
    assert whole is not None
    assert none == []
    damaged = (*form.rows[:place], junk, *form.rows[place + 1 :])
    labels, problems = read(form, tmp_path, form.text(damaged).encode())
    assert labels is not None
    rows = described(whole)
    assert described(labels) == rows[:place] + rows[place + 1 :]
    line = place + (1 if form.header is None else 2)
    assert problems == [(str(tmp_path / form.place), line)]


@pytest.mark.parametrize("form", FORMATS, ids=NAMES)
def test_windows_line_ends_and_a_byte_order_mark_change_nothing(tmp_path, form):
    plain, _ = read(form, tmp_path, form.text().encode())
    other, problems = read(form, tmp_path, b"\xef\xbb\xbf" + form.text().replace("\n", "\r\n").encode())
    assert plain is not None
    assert other is not None
    assert problems == []
    assert described(other) == described(plain)


PIECES = [
    b"",
    b",",
    b"\n",
    b"\r\n",
    b'"',
    b"'",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b" ",
    b"nan",
    b"-",
    b"1e400",
    b"/",
    b"\r",
]


@pytest.mark.parametrize("form", FORMATS, ids=NAMES)
@settings(max_examples=25)
@given(edits=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 12), st.sampled_from(PIECES)), min_size=1, max_size=4))
def test_damage_anywhere_gives_sound_labels_or_problems_and_never_a_traceback(tmp_path_factory, form, edits):
    data = form.text().encode()
    for begin, length, piece in edits:
        place = int(begin * len(data))
        data = data[:place] + piece + data[place + length :]
    labels, problems = read(form, tmp_path_factory.mktemp("damage"), data)
    if labels is None:
        assert problems
        return
    table = labels.table
    assert len(labels.subjects) == len(labels.splits) == len(table.videos)
    assert set(table.video.tolist()) == set(range(len(table.videos)))
    assert all(len(values) == len(table) for values in table.values.values())
    assert not any(np.isinf(values).any() for values in table.values.values())
