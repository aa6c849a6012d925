"""The scoring program in the folders of Codabench's worker: what it finds, what it never runs, what cannot rank."""

from __future__ import annotations

import ast
import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from abawbench.organisers.bundles import codabench_program

SOURCE = Path(codabench_program.__file__).read_text("utf-8")
# stands in for the frozen scorer: what a prediction says is what comes of it
SCORER = """
import os
FINGERPRINT = "f"
def evaluate(truth, prediction, template=None, intervals=False, private=False):
    assert os.path.exists(truth) and os.path.exists(template)
    names = sorted(os.listdir(prediction)) if os.path.isdir(prediction) else [os.path.basename(prediction)]
    path = os.path.join(prediction, names[0]) if os.path.isdir(prediction) else prediction
    text = open(path, encoding="utf-8").read().strip()
    if text == "crash":
        raise RuntimeError(open(truth).read())
    problems = []
    if text.startswith("bad"):
        problems.append({"rule": "V01", "file": path, "line": 1, "found": text})
    if text.startswith("odd"):
        problems.append({"rule": "N01", "file": path, "line": 1, "found": text})
    score = {"nan": float("nan"), "inf": float("inf"), "none": None}.get(text, 0.5)
    metrics = {"f1_x": None if text == "hole" else 0.25, "per_class": {"a": 0.125}}
    return {"ok": not text.startswith("bad"), "score": score, "terms": {}, "metrics": metrics,
            "rows": {"truth": 3, "names": len(names)}, "problems": problems,
            "intervals": {"score": [0.25, 0.75]} if intervals else None}
def describe(problem):
    return "{rule} {file}:{line}: found {found}".format(**problem)
"""
COLUMNS = [
    {"key": "score", "title": "Score", "path": ["score"], "low": -1.0},
    {"key": "f1_x", "title": "F1 x", "path": ["metrics", "f1_x"], "low": 0.0},
]
SETTINGS: dict[str, Any] = {
    "title": "A <b>",
    "fingerprint": "f",
    "truth": "truth/truth.txt",
    "template": "template/list.txt",
    "per_unit": False,
    "private": False,
    "shows_scores": True,
    "columns": COLUMNS,
}


@dataclass(frozen=True)
class Run:
    status: int
    error: str
    scores: Any
    page: str
    output: Path


def run(folder: Path, files: Mapping[str, str | bytes], truth: str = "secret 1", **settings: Any) -> Run:
    """Run the program on the files of a submission, as the worker lays them out."""
    program, reference, submission, output = (folder / name for name in ("program", "input/ref", "input/res", "output"))
    for path in (program, reference / "truth", reference / "template", submission, output):
        path.mkdir(parents=True)
    (program / "score.py").write_text(SOURCE, "utf-8")
    (program / "frozen_scorer.py").write_text(SCORER)
    (reference / "truth" / "truth.txt").write_text(truth)
    (reference / "template" / "list.txt").write_text("list")
    (reference / "settings.json").write_text(json.dumps({**SETTINGS, **settings}))
    # the worker adds a file of its own
    (submission / "metadata").write_text("description: x\n")
    for name, data in files.items():
        (submission / name).parent.mkdir(parents=True, exist_ok=True)
        (submission / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    command = [sys.executable, str(program / "score.py"), str(folder / "input"), str(output)]
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C", "PYTHONUTF8": "0"}
    done = subprocess.run(command, cwd=program, env=environment, capture_output=True, text=True, check=False)
    scores = output / "scores.json"
    page = (output / "detailed_results.html").read_text("utf-8")
    assert sorted(path.name for path in program.iterdir()) == ["frozen_scorer.py", "score.py"]
    return Run(done.returncode, done.stderr, json.loads(scores.read_text()) if scores.exists() else None, page, output)


def test_the_program_is_of_python_3_8_and_of_its_standard_library():
    tree = ast.parse(SOURCE, feature_version=(3, 8))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert names <= sys.stdlib_module_names
    assert SOURCE.isascii()


def test_a_good_submission_has_every_column_and_a_page(tmp_path):
    done = run(tmp_path, {"trial-0.txt": "good"})
    assert (done.status, done.error) == (0, "")
    assert done.scores == {"score": 0.5, "f1_x": 0.25}
    assert "0.2500 to 0.7500" in done.page
    assert "per_class a" in done.page
    assert "A &lt;b&gt;" in done.page
    assert sorted(path.name for path in done.output.iterdir()) == ["detailed_results.html", "scores.json"]


@pytest.mark.parametrize(
    "files",
    [
        {"folder/trial-0.txt": "good"},
        {"a/b/c/trial-0.txt": "good"},
        {"folder/trial-0.txt": "good", "folder/.DS_Store": b"\0", "__MACOSX/folder/._trial-0.txt": b"\0"},
        {"trial-0.txt": "good", "metadata.yaml": "command: touch /tmp/x"},
        {"folder/trial-0.txt": "good", "folder/metadata": "command: x", "Thumbs.db": b"\0", "desktop.ini": ""},
        {"ä b.txt": "good"},
    ],
    ids=["nested", "deep", "mac", "metadata.yaml", "litter", "name"],
)
def test_nesting_and_litter_do_no_harm(files, tmp_path):
    done = run(tmp_path, files)
    assert (done.status, done.scores) == (0, {"score": 0.5, "f1_x": 0.25})


def test_what_is_left_aside_is_told_and_never_run(tmp_path):
    mark = tmp_path / "ran"
    done = run(tmp_path, {"trial-0.txt": "good", "metadata.yaml": f"command: touch {mark}\n"})
    assert "not read: metadata.yaml" in done.page
    assert not mark.exists()
    assert done.status == 0


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "Z08"),
        ({"metadata.yaml": "command: true"}, "Z08"),
        ({".DS_Store": b"\0", "__MACOSX/._a.txt": b"\0"}, "Z08"),
        ({"a.txt": "good", "b.txt": "good"}, "Z06"),
        ({"a.txt": "good", "README": "good"}, "Z06"),
        ({"a.zip": b"PK\x03\x04"}, "Z05"),
        ({"a.txt": "bad <script>"}, "V01"),
        ({"a.txt": "nan"}, "undefined"),
        ({"a.txt": "inf"}, "undefined"),
        ({"a.txt": "none"}, "undefined"),
        ({"a.txt": "crash"}, "RuntimeError"),
    ],
    ids=["empty", "metadata alone", "litter alone", "two", "readme", "zip", "problem", "nan", "inf", "none", "crash"],
)
def test_a_bad_submission_is_told_why_and_cannot_rank(files, said, tmp_path):
    done = run(tmp_path, files)
    assert done.status == 1
    assert done.scores is None
    assert said in done.error
    assert said in done.page
    assert "<script>" not in done.page
    if said != "RuntimeError":
        assert str(tmp_path) not in done.error + done.page


def test_a_score_of_an_earlier_run_does_not_stand_for_a_bad_submission(tmp_path):
    (tmp_path / "first").mkdir()
    done = run(tmp_path / "first", {"a.txt": "good"})
    (tmp_path / "first" / "input" / "res" / "a.txt").write_text("bad")
    command = [sys.executable, "score.py", str(tmp_path / "first" / "input"), str(done.output)]
    again = subprocess.run(command, cwd=tmp_path / "first" / "program", capture_output=True, check=False)
    assert again.returncode == 1
    assert [path.name for path in done.output.iterdir()] == ["detailed_results.html"]


def test_a_figure_that_is_undefined_gets_its_least_value_and_is_told(tmp_path):
    done = run(tmp_path, {"a.txt": "hole"})
    assert done.scores == {"score": 0.5, "f1_x": 0.0}
    assert "F1 x is undefined; 0 stands for it on the board" in done.page


def test_a_note_does_not_keep_a_submission_from_its_score(tmp_path):
    done = run(tmp_path, {"a.txt": "odd \x1b[2J \u202e"})
    assert done.scores is not None
    assert "N01 a.txt:1: found odd \\x1b[2J \\u202e" in done.page


@pytest.mark.parametrize("text", ["bad x", "crash", "nan", "good", "odd"])
def test_a_private_phase_tells_the_same_of_any_two_truths(text, tmp_path):
    one, other = (
        run(tmp_path / name, {"a.txt": text}, truth=name, private=True, shows_scores=False)
        for name in ("secret 1", "secret 2")
    )
    assert (one.status, one.error, one.page, one.scores) == (other.status, other.error, other.page, other.scores)
    assert "secret" not in one.page + one.error
    assert "0.5" not in one.page


def test_a_private_phase_shows_the_figures_of_its_board_alone(tmp_path):
    done = run(tmp_path, {"a.txt": "good"}, private=True)
    assert "0.500000" in done.page
    assert not any(word in done.page for word in ("per_class", "interval", "0.7500", "rows"))


def test_files_of_units_are_found_in_their_folder_whatever_lies_around_it(tmp_path):
    files = {"x/y/1.txt": "good", "x/y/2.txt": "good", "x/y/.DS_Store": b"\0", "__MACOSX/x/y/._1.txt": b"\0"}
    done = run(tmp_path, files, per_unit=True)
    assert done.scores == {"score": 0.5, "f1_x": 0.25}
    assert "<td>names</td><td>2</td>" in done.page


def test_files_of_units_beside_the_workers_own_file_are_found(tmp_path):
    assert run(tmp_path, {"1.txt": "good", "2.txt": "good"}, per_unit=True).scores is not None


def test_two_folders_of_units_are_two_trials(tmp_path):
    done = run(tmp_path, {"a/1.txt": "good", "b/1.txt": "good"}, per_unit=True)
    assert "Z06" in done.error
    assert done.scores is None


def test_links_are_left_aside(tmp_path):
    outside = tmp_path / "outside.txt"
    outside.write_text("good")
    submission = tmp_path / "a" / "input" / "res"
    submission.mkdir(parents=True)
    (submission / "a.txt").symlink_to(outside)
    (submission / "folder").symlink_to(tmp_path)
    program = tmp_path / "a" / "program"
    program.mkdir()
    (program / "score.py").write_text(SOURCE, "utf-8")
    assert codabench_program.own_files(submission) == ([], ["a.txt", "folder"])


def test_a_scorer_of_another_challenge_scores_nothing(tmp_path):
    done = run(tmp_path, {"a.txt": "good"}, fingerprint="g")
    assert done.status == 1
    assert "different challenges" in done.error


def test_wrong_use_is_told(tmp_path):
    command = [sys.executable, codabench_program.__file__, "x"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "INPUT OUTPUT" in done.stderr


def test_a_mac_zip_as_the_worker_unpacks_it_is_scored(tmp_path):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in (
            ("t/", ""),
            ("t/trial-0.txt", "good"),
            ("t/.DS_Store", "\0"),
            ("__MACOSX/t/._trial-0.txt", "\0"),
        ):
            archive.writestr(name, data)
    with zipfile.ZipFile(stream) as archive:
        files = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    assert run(tmp_path, files).scores == {"score": 0.5, "f1_x": 0.25}


def test_zero_has_no_minus():
    assert [codabench_program.fixed(value, 4) for value in (-1e-9, -0.0, -0.25)] == ["0.0000", "0.0000", "-0.2500"]
