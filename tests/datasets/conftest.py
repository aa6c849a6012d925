from __future__ import annotations

from pathlib import Path

import pytest

BASE = """\
name = "mine"
version = "1"
title = "Mine"
summary = "A set of one's own."
status = "documented"
group = "subject"
metric = "accuracy"

[licence]
terms = "MIT"
access = "ask me"

[[layout]]
path = "labels.csv"
holds = "annotations"

[[layout]]
path = "pictures/*.jpg"
holds = "images"

[[layout]]
path = "extra"
holds = "other"
required = false

[[labels]]
id = "faces"
reader = "table"
files = ["labels.csv"]
image = "pictures/{image}"

[labels.options]
path = "path"
subject = "person"
split = "split"

[[labels.tasks]]
kind = "classes"
name = "expression"
classes = ["calm", "glad", "smug"]
abaw = ["Neutral", "Happiness", "contempt"]
missing = [-1]

[[labels.tasks]]
kind = "marks"
name = "action_units"
columns = ["AU1", "AU12", "AU17"]
missing = [9]

[[splits]]
name = "train"
count = 4
unit = "images"
counts = { subjects = 2, glad = 2, valid_rows_expression = 3, labelled_rows = 4 }

[[splits]]
name = "test"
count = 2
unit = "images"

[origin]
creators = ["I"]
year = 2020
citation = "I (2020). Mine."
source = "me"

[sources]
"*" = "me"
"splits.test" = "assumed: counted by hand"
"""

ROWS = """\
path,person,split,expression,AU1,AU12,AU17
a.jpg,p1,train,0,1,0,0
b.jpg,p1,train,1,0,1,9
c.jpg,p2,train,1,0,1,0
d.jpg,p2,train,-1,1,1,0
e.jpg,p3,test,2,0,0,1
f.jpg,p3,test,0,0,0,0
"""


def write_manifest(folder: Path, text: str = BASE) -> Path:
    path = folder / "mine_1.toml"
    path.write_text(text)
    return path


def write_copy(root: Path, rows: str = ROWS) -> Path:
    (root / "pictures").mkdir(parents=True)
    (root / "labels.csv").write_text(rows)
    for name in "abcdef":
        (root / "pictures" / f"{name}.jpg").write_bytes(b"a picture")
    return root


@pytest.fixture
def manifest_file(tmp_path: Path) -> Path:
    return write_manifest(tmp_path)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return write_copy(tmp_path / "copy")
