"""A small version of the example: a few people, one epoch, commands in this process."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner

from abawbench.cli import main
from abawbench.clips.images import read_image
from examples import synthesise_london
from examples.london import crop_faces, people_of
from examples.real_data import real_data
from examples.synthesise_london import Generator, compare, is_nearest, study


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def abawbench(*words: object) -> str:
        done = CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout

    monkeypatch.setattr(synthesise_london, "abawbench", abawbench)
    monkeypatch.setattr(synthesise_london, "VALIDATED", 1)


@pytest.mark.real_data
@pytest.mark.usefixtures("in_this_process")
def test_every_face_is_made_by_a_network_that_has_not_met_the_person(tmp_path):
    people = people_of(real_data())[:5]
    crop_faces(real_data(), people, tmp_path / "crops")
    found = study(Generator(epochs=1, size=32), tmp_path / "crops", people, tmp_path / "out")
    assert json.loads((tmp_path / "out" / "results.json").read_text())["people"] == 5
    # one epoch teaches nothing: the real faces alone show what the judge can do
    assert found["Happiness, real and as coarse"]["nearest is the person"].startswith("1.000")
    assert read_image(tmp_path / "out" / "sheet.jpg").shape[1] == 4 * 114
    for fold in range(1, 6):
        folder = tmp_path / "out" / f"fold{fold}"
        made = {path.name for path in (folder / "faces" / "Happiness").iterdir() if path.is_dir()}
        card = json.loads((folder / "run" / "run.json").read_text())
        learned = (folder / "train.txt").read_text()
        assert len(made) == 1
        assert not any(person in learned for person in made)
        assert card["data"]["units"] == {"train": 3, "validation": 1}


def faces_of(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (4, 32, 32, 3), np.uint8)


def test_the_nearest_face_is_the_same_one_brighter_and_not_another():
    faces = faces_of(0)
    assert is_nearest(faces // 2 + 60, faces).tolist() == [1, 1, 1, 1]
    assert is_nearest(faces[[1, 0, 2, 3]], faces).tolist() == [0, 0, 1, 1]


def test_a_smile_counts_where_it_is_happier_than_the_source_and_than_the_face_left_as_it_is():
    faces = {name: np.stack([faces_of(0), faces_of(1)], axis=1) for name in ("real", "coarse", "Neutral", "Happiness")}
    happy = {
        "real": np.zeros((4, 2)),
        "coarse": np.array([[0.1, 0.9], [0.1, 0.9], [0.1, 0.9], [0.5, 0.4]]),
        "Happiness": np.array([[0.8, 0.7], [0.3, 0.7], [0.05, 0.7], [0.6, 0.7]]),
        "Neutral": np.array([[0.2, 0.3], [0.4, 0.3], [0.2, 0.3], [0.2, 0.3]]),
    }
    smiles = compare(happy, faces)["Neutral made Happiness"]
    # three of four are happier than the source, two of four than the face left neutral
    assert smiles["P moved from the source's"].startswith("0.750")
    assert smiles["P moved from that left as it is"].startswith("0.500")
    assert smiles["mean P(happy)"] == "0.44"
    calm = compare(happy, faces)["Happiness made Neutral"]
    assert calm["P moved from the source's"].startswith("1.000")
    assert compare(happy, faces)["Neutral left Neutral"]["P moved from that left as it is"] == ""


def test_the_settings_are_words_of_the_command_line():
    words = Generator(epochs=3, size=32).settings()
    assert words[words.index("settings.size=32") - 1] == "--set"
    assert 'settings.expressions=["Neutral", "Happiness"]' in words
