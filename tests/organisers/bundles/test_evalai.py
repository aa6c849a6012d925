"""EvalAI takes the bundle, scores as the package does, and ranks nothing that is wrong."""

from __future__ import annotations

import ast
import functools
import importlib
import json
import math
import re
import sys
import traceback
import zipfile
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
import yaml

import abawbench
from abawbench.base.problems import ProblemError
from abawbench.base.zip_bytes import zipped
from abawbench.formats.pack import pack
from abawbench.organisers.bundles import evalai
from abawbench.organisers.bundles.board import board_columns
from abawbench.organisers.faults import planted
from abawbench.organisers.samples import write
from abawbench.scoring.criteria import part_of
from abawbench.scoring.intervals import quoted
from tests.organisers.bundles.events import files_of

EVERY_FORMAT = [
    "abaw1-expr",
    "abaw4-lsd",
    "abaw4-mtl",
    "abaw10-va",
    "abaw10-emi",
    "abaw10-vd",
    "abaw11-ah",
    "london-identity",
]
DATE = "2026-07-01"
NUMBERS = count()


def bundle_of(files, folder):
    """The folder with the content of a bundle."""
    return evalai.make(files.event, files.truths, files.templates, folder, DATE).content


def script_of(content, folder):
    """The evaluation script, imported as workers do: as a package of the challenge."""
    name = f"challenge_{next(NUMBERS)}"
    with zipfile.ZipFile(content / "evaluation_script.zip") as archive:
        archive.extractall(folder / name)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        patch.setattr(sys, "dont_write_bytecode", True)
        script = importlib.import_module(name)
        importlib.import_module(f"{name}.frozen_scorer")
    return script


def submission_of(files, folder):
    """The path of one file, as EvalAI gets it: the prediction, or a zip of it."""
    if files.prediction.is_file():
        return files.prediction
    pack(files.event.challenge, [files.prediction], folder / "submission.zip")
    return folder / "submission.zip"


@pytest.fixture(scope="module")
def made_of(tmp_path_factory):
    """A function that makes files, content and script of a challenge, once for all tests."""

    @functools.cache
    def made(challenge):
        folder = tmp_path_factory.mktemp(challenge)
        files = files_of(challenge, folder)
        content = bundle_of(files, folder / "bundle")
        return files, content, script_of(content, folder)

    return made


@pytest.fixture
def mtl(made_of):
    """Files, content and script of a multi-task challenge."""
    return made_of("abaw4-mtl")


def config_of(content):
    return yaml.safe_load((content / "challenge_config.yaml").read_text())


def test_the_configuration_has_what_evalai_asks_for(mtl):
    _, content, _ = mtl
    config = config_of(content)
    assert len(config["title"]) <= 100
    assert len(config["tags"]) <= 4
    assert config["domain"] in {"CV", "NLP", "RL", "MM", "AUD", "TAB"}
    assert config["worker_python_version"] == "3.9"
    for key in ("description", "evaluation_details", "terms_and_conditions", "submission_guidelines"):
        assert config[key].endswith(".html")
        assert (content / config[key]).read_text()
    (board,) = config["leaderboard"]
    assert board["schema"]["default_order_by"] == board["schema"]["labels"][0] == "Score"
    assert len(set(board["schema"]["labels"])) == len(board["schema"]["labels"])
    splits = {split["id"]: split["codename"] for split in config["dataset_splits"]}
    assert len(set(splits.values())) == len(splits)
    for phase in config["challenge_phases"]:
        assert (content / phase["test_annotation_file"]).is_file()
        assert (content / phase["description"]).is_file()
        assert phase["start_date"] < phase["end_date"]
    asked = {
        "is_leaderboard_order_descending",
        "leaderboard_decimal_precision",
        "visibility",
        "dataset_split_id",
        "leaderboard_id",
        "challenge_phase_id",
    }
    for split in config["challenge_phase_splits"]:
        assert asked <= split.keys()
        assert split["dataset_split_id"] in splits
        assert split["leaderboard_decimal_precision"] == 5


def test_dates_are_texts_in_utc(mtl):
    _, content, _ = mtl
    config = config_of(content)
    assert (config["start_date"], config["end_date"]) == ("2026-07-01 00:00:00", "2026-07-17 11:59:59")
    assert [phase["end_date"] for phase in config["challenge_phases"]] == ["2026-07-10 23:59:59", "2026-07-17 11:59:59"]


def test_limits_and_visibility_are_those_of_the_phases(mtl):
    _, content, _ = mtl
    config = config_of(content)
    open_phase, private = config["challenge_phases"]
    assert (private["max_submissions_per_day"], private["max_submissions"]) == (2, 5)
    assert private["max_submissions_per_month"] == 5
    assert private["max_concurrent_submissions_allowed"] == 2
    assert open_phase["max_submissions"] == 100_000
    assert [phase["leaderboard_public"] for phase in (open_phase, private)] == [True, False]
    assert [split["visibility"] for split in config["challenge_phase_splits"]] == [3, 1]


def test_trials_of_an_event_limit_a_private_phase_without_a_limit_of_its_own(tmp_path):
    files = files_of("abaw4-mtl", tmp_path, more="trials = 4")
    first, last = files.event.phases
    event = replace(files.event, phases=(first, replace(last, total=None)))
    content = evalai.make(event, files.truths, files.templates, tmp_path / "bundle", DATE).content
    phases = config_of(content)["challenge_phases"]
    assert [phase["max_submissions"] for phase in phases] == [100_000, 4]
    assert all(phase["max_submissions_per_day"] <= phase["max_submissions"] for phase in phases)


def test_the_configuration_stands_in_the_root_of_the_zip(mtl):
    _, content, _ = mtl
    with zipfile.ZipFile(content.parent / "abaw4-mtl-evalai.zip") as archive:
        names = archive.namelist()
        assert "challenge_config.yaml" in names
        assert {name: archive.read(name) for name in names} == {
            path.relative_to(content).as_posix(): path.read_bytes() for path in content.rglob("*") if path.is_file()
        }


def test_texts_are_html_and_tags_in_them_are_shown(tmp_path):
    (tmp_path / "rules.md").write_text("No **cheating** <script>alert(1)</script>")
    files = files_of("abaw4-mtl", tmp_path, more='texts = { rules = "rules.md" }')
    page = (bundle_of(files, tmp_path / "bundle") / "templates" / "description.html").read_text()
    assert "<strong>cheating</strong> &lt;script&gt;" in page
    assert "<table>" in page
    assert "<script" not in page


def test_the_same_event_gives_the_same_bytes(made_of, tmp_path):
    files, content, _ = made_of("abaw11-ah")
    bundle = evalai.make(files.event, files.truths, files.templates, tmp_path / "again", DATE)
    assert bundle.archive.read_bytes() == (content.parent / bundle.archive.name).read_bytes()


@pytest.mark.parametrize("challenge", EVERY_FORMAT)
def test_the_score_is_that_of_the_package(challenge, made_of, tmp_path):
    files, content, script = made_of(challenge)
    submission = str(submission_of(files, tmp_path))
    own = abawbench.score(challenge, files.truth, files.prediction, resamples=2).to_json()
    columns = board_columns(files.event.challenge)
    for codename, split in (("val", "validation"), ("final", "test")):
        annotation = str(content / "annotations" / f"{codename}.zip")
        output = script.evaluate(annotation, submission, codename, submission_metadata={"id": 1})
        # the worker writes it so
        json.dumps(output, allow_nan=False)
        assert output["result"] == [{split: {column.title: part_of(own, column.path) for column in columns}}]
        (errors,) = output["error"]
        for column in columns:
            found = quoted(part_of(own["intervals"], column.path))
            assert found is not None
            low, high = found[1]
            assert errors[split][f"error_{column.title}"] == (high - low) / 2
        assert errors[split].keys() == {f"error_{column.title}" for column in columns}


def test_remote_workers_call_in_their_own_way(mtl, tmp_path):
    files, content, script = mtl
    annotation, submission = str(content / "annotations" / "val.zip"), str(files.prediction)
    hosted = script.evaluate(annotation, submission, "val")
    assert script.evaluate(submission, "val", annotation) == hosted
    assert script.evaluate(submission, "val", test_annotation_file=annotation, submission_metadata={}) == hosted
    assert (
        script.evaluate(user_submission_file=submission, phase_codename="val", test_annotation_file=annotation)
        == hosted
    )
    assert script.evaluate(submission, phase_codename="val", test_annotation_file=annotation) == hosted
    names = {"test_annotation_file": annotation, "user_annotation_file": submission, "phase_codename": "val"}
    assert script.evaluate(**names) == hosted
    assert script.evaluate(annotation, submission, phase_codename="val") == hosted


def test_remote_workers_find_the_annotations_beside_the_script(mtl, tmp_path):
    files, content, _ = mtl
    script = script_of(content, tmp_path)
    with pytest.raises(script.main.SetupError, match="There is no annotation file for the phase val"):
        script.evaluate(str(files.prediction), "val")
    beside = Path(script.__file__).parent / "annotations"
    beside.mkdir()
    (beside / "val.zip").write_bytes((content / "annotations" / "val.zip").read_bytes())
    assert script.evaluate(str(files.prediction), "val")["result"]


def test_a_wrong_codename_is_refused_in_words(mtl):
    files, content, script = mtl
    annotation = str(content / "annotations" / "val.zip")
    with pytest.raises(script.main.SetupError, match=r"EvalAI asks for the phase 'dev'.* It knows final, val\."):
        script.evaluate(annotation, str(files.prediction), "dev")
    with pytest.raises(script.main.SetupError, match="are codenames of phases"):
        script.evaluate(str(files.prediction), "val", "final")


def test_another_annotation_file_is_refused(mtl):
    files, _, script = mtl
    with pytest.raises(script.main.SetupError, match="not that of the bundle"):
        script.evaluate(str(files.truth), str(files.prediction), "val")


def test_an_annotation_file_that_would_write_elsewhere_is_refused(mtl, tmp_path):
    files, _, script = mtl
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr("../outside.txt", "x")
        archive.writestr("paths.json", "{}")
    with pytest.raises(script.main.SetupError, match="not that of the bundle"):
        script.evaluate(str(tmp_path / "bad.zip"), str(files.prediction), "val")
    assert not list(tmp_path.rglob("outside.txt"))


@pytest.mark.parametrize("codename", ["val", "final"])
def test_a_bad_submission_raises_our_problems_in_ascii(codename, mtl, tmp_path):
    files, content, script = mtl
    lines = files.prediction.read_text().splitlines(keepends=True)
    bad = tmp_path / "bad.txt"
    bad.write_text("".join([*lines[:3], lines[3].replace(",", ",\N{GREEK SMALL LETTER ALPHA}", 1), *lines[5:]]))
    with pytest.raises(script.main.RefusedError) as caught:
        script.evaluate(str(content / "annotations" / f"{codename}.zip"), str(bad), codename)
    text = str(caught.value)
    assert text.isascii()
    assert "T01 rows missing" in text
    assert "bad.txt" in text
    assert str(tmp_path) not in text


def test_zips_of_a_mac_are_scored_and_the_note_is_given(mtl, tmp_path):
    files, content, script = mtl
    with zipfile.ZipFile(tmp_path / "mac.zip", "w") as archive:
        archive.writestr("mine/predictions.txt", files.prediction.read_bytes())
        archive.writestr("mine/.DS_Store", b"\0\0\0\1Bud1")
        archive.writestr("__MACOSX/mine/._predictions.txt", b"\0\5\26\7")
    output = script.evaluate(str(content / "annotations" / "val.zip"), str(tmp_path / "mac.zip"), "val")
    assert (
        output["result"]
        == script.evaluate(str(content / "annotations" / "val.zip"), str(files.prediction), "val")["result"]
    )
    assert any(note.startswith("N21") for note in output["submission_result"]["notes"])


@pytest.mark.parametrize("challenge", ["abaw4-mtl", "abaw10-vd"])
def test_every_planted_fault_has_the_verdict_of_check(challenge, made_of, tmp_path):
    files, content, script = made_of(challenge)
    annotation = str(content / "annotations" / "final.zip")
    for number, fault in enumerate(planted(files.event.challenge, files.sample)):
        sent = write(fault.files, tmp_path / str(number))
        if sent.is_dir():
            members = [(path.relative_to(sent).as_posix(), path.read_bytes()) for path in sorted(sent.rglob("*.*"))]
            sent = tmp_path / f"{number}.zip"
            sent.write_bytes(zipped(members))
        if fault.is_refused:
            with pytest.raises(script.main.RefusedError):
                script.evaluate(annotation, str(sent), "final")
        else:
            assert script.evaluate(annotation, str(sent), "final")["result"], fault.name


def damaged(files, folder):
    """Submissions that are wrong in one way each, in the format of the multi-task challenge."""
    lines = files.prediction.read_text().splitlines(keepends=True)
    texts = {
        "short": lines[:-4],
        "foreign": [*lines[:5], "other/00001.jpg,0,0,1" + ",0" * 12 + "\n", *lines[5:]],
        "nan": [*lines[:5], re.sub(r",[^,]+", ",nan", lines[5], count=1), *lines[6:]],
        "order": [lines[0], *lines[:0:-1]],
        "empty": [],
    }
    for name, parts in texts.items():
        (folder / f"{name}.txt").write_text("".join(parts))
        yield folder / f"{name}.txt"


def test_messages_of_a_private_phase_are_the_same_for_two_truths(tmp_path):
    told = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        files = files_of("abaw4-mtl", folder)
        if name == "two":
            lines = files.truth.read_text().splitlines(keepends=True)
            # other values, other rows without an annotation
            names = [line.partition(",")[0] for line in lines[1:]]
            values = [line.partition(",")[2] for line in lines[:0:-1]]
            files.truth.write_text(lines[0] + "".join(f"{one},{two}" for one, two in zip(names, values, strict=True)))
        content = bundle_of(files, folder / "bundle")
        script = script_of(content, folder)
        annotation = str(content / "annotations" / "final.zip")
        messages = []
        for bad in damaged(files, folder):
            with pytest.raises(script.main.RefusedError) as caught:
                script.evaluate(annotation, str(bad), "final")
            messages.append(str(caught.value))
        shown = script.evaluate(annotation, str(files.prediction), "final")["submission_result"]
        told.append((messages, shown))
    assert told[0] == told[1]


def test_a_private_phase_shows_its_columns_alone_and_none_where_scores_are_hidden(tmp_path):
    files = files_of("abaw4-mtl", tmp_path)
    first, last = files.event.phases
    shown = replace(files, event=replace(files.event, phases=(first, replace(last, shows_scores=True))))
    for one, keys in ((files, set()), (shown, {"columns"})):
        content = bundle_of(one, tmp_path / f"bundle{len(keys)}")
        script = script_of(content, tmp_path)
        output = script.evaluate(str(content / "annotations" / "final.zip"), str(files.prediction), "final")
        assert output["submission_result"].keys() == {"challenge", "fingerprint", "version", "notes"} | keys
        assert output["submission_metadata"]["score"] == output["result"][0]["test"]["Score"]


def test_without_an_interval_there_are_no_error_bars(mtl, monkeypatch):
    files, content, script = mtl
    arguments = (str(content / "annotations" / "val.zip"), str(files.prediction), "val")
    assert script.evaluate(*arguments)["error"]
    scorer = importlib.import_module(f"{script.__name__}.frozen_scorer")
    whole = scorer.evaluate

    def narrow(*given, **named):
        answer = whole(*given, **named)
        answer["intervals"]["score"] = None
        return answer

    monkeypatch.setattr(scorer, "evaluate", narrow)
    assert "error" not in script.evaluate(*arguments)


@pytest.mark.parametrize("value", [None, math.nan, math.inf, True, "1"])
def test_a_figure_that_is_not_a_finite_number_never_ranks(value, mtl, monkeypatch):
    files, content, script = mtl
    scorer = importlib.import_module(f"{script.__name__}.frozen_scorer")
    whole = scorer.evaluate
    monkeypatch.setattr(scorer, "evaluate", lambda *given, **named: {**whole(*given, **named), "score": value})
    with pytest.raises(script.main.SetupError, match="Score is not defined"):
        script.evaluate(str(content / "annotations" / "val.zip"), str(files.prediction), "val")


def test_an_unforeseen_error_quotes_nothing_on_a_private_phase(mtl, monkeypatch):
    files, content, script = mtl

    def fails(*given, **named):
        raise ValueError("the truth of row 7 is 0.25")

    monkeypatch.setattr(importlib.import_module(f"{script.__name__}.frozen_scorer"), "evaluate", fails)
    with pytest.raises(script.main.SetupError, match=r"The scorer failed \(ValueError\)") as caught:
        script.evaluate(str(content / "annotations" / "final.zip"), str(files.prediction), "final")
    assert "0.25" not in "".join(traceback.format_exception(caught.value))
    with pytest.raises(ValueError, match=r"0\.25"):
        script.evaluate(str(content / "annotations" / "val.zip"), str(files.prediction), "val")


def test_a_challenge_without_a_score_is_refused(tmp_path):
    files = files_of("abaw8-ah", tmp_path)
    with pytest.raises(ProblemError) as caught:
        bundle_of(files, tmp_path / "bundle")
    assert {problem.rule for problem in caught.value.problems} == {"O09"}
    assert not (tmp_path / "bundle").exists()


def test_what_evalai_does_otherwise_is_told(tmp_path):
    files = files_of("abaw4-mtl", tmp_path, more='counts = "last"\ndocker_image = "python:3.9"')
    endless = replace(files.event, phases=(replace(files.event.phases[0], ends=None),))
    bundle = evalai.make(endless, files.truths, files.templates, tmp_path / "bundle", DATE)
    assert [note.rule for note in bundle.notes] == ["N76", "N76", "N76"]
    assert config_of(bundle.content)["end_date"] == "2099-12-31 23:59:59"
    assert config_of(bundle.content)["challenge_phase_splits"][0]["show_leaderboard_by_latest_submission"] is True


def test_the_program_is_python_3_8(mtl):
    _, content, _ = mtl
    with zipfile.ZipFile(content / "evaluation_script.zip") as archive:
        for name in archive.namelist():
            if name.endswith(".py"):
                tree = ast.parse(archive.read(name).decode("ascii"), feature_version=(3, 8))
                modules = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
                assert not [module for module in modules if module and module.startswith("abawbench")]


def test_a_logo_keeps_its_ending(tmp_path):
    from PIL import Image

    Image.new("RGB", (8, 8)).save(tmp_path / "mine.PNG")
    files = files_of("abaw4-mtl", tmp_path, more='logo = "mine.PNG"')
    content = bundle_of(files, tmp_path / "bundle")
    assert config_of(content)["image"] == "logo.png"
    assert (content / "logo.png").read_bytes() == (tmp_path / "mine.PNG").read_bytes()


def test_a_truth_without_annotations_gives_no_bundle(tmp_path):
    files = files_of("abaw4-mtl", tmp_path)
    lines = files.truth.read_text().splitlines()
    empty = [line.partition(",")[0] + ",-5,-5,-1" + ",-1" * 12 for line in lines[1:]]
    files.truth.write_text("\n".join([lines[0], *empty]) + "\n")
    with pytest.raises(ProblemError) as caught:
        bundle_of(files, tmp_path / "bundle")
    assert {problem.rule for problem in caught.value.problems} == {"T10"}
    assert not (tmp_path / "bundle").exists()


def test_files_of_units_are_sent_as_a_zip(made_of):
    _, content, _ = made_of("abaw10-vd")
    assert {phase["allowed_submission_file_types"] for phase in config_of(content)["challenge_phases"]} == {".zip"}


def test_a_participants_metadata_file_is_never_run(mtl, tmp_path):
    files, content, script = mtl
    with zipfile.ZipFile(tmp_path / "meta.zip", "w") as archive:
        archive.writestr("metadata", "command: touch pwned")
        archive.write(files.prediction, "predictions.txt")
    assert script.evaluate(str(content / "annotations" / "val.zip"), str(tmp_path / "meta.zip"), "val")["result"]
    assert not list(tmp_path.rglob("pwned"))
