from __future__ import annotations

from pathlib import Path

import pytest

from abawbench.base.problems import ProblemError
from abawbench.datasets.manifests import read_manifest
from abawbench.datasets.manifests.parse import Lines
from tests.datasets.conftest import BASE, write_manifest

FOLDER = Path(__file__).parents[3] / "data_manifests"


def problems_of(tmp_path, text, name="mine_1.toml"):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ProblemError) as caught:
        read_manifest(path)
    return caught.value.problems


def line_of(text, wanted):
    return next(number for number, line in enumerate(text.splitlines(), start=1) if wanted in line)


def test_a_sound_manifest_is_read(manifest_file):
    manifest = read_manifest(manifest_file)
    assert manifest.id == "mine_1"
    assert manifest.labels[0].tasks[0].task.classes == ("calm", "glad", "smug")


@pytest.mark.parametrize(
    ("sound", "broken", "line", "said"),
    [
        (
            'abaw = ["Neutral", "Happiness", "contempt"]',
            'abaw = ["Neutral", "Joy", "contempt"]',
            "[[labels.tasks]]",
            "Joy",
        ),
        ('reader = "table"', 'reader = "tables"', 'reader = "tables"', "tables"),
        ('image = "pictures/{image}"', 'image = "pictures/{image"', "image =", "{image"),
        ('files = ["labels.csv"]', 'files = ["../labels.csv"]', "files =", "../labels.csv"),
        ('id = "faces"', 'id = "faces"\nchallenges = ["abaw99-va"]', "challenges =", "abaw99-va"),
        ('"splits.test" =', '"splits.tset" =', "splits.tset", "splits.tset"),
        ('access = "ask me"', 'access = "ask me"\nfetch = "moon"', "fetch =", "moon"),
        ("year = 2020", 'year = "two"', "year =", "origin.year"),
        ('metric = "accuracy"', 'metric = "accuracy"\nmetrik = "f1"', "metrik =", "metrik"),
        ('holds = "images"', 'holds = "pictures"', 'holds = "pictures"', "pictures"),
        ('version = "1"', 'version = "2"', None, "mine_1.toml"),
        ('title = "Mine"\n', "", None, "title"),
        ('kind = "marks"', 'kind = "stars"', "[[labels.tasks]]", "stars"),
        (
            'columns = ["AU1", "AU12", "AU17"]',
            "columns = []",
            "columns = []",
            "labels.faces.tasks.action_units.columns",
        ),
    ],
)
def test_a_fault_is_named_with_its_line(tmp_path, sound, broken, line, said):
    assert BASE.count(sound) == 1
    text = BASE.replace(sound, broken)
    (problem,) = problems_of(tmp_path, text)
    assert problem.rule == "D01"
    assert said in f"{problem.found} {problem.expected}"
    if line is None:
        assert problem.line is None
    elif line == "[[labels.tasks]]":
        tables = [number for number, one in enumerate(text.splitlines(), start=1) if one == line]
        assert problem.line in range(tables[0], line_of(text, "[[splits]]"))
    else:
        assert problem.line == line_of(text, line)


@pytest.mark.parametrize(
    ("sound", "broken", "near"),
    [
        ('reader = "table"', 'reader = "tabel"', "'table'"),
        ('access = "ask me"', 'access = "ask me"\nfetch = "londn"', "'london'"),
    ],
)
def test_an_unknown_name_of_a_registry_is_told_the_name_that_is_like_it(tmp_path, sound, broken, near):
    (problem,) = problems_of(tmp_path, BASE.replace(sound, broken))
    assert (problem.rule, problem.expected) == ("D01", near)


def test_every_fault_is_named_at_once(tmp_path):
    text = BASE.replace('status = "documented"', 'status = "sure"').replace('group = "subject"', 'group = "club"')
    problems = problems_of(tmp_path, text)
    assert [problem.line for problem in problems] == [line_of(text, 'status = "sure"'), line_of(text, "club")]


def test_the_second_part_of_a_list_is_found_at_its_own_line(tmp_path):
    text = BASE.replace('name = "test"\ncount = 2', 'name = "test"\ncount = "two"')
    (problem,) = problems_of(tmp_path, text)
    assert problem.line == line_of(text, 'count = "two"')
    assert "splits.test.count" in problem.found


def test_what_is_no_toml_is_named_with_its_line(tmp_path):
    text = BASE.replace('metric = "accuracy"', "metric = accuracy")
    (problem,) = problems_of(tmp_path, text)
    assert (problem.rule, problem.line) == ("D01", line_of(text, "metric = accuracy"))


def test_a_file_that_is_not_there_or_not_text_is_a_problem(tmp_path):
    with pytest.raises(ProblemError, match="F01"):
        read_manifest(tmp_path / "none_1.toml")
    (tmp_path / "mine_1.toml").write_bytes(b'name = "\xff"')
    with pytest.raises(ProblemError, match="F03"):
        read_manifest(tmp_path / "mine_1.toml")


@pytest.mark.parametrize(
    "field",
    [
        *("licence", "licence.terms", "layout.labels.csv", "labels.faces", "labels.faces.files", "labels.faces.image"),
        *(
            "labels.faces.tasks",
            "labels.faces.expression",
            "labels.faces.tasks.expression.classes",
            "labels.faces.path",
        ),
        *("labels.faces.classes", "labels.faces.action_units.AU12", "splits.train.count", "notes", "origin"),
    ],
)
def test_a_source_may_be_given_for_any_field(tmp_path, field):
    manifest = read_manifest(write_manifest(tmp_path, f'{BASE}"{field}" = "here"\n'))
    assert manifest.source_of(field) == "here"


@pytest.mark.parametrize(
    "field",
    ["licenses", "licence.words", "labels.face", "labels.faces.joy", "splits.train.size", "notes.0", "layout.x"],
)
def test_a_source_of_nothing_is_a_fault(tmp_path, field):
    (problem,) = problems_of(tmp_path, f'{BASE}"{field}" = "here"\n')
    assert problem.line == len(BASE.splitlines()) + 1


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*_*.toml")), ids=lambda path: path.stem)
def test_lines_are_found_in_every_manifest(path):
    lines, manifest = Lines(path.read_text()), read_manifest(path)

    def row(*steps):
        number = lines.of(steps)
        assert number is not None
        return path.read_text().splitlines()[number - 1]

    for field in manifest.sources:
        assert row("sources", field).partition(" = ")[0].strip('"') == field
    for number, label_set in enumerate(manifest.labels):
        assert row("labels", number, "id") == f'id = "{label_set.id}"'
        for place, facts in enumerate(label_set.tasks):
            assert f'"{facts.name}"' in row("labels", number, "tasks", place, "name")
    for number, split in enumerate(manifest.splits):
        assert f'"{split.name}"' in row("splits", number, "name")
