"""The bundle for Codabench: what the platform would reject or silently change, and what its worker would run."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

import abawbench
from abawbench.api import score
from abawbench.base.problems import ProblemError
from abawbench.challenges import CHALLENGES
from abawbench.formats.check import check, is_accepted
from abawbench.organisers.bundles import Bundle, codabench_program
from abawbench.organisers.bundles.codabench import make
from abawbench.organisers.bundles.logo import logo_png
from abawbench.organisers.events.event import Event
from abawbench.organisers.events.template import write_event
from abawbench.organisers.faults import planted
from abawbench.organisers.samples import Sample, sample, write
from tests.organisers.bundles.conftest import TEST, VALIDATION, event_of

# what Codabench reads; it ignores other keys without a word
COMPETITION = {
    "version",
    "title",
    "description",
    "image",
    "terms",
    "pages",
    "tasks",
    "phases",
    "leaderboards",
    "docker_image",
    "registration_auto_approve",
    "enable_detailed_results",
    "show_detailed_results_in_submission_panel",
    "show_detailed_results_in_leaderboard",
    "auto_run_submissions",
    "can_participants_make_submissions_public",
    "make_programs_available",
    "make_input_data_available",
    "competition_type",
    "fact_sheet",
    "contact_email",
    "forum_enabled",
}
PHASE = {
    "index",
    "name",
    "description",
    "start",
    "end",
    "tasks",
    "max_submissions_per_day",
    "max_submissions",
    "execution_time_limit",
    "auto_migrate_to_this_phase",
    "hide_output",
    "hide_prediction_output",
    "hide_score_output",
    "starting_kit",
}
COLUMN = {"title", "key", "index", "sorting", "precision", "hidden"}
FACT = {"key", "type", "title", "selection", "is_required", "is_on_leaderboard"}
RANKED = [challenge for challenge in CHALLENGES.values() if challenge.metric.terms]
FORMATS = ("abaw3-va", "abaw11-mtl", "abaw10-au", "abaw10-vd", "abaw10-emi", "abaw11-ah", "abaw4-lsd")


def bundle_of(event: Event, folder: Path, name: str = "out") -> tuple[Bundle, Sample]:
    made = sample(event.challenge, units=3, rows=12)
    truth, template = write(made.truth, folder / "t"), write(made.template, folder / "l")
    names = [phase.codename for phase in event.phases]
    return make(event, dict.fromkeys(names, truth), dict.fromkeys(names, template), folder / name, "2026-07-01"), made


def competition(bundle: Bundle) -> dict[str, Any]:
    return yaml.safe_load((bundle.content / "competition.yaml").read_text("utf-8"))


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def unpack(path: Path, folder: Path) -> Path:
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
    return folder


def worked(bundle: Bundle, submission: bytes, folder: Path, phase: str = "test") -> subprocess.CompletedProcess[str]:
    """What the worker does with the zip of a submission; the output is in `output`."""
    unpack(bundle.content / "scoring_program.zip", folder / "program")
    unpack(bundle.content / f"reference_{phase}.zip", folder / "input" / "ref")
    with zipfile.ZipFile(io.BytesIO(submission)) as archive:
        archive.extractall(folder / "input" / "res")
    (folder / "input" / "res" / "metadata").write_text("x")
    (folder / "output").mkdir()
    command = yaml.safe_load((folder / "program" / "metadata.yaml").read_text())["command"].split()
    words = [word.replace("/app", str(folder)) for word in command[1:]]
    run = [sys.executable, *words]
    return subprocess.run(run, cwd=folder / "program", capture_output=True, text=True, check=False)


def packed(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return stream.getvalue()


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Bundle:
    return bundle_of(event_of("abaw11-ah"), tmp_path_factory.mktemp("bundle"))[0]


@pytest.mark.parametrize("challenge", FORMATS)
def test_the_file_of_the_competition_holds_what_codabench_reads_and_nothing_else(challenge, tmp_path):
    bundle, _ = bundle_of(event_of(challenge), tmp_path)
    content = competition(bundle)
    assert set(content) == COMPETITION
    assert content["version"] == 2
    for phase in content["phases"]:
        assert set(phase) == PHASE
    (board,) = content["leaderboards"]
    assert set(board) == {"title", "key", "primary_index", "submission_rule", "hidden", "columns"}
    assert board["columns"][board["primary_index"]]["key"] == "score"
    for place, column in enumerate(board["columns"]):
        assert set(column) == COLUMN
        assert (column["index"], column["sorting"], column["precision"]) == (place, "desc", 5)
        assert len(column["key"]) <= 36
        assert len(column["title"]) <= 36
    for key, question in content["fact_sheet"].items():
        assert set(question) == FACT
        assert question["key"] == key
        assert question["type"] in {"checkbox", "text", "select"}
        assert {question["is_required"], question["is_on_leaderboard"]} <= {"true", "false"}
    places = [content["image"], content["terms"], *(page["file"] for page in content["pages"])]
    places += [task[name] for task in content["tasks"] for name in ("scoring_program", "reference_data")]
    places += [phase["starting_kit"] for phase in content["phases"]]
    with zipfile.ZipFile(bundle.archive) as archive:
        assert {"competition.yaml", *places} <= set(archive.namelist())
    for place in places:
        assert (bundle.content / place).stat().st_size


def test_dates_are_texts_in_utc(bundle):
    text = (bundle.content / "competition.yaml").read_text()
    assert re.findall(r'(?:start|end): (".*")', text) == [
        '"2026-07-01 00:00:00"',
        '"2026-07-09 11:59:59"',
        '"2026-07-09 12:00:00"',
        '"2026-07-17 11:59:59"',
    ]
    assert all(isinstance(phase[key], str) for phase in competition(bundle)["phases"] for key in ("start", "end"))


def test_limits_and_rules_are_those_of_the_event(bundle, tmp_path):
    first, second = competition(bundle)["phases"]
    # left out, they would be 5 a day and 100 in all
    assert (first["max_submissions_per_day"], first["max_submissions"]) == (10, None)
    assert (second["max_submissions_per_day"], second["max_submissions"]) == (None, 5)
    assert competition(bundle)["leaderboards"][0]["submission_rule"] == "Force_Best"
    event = event_of("abaw11-ah", replace(TEST, total=None))
    content = competition(bundle_of(replace(event, counts="last", docker_image="a/b:c", trials=3), tmp_path)[0])
    assert content["leaderboards"][0]["submission_rule"] == "Force_Last"
    assert content["docker_image"] == "a/b:c"
    assert content["phases"][0]["max_submissions"] == 3


def test_texts_of_the_organisers_stay_texts(tmp_path):
    (tmp_path / "terms.md").write_text("Be *fair*.")
    (tmp_path / "my.png").write_bytes(logo_png("mine"))
    hostile = 'x": [1]\n- !!python/object/apply:os.system ["touch /tmp/x"] #\u202e'
    event = replace(
        event_of("abaw11-ah"),
        title=hostile,
        summary=hostile,
        texts={"terms": tmp_path / "terms.md"},
        logo=tmp_path / "my.png",
    )
    bundle, _ = bundle_of(event, tmp_path)
    content = competition(bundle)
    assert (content["title"], content["description"]) == (hostile, hostile)
    assert "Be *fair*." in (bundle.content / content["terms"]).read_text()
    assert (bundle.content / content["image"]).read_bytes() == logo_png("mine")


@pytest.mark.parametrize("change", [{"ends": None}, {"ends": TEST.begins}, {"ends": TEST.ends}])
def test_phases_that_codabench_would_reject_are_refused(change, tmp_path):
    with pytest.raises(ProblemError) as error:
        bundle_of(event_of("abaw11-ah", replace(VALIDATION, **change), TEST), tmp_path)
    assert [problem.rule for problem in error.value.problems] == ["O09"]
    assert not (tmp_path / "out").exists()


def test_the_last_phase_may_have_no_end(tmp_path):
    bundle, _ = bundle_of(event_of("abaw11-ah", VALIDATION, replace(TEST, ends=None)), tmp_path)
    assert "end" not in competition(bundle)["phases"][1]


def test_what_codabench_shows_although_the_event_hides_it_is_told(tmp_path):
    bundle, _ = bundle_of(event_of("abaw11-ah", VALIDATION, replace(TEST, shows_scores=False)), tmp_path)
    assert [note.rule for note in bundle.notes if note.rule == "N76"] == ["N76"]
    content = competition(bundle)
    assert [phase["hide_score_output"] for phase in content["phases"]] == [False, True]
    assert content["show_detailed_results_in_leaderboard"] is False
    assert content["leaderboards"][0]["hidden"] is False
    hidden, _ = bundle_of(event_of("abaw11-ah", replace(TEST, shows_scores=False)), tmp_path, "hidden")
    assert competition(hidden)["leaderboards"][0]["hidden"] is True


def test_the_scoring_program_lies_flat_in_its_zip(bundle):
    files = members(bundle.content / "scoring_program.zip")
    assert set(files) == {"metadata.yaml", "score.py", "frozen_scorer.py"}
    command = "python3 /app/program/score.py /app/input /app/output"
    assert yaml.safe_load(files["metadata.yaml"]) == {"command": command}


def test_the_truth_is_in_the_reference_alone(bundle, tmp_path):
    truth = next(iter(sample(CHALLENGES["abaw11-ah"], units=3, rows=12).truth.values()))
    holders = [
        name for name in bundle.files if name.endswith(".zip") and truth in members(bundle.content / name).values()
    ]
    assert holders == ["reference_test.zip", "reference_validation.zip"]


def test_a_bundle_is_made_in_python_from_paths(bundle, tmp_path):
    place, event = bundle.folder.parent, tmp_path / "event.toml"
    write_event(CHALLENGES["abaw11-ah"], event)
    text = re.sub(r'"write a date, as ([^"]*)"', r'"\1"', event.read_text()).replace('"write an', '"me@example.org" #')
    event.write_text(re.sub(r'"write [^"]*"', '"A fact"', text))
    (truth,), (template,) = (place / "t").iterdir(), (place / "l").iterdir()
    made = abawbench.bundle("codabench", event, truth, tmp_path / "out", template={"test": template})
    assert made.archive.is_file()
    with pytest.raises(ProblemError, match="codabench"):
        abawbench.bundle("codabnch", event, truth, tmp_path / "other")


def test_the_same_event_gives_the_same_bytes(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    archives = [bundle_of(event_of("abaw11-mtl"), tmp_path / name)[0].archive.read_bytes() for name in ("a", "b")]
    assert archives[0] == archives[1]


@pytest.mark.parametrize("challenge", FORMATS)
def test_the_sample_and_a_good_submission_are_scored_as_by_the_command_line(challenge, tmp_path):
    bundle, made = bundle_of(event_of(challenge), tmp_path)
    truth, template = write(made.truth, tmp_path / "t"), write(made.template, tmp_path / "l")
    keys = [column["key"] for column in competition(bundle)["leaderboards"][0]["columns"]]
    given = {"sample": members(bundle.content / "sample_submission_test.zip"), "good": dict(made.prediction)}
    for name, files in given.items():
        done = worked(bundle, packed({f"x/{file}": data for file, data in files.items()}), tmp_path / name)
        assert (done.returncode, done.stderr) == (0, "")
        scores = json.loads((tmp_path / name / "output" / "scores.json").read_text())
        assert list(scores) == keys
        prediction = write(files, tmp_path / f"p{name}")
        assert scores["score"] == score(challenge, truth, prediction).score
        assert is_accepted(check(CHALLENGES[challenge], prediction, template))


def test_a_bad_submission_of_a_private_phase_tells_the_same_of_two_truths(tmp_path):
    event = event_of("abaw11-mtl", TEST)
    made = [sample(event.challenge, units=3, rows=12, seed=seed) for seed in (0, 1)]
    assert made[0].truth != made[1].truth
    assert made[0].template == made[1].template
    good = next(iter(made[0].prediction.values())).splitlines(keepends=True)
    broken = {
        "short": b"".join(good[:-3]),
        "value": b"".join([*good[:3], good[3].replace(b",0", b",7", 1), *good[4:]]),
        "word": b"".join([*good[:3], b"x\n", *good[4:]]),
        "twice": b"".join([*good, good[-1]]),
        "empty": b"",
    }
    told: list[dict[str, tuple[int, str, str]]] = []
    for number, one in enumerate(made):
        place = tmp_path / str(number)
        truth, template = write(one.truth, place / "t"), write(one.template, place / "l")
        bundle = make(event, {"test": truth}, {"test": template}, place / "out", "2026-07-01")
        answers: dict[str, tuple[int, str, str]] = {}
        for name, data in broken.items():
            done = worked(bundle, packed({"a.txt": data}), place / name)
            output = place / name / "output"
            assert [path.name for path in output.iterdir()] == ["detailed_results.html"]
            answers[name] = (done.returncode, done.stderr, (output / "detailed_results.html").read_text())
        told.append(answers)
    assert told[0] == told[1]
    assert {status for status, _, _ in told[0].values()} == {1}


def test_the_starting_kit_tells_how_to_take_part_and_its_scorer_runs(bundle, tmp_path):
    kit = unpack(bundle.content / "starting_kit_validation.zip", tmp_path)
    readme = (kit / "README.md").read_text()
    command, *_ = re.findall(r"^    (python score_\w+\.py .*)$", readme, re.M)
    truth = tmp_path / "labels.txt"
    truth.write_bytes(next(iter(sample(CHALLENGES["abaw11-ah"], units=3, rows=12).truth.values())))
    scoring = re.findall(r"`(python score_\w+\.py LABELS .*)`", readme)
    for line, is_scored in ((command, False), (scoring[0], True)):
        words = line.replace("LABELS", "labels.txt").replace("SUBMISSION", "sample/sample.txt").split()[1:]
        done = subprocess.run([sys.executable, *words], cwd=kit, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout)
        assert answer["ok"] is True
        assert (answer["score"] is not None) is is_scored


def test_a_truth_without_a_score_makes_no_bundle(tmp_path):
    event = event_of("abaw11-ah", VALIDATION)
    made = sample(event.challenge, units=3, rows=12)
    truth = tmp_path / "truth.txt"
    truth.write_text("not a truth\n")
    template = write(made.template, tmp_path / "l")
    with pytest.raises(ProblemError):
        make(event, {"validation": truth}, {"validation": template}, tmp_path / "out", "2026-07-01")
    assert not (tmp_path / "out").exists()


def told(settings: dict[str, Any], reference: Path, submission: Path) -> list[str]:
    """What the scoring program says of a submission."""
    try:
        return codabench_program.evaluate(settings, reference, submission)[1]
    except codabench_program.RefusedError as error:
        return ["refused", *map(str, error.args)]


@pytest.mark.parametrize("challenge", ["abaw11-ah", "abaw10-vd"])
def test_no_planted_fault_tells_one_truth_from_another(challenge, tmp_path, monkeypatch):
    event = event_of(challenge, TEST)
    said: list[dict[str, list[str]]] = []
    faults = planted(event.challenge, sample(event.challenge, units=2, rows=8))
    for number in (0, 1):
        made, place = sample(event.challenge, units=2, rows=8, seed=number), tmp_path / str(number)
        truth, template = write(made.truth, place / "t"), write(made.template, place / "l")
        bundle = make(event, {"test": truth}, {"test": template}, place / "out", "2026-07-01")
        reference = unpack(bundle.content / "reference_test.zip", place / "ref")
        scorer = ModuleType("frozen_scorer")
        monkeypatch.setitem(sys.modules, "frozen_scorer", scorer)
        exec(members(bundle.content / "scoring_program.zip")["frozen_scorer.py"], scorer.__dict__)
        settings = json.loads((reference / "settings.json").read_text())
        answers: dict[str, list[str]] = {}
        # a zip with a fault never comes out of the platform's own unpacking, or as plain files
        for fault in faults:
            if not any(name.endswith(".zip") for name in fault.files):
                write(fault.files, place / "res" / fault.name)
                answers[fault.name] = told(settings, reference, place / "res" / fault.name)
                assert fault.is_refused == (answers[fault.name][:1] == ["refused"]), fault.name
        said.append(answers)
    assert said[0] == said[1]
    assert len(said[0]) > 30
    assert "tmp" not in str(said)
