"""What every entry under submissions/ must do, and that each fault is caught by the check that is made for it."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from abawbench import challenges
from abawbench.base.problems import Problem, ProblemError
from abawbench.clips.clip import Clip
from abawbench.entries import load_entry
from abawbench.entries.conformance.subject import FRAMES, VIDEOS, drawn_clips, drawn_truth
from abawbench.entries.conformance.suite import AGAIN, BESIDE, CHECKS, LOADS, ROWS, Report, conform
from abawbench.entries.contract import predict_frame_wise
from abawbench.entries.loading import folders
from abawbench.entries.model import Card, Trainable, Weights
from abawbench.entries.outputs import over_frames
from abawbench.models.image_input import ImageInput

TASKS = challenges.get("abaw4-mtl").tasks
SUBMISSIONS = Path(__file__).parents[3] / "submissions"
FOLDERS = folders(SUBMISSIONS)
TINY = sorted(SUBMISSIONS.glob("*/tiny.toml"))
# what a user brings, by what stands for it where it is not there
LACKING = {
    "image-classifier": "F01",
    "tool-output": "F01",
    "2021_kollias_facebehaviornet-compound": "E01",
    "compound-zero-shot": "E01",
}
READY = ("constant", "hog", "mean", "prior", "shuffled")
# random until they are trained
NETWORKS = (
    "facebehaviornet",
    "facebehaviornet-convflu",
    "facebehaviornet-likelihood",
    "temporal-gru",
    "temporal-transformer",
)
CARD_SAYS, TASKS_NAMED = (check.name for check in CHECKS[:2])
LOADED, AFTER, ONE, NONE_VALID, EMPTY = (check.name for check in CHECKS[4:9])
APART, SIZE, COLOURS = (check.name for check in CHECKS[10:])
LOOKS = {BESIDE, APART, SIZE, COLOURS}


@pytest.fixture(autouse=True)
def _one_core():
    with threadpool_limits(1):
        yield


def kind_of(folder: Path) -> str:
    return folder.name.removeprefix("2026_abawbench_")


def by_state(report: Report, state: str) -> list[str]:
    return [finding.name for finding in report.findings if finding.state == state]


def rules(report: Report) -> set[str]:
    return {problem.rule for problem in report.problems}


def test_there_are_entries_and_tiny_ones():
    assert len(FOLDERS) >= 5
    assert TINY


@pytest.mark.parametrize("path", TINY, ids=lambda path: path.parent.name)
def test_every_tiny_entry_conforms(path):
    report = conform(partial(load_entry, path))
    assert report.is_ok, report.problems
    assert not by_state(report, "left out")


@pytest.mark.parametrize("kind", READY)
def test_every_entry_without_weights_conforms(kind):
    report = conform(partial(load_entry, f"2026_abawbench_{kind}", root=SUBMISSIONS))
    assert report.is_ok, report.problems
    assert set(by_state(report, "left out")) == ({BESIDE, APART, COLOURS} if kind == "hog" else LOOKS)


@pytest.mark.parametrize("kind", NETWORKS)
def test_every_entry_of_random_weights_conforms(kind):
    report = conform(partial(load_entry, f"2026_abawbench_{kind}", root=SUBMISSIONS))
    assert report.is_ok, report.problems
    # features are no crops
    assert bool(by_state(report, "left out")) == kind.startswith("temporal")


@pytest.mark.parametrize(
    "folder", [path for path in FOLDERS if kind_of(path) not in (*READY, *NETWORKS)], ids=lambda folder: folder.name
)
def test_an_entry_whose_weights_are_not_here_says_so_and_nothing_else(folder, tmp_path):
    away = tmp_path / folder.name
    away.mkdir()
    (away / "entry.toml").write_bytes((folder / "entry.toml").read_bytes())
    report = conform(partial(load_entry, away))
    assert by_state(report, "FAILED") == [LOADS]
    assert rules(report) == {LACKING.get(kind_of(folder), "E11")}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_page_is_headed_by_the_name_of_its_folder(folder):
    assert (folder / "README.md").read_text().startswith(f"# {folder.name}\n")


@pytest.mark.parametrize("name", [*(f"2026_abawbench_{kind}" for kind in READY), "2019_kollias_facebehaviornet/tiny"])
def test_missing_frames_do_not_move_the_others_where_each_is_answered_by_itself(name):
    entry = load_entry(name, root=SUBMISSIONS)
    clip = drawn_clips()[0]
    if isinstance(entry, Trainable):
        entry = entry.fit(drawn_clips(), drawn_truth(TASKS))
    part = replace(clip, valid=np.isin(np.arange(FRAMES), [0, 3, 4]))
    whole, some = entry.predict(clip), entry.predict(part)
    for task, values in some.items():
        assert np.isfinite(values).all(axis=1).tolist() == part.valid.tolist()
        assert np.allclose(whole[task][[0, 3, 4]], values[[0, 3, 4]], atol=1e-6)


GOOD = Card(
    name="2026_test_small",
    title="a test",
    tasks=TASKS,
    picture=ImageInput(112, "RGB", crop="arcface-112"),
    licence="MIT",
)


UNTAUGHT = replace(GOOD, tasks=())


@dataclass(frozen=True, eq=False)
class Small:
    """Answers from the mean colour of a crop."""

    card: Card = GOOD

    def encode(self, crops):
        return crops.reshape(len(crops), -1, 3).mean(axis=1).astype(np.float32) / 255

    def answer(self, seen, clip):
        red, green = seen[:, :1].astype(np.float64), seen[:, 1:2].astype(np.float64)
        whole = {
            "va": np.hstack([red, green]),
            "expression": np.hstack([red / 2, 1 - red / 2, np.zeros((len(red), 6))]),
            "action_units": np.tile(green, 12),
        }
        return {task.name: over_frames(whole[task.name], clip) for task in self.card.tasks}

    def predict(self, clip):
        return predict_frame_wise(self, clip)


class DeviceEntry(Small):
    width = 3

    def at(self, device, precision):
        return self

    def prepare(self, crops):
        return crops

    def forward(self, prepared):
        return self.encode(prepared)


@dataclass(frozen=True, eq=False)
class Whole:
    """`Small`, asked for clips alone, its answers changed before they are given."""

    change: Callable[[dict, Clip], object] = lambda answers, clip: answers
    card: Card = GOOD

    def predict(self, clip):
        return self.change(Small(self.card).predict(clip), clip)


@dataclass(frozen=True, eq=False)
class Pupil:
    """What `fit` makes, whatever the labels."""

    made: Callable[[], object]
    card: Card = UNTAUGHT

    def fit(self, clips, truth):
        return self.made()


def raising(*_):
    raise RuntimeError("no idea")


def where(condition: Callable[[Clip], bool], change: Callable = raising) -> Whole:
    """Answers changed, or not given at all, for some clips."""
    return Whole(lambda answers, clip: change(answers) if condition(clip) else answers)


def with_value(task: str, value: float, rows=slice(1, 2)) -> Whole:
    def change(answers, clip):
        answers[task][rows] = value
        return answers

    return Whole(change)


def added(answers: dict, amount: float) -> dict:
    return {**answers, "va": np.clip(answers["va"] + amount, -1, 1)}


def counting() -> Whole:
    count = itertools.count()
    return Whole(lambda answers, clip: added(answers, -0.01 * next(count)))


def no_mapping_again() -> Whole:
    count = itertools.count()
    return Whole(lambda answers, clip: None if next(count) == 1 else answers)


def random_when_made() -> Whole:
    amount = -next(LOADS_SO_FAR) / 100
    return Whole(lambda answers, clip: added(answers, amount))


LOADS_SO_FAR = itertools.count(1)


def going_on() -> Whole:
    """Begins a clip where another one ended."""
    last: dict[str, Clip] = {}

    def change(answers, clip):
        shift = -0.1 if last and last["clip"].video != clip.video else 0.0
        last["clip"] = clip
        return added(answers, shift)

    return Whole(change)


class OfBatch(Small):
    def encode(self, crops):
        seen = super().encode(crops)
        return seen - seen.mean(axis=0) if len(crops) == 7 else seen


class OfBlack(Small):
    def encode(self, crops):
        return super().encode(crops) + (0.01 if (crops[-1] == 0).all() and len(crops) > 1 else 0)


class OfWidth(DeviceEntry):
    width = 4


class Doubled(Small):
    def encode(self, crops):
        return np.repeat(super().encode(crops), 2, axis=0)

    def predict(self, clip):
        return Small(self.card).predict(clip)


class Otherwise(Small):
    def predict(self, clip):
        return added(super().predict(clip), -0.1)


class SeesOtherwise(DeviceEntry):
    def forward(self, prepared):
        return super().encode(prepared) * np.float32(0.5)

    def encode(self, crops):
        return Small.encode(self, crops)


class Grey(Small):
    def encode(self, crops):
        return np.repeat(super().encode(crops).mean(axis=1, keepdims=True), 3, axis=1)


IMAGE_INPUT = {"size": 112, "colour": "RGB", "mean": (0.5,) * 3, "std": (0.5,) * 3}
FILE = Weights("network", "a.onnx", "0" * 64, "MIT", "")
CARDS = {
    "no name": replace(GOOD, name="small"),
    "no title": replace(GOOD, title=""),
    "no licence": replace(GOOD, licence=""),
    "no picture": replace(GOOD, picture=None),
    "weights without sha256": replace(GOOD, trained_on=("x",), weights=(replace(FILE, sha256="123"),)),
    "weights without licence": replace(GOOD, trained_on=("x",), weights=(replace(FILE, licence=""),)),
    "weights of nothing": replace(GOOD, weights=(FILE,)),
    "a network without mean": replace(GOOD, networks=({"intake": {**IMAGE_INPUT, "mean": ()}},)),
    "a network without intake": replace(GOOD, networks=({"kind": "mean"},)),
}
VA, EXPRESSION, UNITS = TASKS
NAMES = {
    "no tasks": (),
    "a task twice": (*TASKS, VA),
    "a column twice": (replace(UNITS, columns=("AU1", *UNITS.columns[:-1])),),
    "a class misspelt": (replace(EXPRESSION, classes=("happyness", *EXPRESSION.classes[1:])),),
    "a class by a synonym": (replace(EXPRESSION, classes=("Neutral", "happy", *EXPRESSION.classes[2:])),),
    "a class of no vocabulary": (replace(EXPRESSION, classes=("bored", *EXPRESSION.classes[1:])),),
    "a value misspelt": (replace(VA, columns=("valence", "Arousal")),),
    "a unit with a zero": (replace(UNITS, columns=("AU01", *UNITS.columns[1:])),),
}
FAULTS: dict[str, tuple[Callable[[], object], str, str]] = {
    "does not load": (raising, LOADS, "E12"),
    "has no card": (partial(Small, "2026_test_small"), LOADS, "E16"),
    "has a card that is no JSON": (partial(Small, replace(GOOD, notes=(np.float32(1),))), LOADS, "E16"),
    "leaves the program": (sys.exit, LOADS, "E12"),
    "cannot be fitted": (partial(Pupil, raising), LOADS, "E12"),
    "fits nothing": (partial(Pupil, lambda: None), LOADS, "E02"),
    "keeps quiet about its fit": (partial(Pupil, Small), CARD_SAYS, "E16"),
    "networks unsaid": (DeviceEntry, CARD_SAYS, "E16"),
    **{name: (partial(Small, card), CARD_SAYS, "E16") for name, card in CARDS.items()},
    **{
        name: (partial(Whole, lambda answers, _: answers, replace(GOOD, tasks=tasks)), TASKS_NAMED, "E16")
        for name, tasks in NAMES.items()
    },
    "answers another task": (
        partial(Whole, lambda answers, _: {**answers, "smile": answers["va"]}),
        TASKS_NAMED,
        "E13",
    ),
    "leaves a task out": (partial(Whole, lambda answers, _: {"va": answers["va"]}), TASKS_NAMED, "E13"),
    "raises": (partial(Whole, raising), ROWS, "E12"),
    "NaN": (lambda: with_value("va", np.nan), ROWS, "E14"),
    "out of range": (lambda: with_value("va", 1.5), ROWS, "E14"),
    "no probabilities": (lambda: with_value("expression", 0.5), ROWS, "E14"),
    "answers without a crop": (lambda: with_value("action_units", 0.5, slice(0, 1)), ROWS, "E14"),
    "a row too few": (partial(Whole, lambda answers, _: {**answers, "va": answers["va"][1:]}), ROWS, "E13"),
    "float32": (partial(Whole, lambda answers, _: {**answers, "va": answers["va"].astype(np.float32)}), ROWS, "E13"),
    "no mapping": (partial(Whole, lambda answers, _: list(answers.values())), ROWS, "E13"),
    "counts its calls": (counting, AGAIN, "E15"),
    "random when it is made": (random_when_made, LOADED, "E15"),
    "goes on from the clip before": (going_on, AFTER, "E15"),
    "no single frame": (lambda: where(lambda clip: len(clip) == 1), ONE, "E12"),
    "no answer to a single frame": (lambda: where(lambda clip: len(clip) == 1, lambda _: {}), ONE, "E13"),
    "no mapping the second time": (no_mapping_again, AGAIN, "E13"),
    "no clip without a face": (lambda: where(lambda clip: len(clip) > 1 and not clip.valid.any()), NONE_VALID, "E12"),
    "no clip without frames": (lambda: where(lambda clip: not len(clip)), EMPTY, "E12"),
    "looks at a batch": (OfBatch, BESIDE, "E15"),
    "looks at black crops": (OfBlack, BESIDE, "E15"),
    "sees two rows a crop": (Doubled, BESIDE, "E13"),
    "another width": (partial(OfWidth, replace(GOOD, networks=({"intake": IMAGE_INPUT},))), BESIDE, "E13"),
    "predicts otherwise": (Otherwise, APART, "E15"),
    "sees otherwise": (partial(SeesOtherwise, replace(GOOD, networks=({"intake": IMAGE_INPUT},))), APART, "E15"),
    "stumbles over another size": (lambda: where(lambda clip: clip.size != 112), SIZE, "E12"),
    "NaN for another size": (lambda: where(lambda clip: clip.size != 112, nan_for), SIZE, "E14"),
    "sees no colour": (Grey, COLOURS, "E16"),
}


def nan_for(answers: dict) -> dict:
    return {**answers, "va": answers["va"] * np.nan}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_caught_by_the_check_that_is_made_for_it(name):
    load, check, rule = FAULTS[name]
    report = conform(load)
    assert by_state(report, "FAILED") == [check]
    assert rules(report) == {rule}


def test_every_check_catches_a_fault():
    assert {check for _, check, _ in FAULTS.values()} == {LOADS, *(check.name for check in CHECKS)}


def test_a_task_of_another_kind_than_in_the_challenges_is_named():
    report = conform(partial(Whole, lambda answers, _: answers, replace(GOOD, tasks=(replace(UNITS, name="va"),))))
    assert TASKS_NAMED in by_state(report, "FAILED")
    assert "va is a MultiLabel task" in report.problems[0].found


@pytest.mark.parametrize("entry", [Small(), Whole(), Small(replace(GOOD, picture=ImageInput(96, "BGR")))])
def test_a_sound_entry_conforms(entry):
    report = conform(lambda: entry)
    assert report.is_ok, report.problems


def test_refusing_another_size_is_as_good_as_resizing():
    def refuse(answers):
        raise ProblemError(Problem("E06", "crops of 84 pixels", "112", "align"))

    assert conform(lambda: where(lambda clip: clip.size != 112, refuse)).is_ok


def test_random_weights_come_from_no_data():
    assert conform(partial(Small, replace(GOOD, weights=(FILE,), notes=("random weights from a seed",)))).is_ok


def test_names_that_no_challenge_knows_are_an_entrys_own():
    classes = (*EXPRESSION.classes[:-2], "Contempt", "outside:Bored")
    tasks = (replace(EXPRESSION, classes=classes), replace(UNITS, columns=("AU14",)))
    whole = Whole(lambda answers, _: {**answers, "action_units": answers["action_units"][:, :1]})
    assert conform(lambda: replace(whole, card=replace(GOOD, tasks=tasks))).is_ok


def test_a_trainable_is_fitted_on_drawn_faces_with_the_tasks_that_are_named():
    seen = []

    class Learner(Pupil):
        def fit(self, clips, truth):
            seen.append((clips, truth))
            return Small(replace(GOOD, trained_videos=VIDEOS))

    task = challenges.get("abaw6-ce").tasks
    assert conform(partial(Learner, raising), task).is_ok
    clips, truth = seen[0]
    assert [clip.video for clip in clips] == list(truth.videos)
    assert set(truth.values["compound"].tolist()) == set(range(7))


def test_an_exception_names_entry_unit_and_place():
    problem = conform(partial(Whole, raising)).problems[0]
    assert "2026_test_small, unit drawn-1: RuntimeError: no idea" in problem.found
    assert problem.file == __file__


def test_what_would_only_tell_the_same_fault_again_is_left_out_and_says_so():
    report = conform(partial(Whole, raising))
    reasons = {finding.left_out for finding in report.findings if finding.name in {AGAIN, ONE, SIZE}}
    assert reasons == {f"after the failure of '{ROWS}'"}


def test_a_report_is_json():
    record = json.loads(json.dumps(conform(partial(Whole, raising)).to_json()))
    assert record["ok"] is False
    failed = [finding for finding in record["findings"] if finding["state"] == "FAILED"]
    assert [problem["rule"] for finding in failed for problem in finding["problems"]] == ["E12"]


FEATURES = """\
name = "2026_test_features"
title = "a test"
kind = "network"
vocabulary = "abaw4-mtl"
trained_on = []
sees_truth = false
licence = "MIT"

[settings]
features = 6
seed = 0
"""


def test_an_entry_of_features_is_asked_with_features(tmp_path):
    folder = tmp_path / "2026_test_features"
    folder.mkdir()
    (folder / "entry.toml").write_text(FEATURES)
    report = conform(partial(load_entry, folder))
    assert report.is_ok, report.problems
    assert {finding.name: finding.left_out for finding in report.findings if finding.left_out} == dict.fromkeys(
        LOOKS, "it takes features"
    )


TOOL = FEATURES.replace("features", "tool").replace('"network"', '"tool-output"').split("[settings]")[0]
TABLE = "frame, face_id, timestamp, confidence, success, AU01_r, AU12_r, AU01_c, AU12_c\n"


def tool_folder(root: Path, rows: str) -> Path:
    folder = root / "2026_test_tool"
    (folder / "tables").mkdir(parents=True)
    (folder / "entry.toml").write_text(TOOL + '[settings]\nfolder = "tables"\n')
    (folder / "tables" / "one.csv").write_text(TABLE + rows)
    (folder / "tables" / "two.csv").write_text(TABLE + "2, 0, 0.0, 0.9, 1, 1.0, 0.5, 1.0, 0.0\n")
    return folder


def test_tables_of_a_toolkit_are_asked_for_their_own_units(tmp_path):
    rows = "".join(f"{frame}, 0, 0.0, 0.9, 1, {frame / 4}, 0.5, 1.0, 0.0\n" for frame in range(1, 12))
    report = conform(partial(load_entry, tool_folder(tmp_path, rows)))
    assert report.is_ok, report.problems
    assert {finding.name: finding.left_out for finding in report.findings if finding.left_out} == dict.fromkeys(
        LOOKS, "it looks up files"
    )


def test_a_table_that_does_not_read_is_told_once(tmp_path):
    report = conform(partial(load_entry, tool_folder(tmp_path, "1, 0, x\n")))
    assert by_state(report, "FAILED") == [LOADS]
    assert rules(report) == {"E18"}


def test_drawn_labels_hold_every_class_every_label_and_numbers_in_range():
    truth = drawn_truth(TASKS)
    assert len(truth) == FRAMES * len(VIDEOS)
    assert set(truth.values["expression"].tolist()) == set(range(8))
    assert (truth.values["action_units"].mean(axis=0) == 0.5).all()
    assert np.abs(truth.values["va"]).max() <= 1


def test_drawn_faces_have_the_size_that_is_asked_for_and_are_of_two_people():
    one, two = drawn_clips(96)
    assert one.frames.shape == two.frames.shape == (FRAMES, 96, 96, 3)
    assert not np.array_equal(one.frames, two.frames)
