"""abawbench fairness at the terminal: tables, JSON, notes on standard error, wrong files."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from abawbench.challenges import get
from abawbench.cli import main
from abawbench.formats.write import write_annotations
from abawbench.synthetic import simulate_predictions, simulate_split

MTL = get("abaw4-mtl")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fairness")
    corpus = simulate_split(12, 30, seed=1)
    write_annotations(MTL, corpus.truth, folder / "truth.txt")
    write_annotations(MTL, simulate_predictions(corpus.known, 0.7, 1), folder / "predictions.txt")
    lines = [
        f"{unit}.mp4,{'female' if place % 2 else 'male'},{20 + 3 * place}"
        for place, unit in enumerate(corpus.truth.videos)
    ]
    (folder / "people.csv").write_text("\n".join(["video,gender,age", *lines]) + "\n")
    return folder


def run(folder, *options, groups="people.csv"):
    files = [str(folder / name) for name in ("truth.txt", "predictions.txt")]
    few = ("--groups", str(folder / groups), "--resamples", "200")
    return CliRunner().invoke(main, ["fairness", "abaw4-mtl", *files, *few, *options])


def test_tables_show_groups_gaps_and_parity_and_small_groups_are_hidden(folder):
    done = run(folder, "--least", "3")
    assert done.exit_code == 0, done.stderr
    for title in ("By gender", "Gaps by gender", "Parity by gender", "By age"):
        assert title in done.stdout
    assert "action_units  demographic" in done.stdout
    assert "age: hidden, with fewer than 3 videos: 50-59 (2)" in done.stderr
    assert "read as those of the truth (leave out the file ending)" in done.stderr


def test_json_has_every_figure_of_every_group(folder):
    done = run(folder, "--json", "--intersect", "gender", "age", "--least", "2")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["verb"], found["unit"], found["least"]) == ("fairness", "video", 2)
    assert list(found["attributes"]) == ["gender", "age", "gender & age"]
    gender = found["attributes"]["gender"]
    assert set(gender["groups"]) == {"female", "male"}
    assert gender["figures"]["score"]["gap"]["value"] >= 0
    assert set(gender["parity"]) == {"expression", "action_units"}


def test_the_package_gives_the_same_as_the_command(folder):
    import abawbench

    paths = [folder / name for name in ("truth.txt", "predictions.txt", "people.csv")]
    found = abawbench.fairness("abaw4-mtl", *paths, resamples=200)
    printed = json.loads(run(folder, "--json").stdout)
    assert printed["attributes"] == found["attributes"]


def test_a_file_of_other_people_is_a_problem(folder):
    (folder / "others.csv").write_text("person,gender\nann,female\n")
    done = run(folder, "--json", groups="others.csv")
    assert done.exit_code == 1
    assert [problem["rule"] for problem in json.loads(done.stdout)["problems"]] == ["T06"]


def test_without_groups_it_is_wrong_use(folder):
    done = CliRunner().invoke(main, ["fairness", "abaw4-mtl", "truth.txt", "predictions.txt"])
    assert done.exit_code == 2
    assert "--groups" in done.stderr
