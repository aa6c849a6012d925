"""Small files of every kind with other bytes and other fields: read, or a problem, never another error."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tomli_w

from abawbench.base.problems import ProblemError
from abawbench.challenges import get
from abawbench.datasets.folds import make_folds, read_folds, write_folds
from abawbench.entries.baselines import classical
from abawbench.entries.entry_file import read_entry_file
from abawbench.entries.foreign.tool_tables import header_of
from abawbench.faces.overrides import read_overrides
from abawbench.leaderboard.published import read_published
from abawbench.table import Table
from tests.damage import changed_bytes, changed_fields, outcome

ENTRY = {
    "name": "2026_me_mine",
    "title": "t",
    "kind": "hog",
    "vocabulary": "abaw4-mtl",
    "trained_on": ["x"],
    "sees_truth": False,
    "licence": "MIT",
    "picture": {"size": 112, "colour": "RGB", "crop": "arcface-112"},
    "settings": {"cell": 8},
}


def folds(path: Path) -> None:
    table = Table(("a", "b", "c"), np.arange(3, dtype=np.int32), np.ones(3, np.int32), {})
    write_folds(make_folds(table, folds=2), path)


def hog(path: Path) -> None:
    tasks = get("abaw4-mtl").tasks[:1]
    card = classical.Card("2026_me_mine", "t", tasks, None)
    head = classical.Head(tasks[0], np.zeros((4, 2)), np.zeros(2))
    classical.save(classical.Classical(card, classical.HogSettings(), (head,)), path)


READERS = {
    "folds.json": (folds, read_folds),
    "hog.npz": (hog, classical.load),
    "entry.toml": (lambda path: path.write_text(tomli_w.dumps(ENTRY)), read_entry_file),
    "overrides.csv": (lambda path: path.write_text("video,from,to,track\na,1,5,left\n"), read_overrides),
    "table.csv": (lambda path: path.write_text("frame, AU01_r,AU02_r\n1,0.5,0.5\n"), header_of),
    "other.csv": (
        lambda path: path.write_text("challenge,rank\nabaw3-va,1\n"),
        lambda path: read_published(path.parent),
    ),
}


@pytest.mark.parametrize("name", READERS)
def test_files_with_other_bytes_are_read_or_a_problem(tmp_path, name):
    write, read = READERS[name]
    path = tmp_path / name
    write(path)
    for data in changed_bytes(path.read_bytes(), number=150):
        path.write_bytes(data)
        outcome(lambda: read(path))


@pytest.mark.parametrize("name", READERS)
def test_devices_are_refused(tmp_path, name):
    (tmp_path / name).symlink_to("/dev/zero")
    assert isinstance(outcome(lambda: READERS[name][1](tmp_path / name)), ProblemError)


def test_any_other_field_of_folds_is_a_problem(tmp_path):
    path = tmp_path / "folds.json"
    folds(path)
    for record in changed_fields(json.loads(path.read_text())):
        path.write_text(json.dumps(record))
        outcome(lambda: read_folds(path))


def test_any_other_field_of_an_entry_is_a_problem_or_an_entry(tmp_path):
    folder = tmp_path / "2026_me_mine"
    folder.mkdir()
    for record in changed_fields(ENTRY):
        try:
            text = tomli_w.dumps(record)
        except (TypeError, AttributeError, UnicodeEncodeError):
            continue
        (folder / "entry.toml").write_text(text, errors="replace")
        found = outcome(lambda: read_entry_file(folder / "entry.toml"))
        if not isinstance(found, ProblemError):
            found.card()
