from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from abawbench.base.problems import ProblemError
from abawbench.datasets.manifests import get_manifest
from abawbench.datasets.readers import read_with_problems
from abawbench.datasets.readers.mapping import to_abaw
from abawbench.table import NO_FRAME
from examples.real_data import real_data
from tests.datasets.readers.conftest import read_labels

HEADER = '"","FileName","VoiceVote","VoiceLevel","FaceVote","FaceLevel","MultiModalVote","MultiModalLevel"'
ROWS = (
    '"1","1001_IEO_NEU_XX","N","69.1","N","92.22","N","64.78"',
    '"7","1001_IEO_SAD_HI","N","60.14","A:F","30.67:51.00","N","63.5"',
    '"9","1002_DFA_ANG_XX","A:D:N","37.2:58.6:40","S","45.5","F:A","44.2:0"',
)
COLUMNS = "anger", "disgust", "fear", "happy", "neutral", "sad"


def write(root: Path, *rows: str, end: str = "\n") -> Path:
    path = root / "summaryTable.csv"
    path.write_bytes("".join(line + end for line in (HEADER, *rows)).encode())
    return path


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_tie_is_masked_as_a_class_and_kept_as_equal_shares(tmp_path, end):
    write(tmp_path, *ROWS, end=end)
    labels = read_labels(get_manifest("crema-d"), tmp_path, "face")
    assert labels.table.videos == ("1001_IEO_NEU_XX", "1001_IEO_SAD_HI", "1002_DFA_ANG_XX")
    assert labels.subjects == ("1001", "1001", "1002")
    assert labels.table.frame.tolist() == [NO_FRAME] * 3
    assert labels.table.classes("expression").tolist() == [4, -1, 5]
    assert labels.table.numbers("share").tolist() == [[0, 0, 0, 0, 1, 0], [0.5, 0, 0.5, 0, 0, 0], [0, 0, 0, 0, 0, 1]]
    nan = np.nan
    levels = [[nan, nan, nan, nan, 92.22, nan], [30.67, nan, 51, nan, nan, nan], [nan, nan, nan, nan, nan, 45.5]]
    assert np.array_equal(labels.table.numbers("level"), levels, equal_nan=True)
    table, loss = to_abaw(labels)
    assert table.classes("expression").tolist() == [0, -1, 5]
    assert loss.unlabelled == 1
    assert loss.left == ("share", "level")


def test_voice_and_both_have_votes_of_their_own_and_levels_follow_the_order_of_the_vote(tmp_path):
    write(tmp_path, *ROWS)
    voice = read_labels(get_manifest("crema-d"), tmp_path, "voice").table
    assert voice.classes("expression").tolist() == [4, 4, -1]
    assert voice.numbers("share")[2] == pytest.approx([1 / 3, 1 / 3, 0, 0, 1 / 3, 0], abs=1e-15)
    both = read_labels(get_manifest("crema-d"), tmp_path, "both").table
    assert both.classes("expression").tolist() == [4, 4, -1]
    assert both.numbers("level")[2, [0, 2]].tolist() == [0, 44.2]


def test_what_the_actor_intended_is_in_the_name(tmp_path):
    write(tmp_path, *ROWS)
    labels = read_labels(get_manifest("crema-d"), tmp_path, "intended")
    assert labels.table.classes("expression").tolist() == [4, 5, 0]


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ('"2","1001_IEO_HAP_LO","N","1","X","57","N","1"', "V06"),
        ('"2","1001_IEO_HAP_LO","N","1","A:A","57:57","N","1"', "V06"),
        ('"2","1001_IEO_HAP_LO","N","1","","57","N","1"', "V06"),
        ('"2","1001_IEO_HAP_LO","N","1","A:F","57","N","1"', "F06"),
        ('"2","1001_IEO_HAP_LO","N","1","A","57:1","N","1"', "F06"),
        ('"2","1001_IEO_HAP_LO","N","1","A","57:","N","1"', "V01"),
        ('"2","1001_IEO_HAP_LO","N","1","A","100.5","N","1"', "V09"),
        ('"2","1001_IEO_HAP_LO","N","1","A","57","N"', "F06"),
        ('"2","1001-IEO","N","1","A","57","N","1"', "T06"),
        ('"2","1001_IEO_NEU_XX","N","1","A","57","N","1"', "T03"),
    ],
)
def test_a_row_at_fault_is_left_out_by_line(tmp_path, row, rule):
    path = write(tmp_path, ROWS[0], row, *ROWS[1:])
    labels, problems = read_with_problems(get_manifest("crema-d"), tmp_path, "face")
    assert labels is not None
    assert [(problem.rule, problem.file, problem.line) for problem in problems] == [(rule, str(path), 3)]
    assert labels.table.classes("expression").tolist() == [4, -1, 5]
    assert labels.table.numbers("level")[2, 5] == 45.5


def test_a_table_of_rows_at_fault_gives_problems_and_no_labels(tmp_path):
    write(tmp_path, '"2","1001_IEO_HAP_LO","N"', '"3","1001_IEO_HAP_LO","N","1","X","5","N","1"')
    labels, problems = read_with_problems(get_manifest("crema-d"), tmp_path, "face")
    assert labels is None
    assert [(problem.rule, problem.line) for problem in problems] == [("F06", 2), ("V06", 3)]
    write(tmp_path, '"2","1001_IEO_HAP_LO","N"')
    labels, problems = read_with_problems(get_manifest("crema-d"), tmp_path, "face")
    assert labels is None
    assert [problem.rule for problem in problems] == ["F06"]


def test_a_table_without_the_vote_is_named(tmp_path):
    (tmp_path / "summaryTable.csv").write_text('"","FileName"\n"1","1001_IEO_NEU_XX"\n')
    with pytest.raises(ProblemError, match="F04"):
        read_labels(get_manifest("crema-d"), tmp_path, "face")


def real_table() -> Path:
    try:
        return real_data() / "labels" / "cremad_summaryTable.csv"
    except ProblemError:
        pytest.skip("no real labels here: set ABAWBENCH_REAL_DATA to the folder that holds labels/")


@pytest.mark.parametrize(
    ("which", "column", "ties"), [("voice", "Voice", 644), ("face", "Face", 470), ("both", "MultiModal", 420)]
)
def test_the_real_table_has_its_published_ties_and_agrees_with_a_plain_reading(which, column, ties):
    path = real_table()
    labels, problems = read_with_problems(get_manifest("crema-d"), path.parent, which)
    assert labels is not None
    assert not problems
    assert len(labels.table) == 7442
    assert len(set(labels.subjects)) == 91
    classes = labels.table.classes("expression")
    assert int((classes < 0).sum()) == ties
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    votes = Counter(row[f"{column}Vote"] for row in rows)
    assert np.bincount(classes[classes >= 0]).tolist() == [votes[letter] for letter in "ADFHNS"]
    shares = [
        [(letter in row[f"{column}Vote"]) / len(row[f"{column}Vote"].split(":")) for letter in "ADFHNS"] for row in rows
    ]
    assert np.array_equal(labels.table.numbers("share"), shares)
    levels = np.array(
        [
            [
                dict(zip(row[f"{column}Vote"].split(":"), row[f"{column}Level"].split(":"), strict=True)).get(
                    letter, "nan"
                )
                for letter in "ADFHNS"
            ]
            for row in rows
        ],
        float,
    )
    assert np.array_equal(labels.table.numbers("level"), levels, equal_nan=True)


def test_1400_real_clips_have_a_tie_somewhere():
    folder = real_table().parent
    ties = [
        read_labels(get_manifest("crema-d"), folder, which).table.classes("expression") < 0
        for which in ("voice", "face", "both")
    ]
    assert int(np.any(ties, axis=0).sum()) == 1400
