"""abawbench data leaks at the terminal: findings by rule, exit codes, JSON, forbidden training data."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from abawbench.cli import main


def scene(seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    return cv2.resize(random.integers(0, 256, (9, 9, 3)).astype(np.uint8), (112, 112), interpolation=cv2.INTER_CUBIC)


@pytest.fixture
def crops(tmp_path):
    """Two folders of crops: one picture of the second is a darker copy of one of the first."""
    for part, unit, seeds in (("a", "v1", (1, 2, 3)), ("b", "v2", (4, 5, 6))):
        folder = tmp_path / part / unit
        folder.mkdir(parents=True)
        for frame, seed in enumerate(seeds, start=1):
            cv2.imwrite(str(folder / f"{frame:05d}.jpg"), scene(seed))
    cv2.imwrite(str(tmp_path / "b" / "v2" / "00004.jpg"), (scene(2) * 0.7).astype(np.uint8))
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(main, ["data", "leaks", *map(str, arguments)])


def test_a_leak_is_named_with_its_rule_and_exits_1(crops):
    result = run(crops / "a", crops / "b")
    assert result.exit_code == 1
    assert "D27 near-duplicate pictures: 1" in result.stdout
    assert "00002.jpg" in result.stdout
    assert "LEAKS" in result.stdout
    answer = json.loads(run(crops / "a", crops / "b", "--json").stdout)
    assert answer["found"]
    assert answer["stretches"][0]["frames"] == 1
    assert answer["compared"] == [3, 4]


def test_no_leak_exits_0(crops):
    (crops / "b" / "v2" / "00004.jpg").unlink()
    result = run(crops / "a", crops / "b")
    assert result.exit_code == 0
    assert result.stdout.startswith("no leak found")


def test_a_bad_picture_is_said_to_be_left_out(crops):
    (crops / "b" / "v2" / "00004.jpg").write_bytes(b"")
    result = run(crops / "a", crops / "b")
    assert result.exit_code == 1
    assert "F01" in result.stderr
    assert "1 not read" in result.stderr
    assert "no leak found" in result.stdout


def test_training_data_that_the_challenge_forbids():
    result = run("-c", "abaw11-mtl", "--trained-on", "Aff-Wild2")
    assert result.exit_code == 1
    assert "D29" in result.stdout
    earlier = run("-c", "abaw4-mtl", "--trained-on", "Aff-Wild2")
    assert earlier.exit_code == 0
    assert "N05" in earlier.stdout
    assert run("-c", "abaw11-mtl", "--trained-on", "AffectNet").exit_code == 0
    assert (
        json.loads(run("-c", "abaw11-mtl", "--trained-on", "affwild", "--json").stdout)["forbidden"][0]["rule"] == "D29"
    )


def test_the_data_of_an_entry_count(tmp_path):
    folder = tmp_path / "2026_team_method"
    folder.mkdir()
    (folder / "entry.toml").write_text(
        'name = "2026_team_method"\ntitle = "x"\nkind = "mean"\nvocabulary = "abaw4-mtl"\n'
        'trained_on = ["Aff-Wild2"]\nsees_truth = false\nlicence = "MIT"\n'
    )
    assert run("-c", "abaw11-mtl", "--entry", folder).exit_code == 1
    assert run("-c", "abaw11-mtl", "--entry", tmp_path / "absent").exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [([], 2), (["disfa"], 2), (["--trained-on", "x"], 2), (["a", "b", "c"], 2), (["no/such", "disfa"], 1)],
)
def test_wrong_use_and_bad_input(arguments, code):
    result = run(*arguments)
    assert result.exit_code == code
    assert "Traceback" not in result.output
