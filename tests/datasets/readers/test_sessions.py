from __future__ import annotations

from pathlib import Path

import pytest

from abawbench.datasets.manifests import get_manifest
from abawbench.datasets.readers import read_with_problems
from abawbench.datasets.readers.mapping import to_abaw
from abawbench.datasets.readers.sessions import attribute_values
from abawbench.table import NO_FRAME

XML = '<?xml version="1.0" encoding="UTF-8"?>\n<session>{}</session>\n'
PAIR = '<Metatag Name="Emotion" Value="{}"/>'


def write(root: Path, number: int, name: str, text: str) -> Path:
    path = root / "Sessions" / str(number) / f"{name}.xml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def write_three(root: Path) -> None:
    write(root, 1, "S001-001", XML.format(PAIR.format(4)))
    write(root, 2, "S002-001", XML.format('<clip Emotion="1"/>'))
    write(root, 10, "S003-120", XML.format('<Metatag Name="View" Value="1"/>'))


def test_the_emotion_of_a_session_is_read_in_both_spellings_and_may_be_absent(tmp_path):
    write_three(tmp_path)
    labels, problems = read_with_problems(get_manifest("mmi"), tmp_path, "sessions")
    assert labels is not None
    assert not problems
    assert labels.table.videos == ("S001-001", "S003-120", "S002-001")
    assert labels.subjects == ("S001", "S003", "S002")
    assert labels.table.frame.tolist() == [NO_FRAME] * 3
    assert labels.table.classes("expression").tolist() == [3, -1, 0]
    table, _ = to_abaw(labels)
    # code k is expression k: 4 happiness, 1 anger
    assert table.classes("expression").tolist() == [4, -1, 1]


BOMB = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><session>&b;</session>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><session>&a;</session>'


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (BOMB, "D17"),
        (OUTSIDE, "D17"),
        ("<session>", "F03"),
        ("no xml", "F03"),
        ("", "F02"),
        (XML.format(PAIR.format(7)), "V06"),
        (XML.format(PAIR.format("happy")), "V06"),
        (XML.format(PAIR.format(4) + PAIR.format(5)), "T03"),
    ],
)
def test_a_session_at_fault_is_one_problem_and_the_others_are_read(tmp_path, text, rule):
    write_three(tmp_path)
    path = write(tmp_path, 3, "S001-002", text)
    labels, problems = read_with_problems(get_manifest("mmi"), tmp_path, "sessions")
    assert labels is not None
    assert [(problem.rule, problem.file) for problem in problems] == [(rule, str(path))]
    assert len(labels.table) == 3


def test_the_same_value_twice_is_one_value():
    assert attribute_values(XML.format(PAIR.format(4) * 2).encode(), "Emotion") == ("4",)
