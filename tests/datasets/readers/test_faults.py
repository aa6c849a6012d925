from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abawbench.base.rules import RULES
from abawbench.datasets.manifests import get_manifest
from abawbench.datasets.readers import read_with_problems
from abawbench.datasets.readers.mapping import abaw_tasks, to_abaw
from abawbench.datasets.readers.summary import counts_by_split

NAMES = get_manifest("celeba").labels[0].tasks[0].columns
CREMA = '"","FileName","VoiceVote","VoiceLevel","FaceVote","FaceLevel","MultiModalVote","MultiModalLevel"\n'
GFT = "name,AU1,AU2,AU4,AU5,AU6,AU7,AU9,AU10,AU11,AU12,AU15,AU17,AU23,AU24,age,gender,race\n"

# of each reader a copy as small as it can be: data set, label set, files; the first one is damaged
COPIES: Mapping[str, tuple[str, str, dict[str, str]]] = {
    "disfa": (
        "disfa",
        "action_units",
        {
            f"ActionUnit_Labels/SN001/SN001_au{unit}.txt": "1,0\n2,3\n3,5\n"
            for unit in (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26)
        },
    ),
    "disfa-plus": (
        "disfa-plus",
        "action_units",
        {f"Labels/SN001/A/AU{unit}.txt": "# x\n000.jpg   3\n001.jpg 0\n" for unit in (1, 2)},
    ),
    "bp4d": (
        "bp4d",
        "occurrence",
        {
            f"AUCoding/AU_OCC/{name}_T1.csv": "frame,AU1,AU2,AU4,AU6,AU7,AU10,AU12,AU14,AU15,AU17,AU23,AU24\n"
            "2440,0,1,9,0,1,0,1,0,1,0,1,0\n2441,0,1,9,0,1,0,1,0,1,0,1,0\n"
            for name in ("F001", "M009")
        },
    ),
    "gft": (
        "gft",
        "action_units",
        {f"annotations/{part}.csv": f"{GFT}001A/1.jpg{',1,0' * 7},21,f,asian\n" for part in ("train", "valid", "test")},
    ),
    "ck-plus": (
        "ck-plus",
        "expression_8",
        {f"Emotion/S005/00{n}/S005_00{n}_00000011_emotion.txt": "   3.0000000e+00\n" for n in (1, 2)},
    ),
    "ck-plus-facs": (
        "ck-plus",
        "action_units",
        {f"FACS/S005/00{n}/S005_00{n}_00000011_facs.txt": "  9.0e+00  4.0e+00\n 17 0\n" for n in (1, 2)},
    ),
    "mmi": (
        "mmi",
        "sessions",
        {f"Sessions/{n}/S001-00{n}.xml": '<a><Metatag Name="Emotion" Value="4"/></a>\n' for n in (1, 2)},
    ),
    "crema-d": (
        "crema-d",
        "face",
        {"summaryTable.csv": CREMA + '"1","1001_IEO_NEU_XX","N","69.1","A:F","30.67:51.00","N","64.78"\n'},
    ),
    "celeba": (
        "celeba",
        "attributes",
        {
            "list_attr_celeba.txt": f"1\n{' '.join(NAMES)}\n000001.jpg{' -1  1' * 20}\n",
            "list_eval_partition.txt": "000001.jpg 0\n",
            "identity_CelebA.txt": "000001.jpg 2880\n",
        },
    ),
}


@pytest.mark.parametrize("name", COPIES)
def test_the_sound_copy_has_no_problem_but_files_it_need_not_have(name, tmp_path):
    dataset, which, files = COPIES[name]
    write(tmp_path, files)
    labels, problems = read_with_problems(get_manifest(dataset), tmp_path, which)
    assert labels is not None
    assert {problem.rule for problem in problems} <= {"T08", "D11"}


PIECES = st.sampled_from(
    [b"", b",", b":", b" ", b"\n", b"\r\n", b'"', b"'", b"\0", b"\xff", b"\xc3\xa9", b"-", b"9", b"nan", b"inf",
     b"1e400", b"99999999999", b"<", b"&x;", b"#", b"AU", b"\xef\xbb\xbf"]
)  # fmt: skip


@pytest.mark.parametrize("name", COPIES)
@settings(max_examples=40, deadline=None)
@given(edits=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 12), PIECES), min_size=1, max_size=4))
def test_a_damaged_file_gives_problems_and_sound_rows_never_a_traceback(name, edits, tmp_path_factory):
    root = tmp_path_factory.mktemp("copy")
    dataset, which, files = COPIES[name]
    write(root, files)
    damaged = root / next(iter(files))
    data = damaged.read_bytes()
    for place, length, piece in edits:
        begin = int(place * len(data))
        data = data[:begin] + piece + data[begin + length :]
    damaged.write_bytes(data)
    labels, problems = read_with_problems(get_manifest(dataset), root, which)
    assert {problem.rule for problem in problems} <= RULES.keys()
    if labels is None:
        assert problems
        return
    for task in labels.tasks:
        values = labels.table.values[task.name]
        assert len(values) == len(labels.table)
        if values.dtype == np.int8:
            highest = len(getattr(task, "classes", (0, 1))) - 1
            assert -1 <= values.min() <= values.max() <= highest
        else:
            assert not np.isinf(values).any()
    table, _ = to_abaw(labels)
    counts = counts_by_split(labels, table, abaw_tasks(table))
    assert sum(part.rows for part in counts.values()) == len(labels.table)


def write(root: Path, files: Mapping[str, str]) -> None:
    for place, text in files.items():
        path = root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
