from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abawbench.base.problems import Problem
from abawbench.datasets.manifests.parse import read_manifest
from abawbench.datasets.readers import read_with_problems
from abawbench.datasets.readers.labels import Labels

MANIFEST = Path(__file__).parents[3] / "data_manifests" / "affectnet_8-class.toml"


def read(root: Path) -> tuple[Labels, dict[str, Problem]]:
    labels, problems = read_with_problems(read_manifest(MANIFEST), root, None)
    assert labels is not None, problems
    return labels, {problem.rule: problem for problem in reversed(problems)}


def save(folder: Path, name: str, expression: object, valence: object, arousal: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for ending, value in (("exp", expression), ("val", valence), ("aro", arousal)):
        np.save(folder / f"{name}_{ending}.npy", np.array(value))
    np.save(folder / f"{name}_lnd.npy", np.zeros(136))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    save(tmp_path / "train_set/annotations", "0", "1", "0.25", "-0.5")
    save(tmp_path / "train_set/annotations", "10", 7, -2.0, -2.0)
    save(tmp_path / "train_set/annotations", "9", np.int64(0), np.float32(0.5), [0.125])
    save(tmp_path / "val_set/annotations", "0", "6", "-1", "1")
    return tmp_path


def test_numbers_and_texts_are_read_and_ids_of_two_sets_kept_apart(root):
    labels, problems = read(root)
    assert problems == {}
    assert labels.table.videos == ("train_set/0", "train_set/9", "train_set/10", "val_set/0")
    names = [labels.tasks[0].classes[number] for number in labels.table.classes("expression")]
    assert names == ["Happiness", "Neutral", "Contempt", "Anger"]
    expected = [[0.25, -0.5], [0.5, 0.125], [np.nan, np.nan], [-1, 1]]
    assert np.array_equal(labels.table.numbers("va"), expected, equal_nan=True)
    assert labels.splits == ("train", "train", "train", "validation")
    assert labels.images is not None
    assert labels.images[1] == "train_set/images/9.jpg"


def test_a_picture_that_is_missing_is_named(root):
    (root / "train_set/images").mkdir()
    for name in ("0", "10"):
        (root / f"train_set/images/{name}.jpg").write_bytes(b"x")
    labels, problems = read(root)
    # the copy has no validation pictures at all: these labels stay
    assert labels.table.videos == ("train_set/0", "train_set/10", "val_set/0")
    assert problems["D10"].found == "no picture train_set/images/9.jpg"


def test_a_label_without_its_file_is_named_and_left_out(root):
    (root / "train_set/annotations/9_aro.npy").unlink()
    labels, problems = read(root)
    assert "train_set/9" not in labels.table.videos
    assert problems["F01"].found == "no 9_aro.npy"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x93NUMPY",
        b"\x93NUMPY\x01\x00\xff\xff{",
        b"not an array at all",
        np.array([0.5, 0.25]),
        np.array([], float),
    ],
)
def test_a_file_that_is_no_single_value_is_named_and_left_out(root, content):
    path = root / "train_set/annotations/9_val.npy"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.save(path, content)
    labels, problems = read(root)
    assert "train_set/9" not in labels.table.videos
    assert problems["C03"].found.startswith("9_val.npy")


class Trap:
    sprung = False

    def __reduce__(self) -> tuple[object, tuple[()]]:
        return (spring, ())


def spring() -> None:
    Trap.sprung = True


def test_a_pickled_object_is_refused_and_never_unpacked(root):
    np.save(root / "train_set/annotations/9_val.npy", np.array([Trap()], dtype=object), allow_pickle=True)
    labels, problems = read(root)
    assert "train_set/9" not in labels.table.videos
    assert problems["C03"].found.startswith("9_val.npy")
    assert not Trap.sprung


def test_a_cut_file_is_named(root):
    path = root / "train_set/annotations/9_exp.npy"
    path.write_bytes(path.read_bytes()[:-3])
    assert read(root)[1]["C03"].found.startswith("9_exp.npy")


def test_values_outside_their_range_are_named(root):
    save(root / "train_set/annotations", "11", 8, 0.0, 0.0)
    save(root / "train_set/annotations", "12", "joy", 0.0, 0.0)
    save(root / "train_set/annotations", "13", 0, -1.5, 0.0)
    labels, problems = read(root)
    assert len(labels.table) == 4
    assert {rule: problem.found for rule, problem in problems.items()} == {
        "V06": "expression = '8'",
        "V01": "expression = 'joy'",
        "V09": "valence = '-1.5'",
    }


@given(
    st.lists(
        st.tuples(st.integers(0, 7), st.floats(-1, 1, width=32), st.sampled_from(["f4", "f8", "text"])),
        min_size=1,
        max_size=8,
    )
)
def test_what_numpy_saves_is_read_back(tmp_path_factory, entries):
    folder = tmp_path_factory.mktemp("set")
    for name, (expression, valence, kind) in enumerate(entries):
        value = str(valence) if kind == "text" else np.dtype(kind).type(valence)
        save(folder / "train_set/annotations", str(name), np.int16(expression), value, 0.0)
    labels, _ = read(folder)
    assert labels.table.classes("expression").tolist() == [expression for expression, _, _ in entries]
    assert labels.table.numbers("va")[:, 0].tolist() == pytest.approx([entry[1] for entry in entries], abs=1e-7)
