"""Ridge regression as a training: its run folder, what it learns of which labels, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from abawbench.base.problems import ProblemError
from abawbench.challenges import Categorical, get
from abawbench.clips.features import clips_of_features, write_features
from abawbench.entries import load_entry
from abawbench.entries.conformance.suite import conform
from abawbench.formats import read_truth
from abawbench.models.backbones import build
from abawbench.models.checkpoints import save_backbone
from abawbench.training.ridge_training import _require_shared_classes
from abawbench.training.sources import Source
from abawbench.training.train import train
from tests.training.runs import CROPS, HEAD, HEADER, HEADS, TRAIN, VALIDATION, a_corpus, an_entry, write_labels

MTL = get("abaw4-mtl")
LINEAR = "[settings.temporal]\nencoder = 'none'\nnormalise = 'training'\n[settings.heads]\nhidden = []\ndropout = 0.0\n"
RIDGE = "[training.ridge]\nfolds = 3\n"
PROBE = HEAD.format(kind="network") + "[settings]\nfeatures = 0\n" + LINEAR + RIDGE


def write_telling_features(folder: Path, truth: Path, noise: float = 0.2) -> Path:
    """Features that hold the labels of each frame, and noise."""
    random = np.random.default_rng(0)
    folder.mkdir(parents=True)
    for split in ("training", "validation"):
        table = read_truth(MTL, truth / f"{split}_set_annotations.txt")
        known = [np.nan_to_num(table.values["va"]), np.eye(9)[table.values["expression"]]]
        known.append(np.maximum(table.values["action_units"], 0))
        whole = np.concatenate([*known, np.zeros((len(table.frame), 3))], axis=1)
        whole += noise * random.normal(size=whole.shape)
        for place, unit in enumerate(table.videos):
            rows = table.video == place
            write_features(folder / f"{unit}.safetensors", table.frame[rows], whole[rows].astype(np.float32))
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Source:
    root = tmp_path_factory.mktemp("data")
    write_labels(root)
    return Source((write_telling_features(root / "features", root),), root)


def problems_of(*arguments) -> list[str]:
    with pytest.raises(ProblemError) as caught:
        train(*arguments)
    return [f"{problem.rule} {problem.found}" for problem in caught.value.problems]


def test_a_probe_takes_its_width_from_the_data_and_becomes_an_entry_that_conforms(tmp_path, data):
    summary = train(an_entry(tmp_path, PROBE), data, tmp_path / "run")
    entry = load_entry(tmp_path / "run")
    assert entry.width == 26
    assert [task.name for task in entry.card.tasks] == ["va", "expression", "action_units"]
    assert conform(lambda: load_entry(tmp_path / "run")).is_ok
    terms = summary.history[0]["terms"]
    # every label is in the features
    assert terms["va"] > 0.6
    assert terms["expression"] > 0.5
    assert terms["action_units"] > 0.8
    assert any("penalties chosen by 3 folds by video: va " in note for note in entry.card.notes)


def test_a_second_training_gives_the_same_bytes_and_a_finished_one_is_left_alone(tmp_path, data):
    entry = an_entry(tmp_path, PROBE)
    for run in ("one", "two"):
        train(entry, data, tmp_path / run)
    files = ("entry.toml", "heads.safetensors", "scores.json")
    one = {name: (tmp_path / "one" / name).read_bytes() for name in files}
    assert one == {name: (tmp_path / "two" / name).read_bytes() for name in files}
    told = []
    summary = train(entry, data, tmp_path / "one", resumed=lambda *numbers: told.append(numbers))
    assert (summary.was_finished, told, summary.history[0]["epoch"]) == (True, [(1, 1)], 1)
    # killed before the entry's file was written
    (tmp_path / "two" / "entry.toml").unlink()
    assert not train(entry, data, tmp_path / "two").was_finished
    assert one == {name: (tmp_path / "two" / name).read_bytes() for name in files}


def test_tasks_without_labels_are_not_answered(tmp_path):
    for split, units in (("training", TRAIN), ("validation", VALIDATION)):
        rows = [f"{unit}/{at:05d}.jpg,-5,-5,{at % 2 * 4}" for unit, count in units.items() for at in range(1, count)]
        text = HEADER + "".join(f"{row}{',-1' * 12}\n" for row in rows)
        (tmp_path / f"{split}_set_annotations.txt").write_text(text)
    features = write_telling_features(tmp_path / "features", tmp_path)
    train(an_entry(tmp_path, PROBE), Source((features,), tmp_path), tmp_path / "run")
    entry = load_entry(tmp_path / "run")
    assert [task.name for task in entry.card.tasks] == ["expression"]
    (clip, *_) = clips_of_features(features)
    odds = entry.answer(clip.vectors(), clip)["expression"]
    assert (odds.argmax(axis=1) == clip.frame % 2 * 4).mean() > 0.9
    assert (odds[:, [1, 2, 3, 5, 6, 7]] == 0).all()
    assert any("never answered, as training had none: Anger, Disgust" in note for note in entry.card.notes)


def test_folds_keep_the_subjects_together(tmp_path, data):
    subjects = {unit: unit if unit in "ab" else "cd" for unit in (*TRAIN, *VALIDATION)}
    by_person = Source(data.data, data.truth, subjects=subjects)
    train(an_entry(tmp_path, PROBE), by_person, tmp_path / "run")
    assert "by 3 folds by subject" in (tmp_path / "run" / "entry.toml").read_text()
    # another deal is another training
    assert problems_of(an_entry(tmp_path, PROBE), data, tmp_path / "run")[0].startswith("E20")
    two = {unit: "ab" if unit in "ab" else "cd" for unit in (*TRAIN, *VALIDATION)}
    people = Source(data.data, data.truth, subjects=two)
    assert problems_of(an_entry(tmp_path, PROBE), people, tmp_path / "x") == [
        "D24 3 folds of 2 subjects (those of one video count as one)"
    ]


def test_features_that_tell_nothing_earn_nothing(tmp_path, data):
    random = np.random.default_rng(1)
    (tmp_path / "noise").mkdir()
    for clip in clips_of_features(data.data[0]):
        noise = random.normal(size=(len(clip), 26)).astype(np.float32)
        write_features(tmp_path / "noise" / f"{clip.video}.safetensors", clip.frame, noise)
    summary = train(an_entry(tmp_path, PROBE), Source((tmp_path / "noise",), data.truth), tmp_path / "run")
    assert abs(summary.history[0]["terms"]["va"]) < 0.2
    assert summary.history[0]["terms"]["expression"] < 0.25


def test_a_feature_that_hardly_varies_in_training_decides_nothing_later(tmp_path, data):
    folder = tmp_path / "features"
    folder.mkdir()
    for clip in clips_of_features(data.data[0]):
        almost = np.zeros((len(clip), 1), np.float32)
        almost[0] = 1e-6 if clip.video == "a" else 0.1 if clip.video in VALIDATION else 0
        write_features(folder / f"{clip.video}.safetensors", clip.frame, np.hstack([clip.vectors(), almost]))
    train(an_entry(tmp_path, PROBE), Source((folder,), data.truth), tmp_path / "run")
    weights = load_file(tmp_path / "run" / "heads.safetensors")
    assert weights["normalisation.std"][-1] == pytest.approx(0.01 * np.median(weights["normalisation.std"]), rel=0.05)
    entry = load_entry(tmp_path / "run")
    clip = next(clip for clip in clips_of_features(folder) if clip.video == "e")
    plain = clip.vectors()
    plain[:, -1] = 0
    for task, values in entry.answer(clip.vectors(), clip).items():
        assert np.abs(values - entry.answer(plain, clip)[task]).max() < 0.05


def test_backbones_are_left_as_they_are(tmp_path):
    corpus = a_corpus(tmp_path / "corpus")
    entry = an_entry(tmp_path, CROPS + LINEAR + RIDGE)
    train(entry, Source((corpus,)), tmp_path / "run")
    save_backbone(build("tiny_vit", seed=0), tmp_path / "drawn.safetensors")
    assert (tmp_path / "run" / "backbone.safetensors").read_bytes() == (tmp_path / "drawn.safetensors").read_bytes()
    assert conform(lambda: load_entry(tmp_path / "run")).is_ok


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (PROBE.replace("hidden = []", "hidden = [4]"), "E19 training.ridge of a network with hidden layers"),
        (PROBE.replace("dropout = 0.0", "tanh = ['valence']"), "E19 training.ridge of a network with hidden layers"),
        (PROBE.replace("'none'", "'gru'"), "E19 training.ridge of a network with hidden layers"),
        (PROBE.replace("[training.ridge]", "[training]\nepochs = 3\n[training.ridge]"), "E19 training.epochs beside"),
        (PROBE.replace("folds = 3", "folds = 1"), "E19 training.ridge.folds = 1"),
        (PROBE.replace("folds = 3", "penalties = []"), "E19 training.ridge.penalties"),
        (PROBE.replace("folds = 3", "penalties = [0.0]"), "E19 training.ridge.penalties.0 = 0.0"),
        (PROBE.replace("features = 0", "features = 0\ntasks = ['va', 'smiles']"), "E02 settings.tasks: smiles"),
        (PROBE.replace("features = 0", "features = 25"), "E19 26 features a frame"),
    ],
)
def test_what_ridge_regression_cannot_fit_is_refused(tmp_path, data, text, found):
    assert any(problem.startswith(found) for problem in problems_of(an_entry(tmp_path, text), data, tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_classes_of_which_none_is_in_two_folds_are_refused():
    identity = Categorical("identity", ("ann", "bob", "cem"), None)
    fold = np.array([0, 0, 1, 1, 2])
    with pytest.raises(ProblemError, match="no class of identity in two folds"):
        _require_shared_classes(identity, np.array([0, 0, 1, 1, 2]), fold)
    _require_shared_classes(identity, np.array([0, 0, 1, 2, 2]), fold)
    _require_shared_classes(identity, np.zeros(5), fold)


def test_crops_for_a_probe_are_refused(tmp_path):
    corpus = Source((a_corpus(tmp_path / "corpus"),))
    assert problems_of(an_entry(tmp_path, PROBE), corpus, tmp_path / "run") == [
        "E19 crops for an entry that takes features"
    ]


def test_an_untrained_probe_says_so(tmp_path):
    with pytest.raises(ProblemError, match="E11") as caught:
        load_entry(an_entry(tmp_path, PROBE).parent)
    assert [problem.found for problem in caught.value.problems] == ["settings.features = 0: not trained yet"]


def test_an_open_width_is_filled_for_a_training_by_gradients_too(tmp_path, data):
    text = HEAD.format(kind="network") + "[settings]\nfeatures = 0\n" + HEADS + "[training]\nepochs = 1\n"
    train(an_entry(tmp_path, text), data, tmp_path / "run")
    assert load_entry(tmp_path / "run").width == 26


def test_tasks_may_be_named_for_any_training(tmp_path, data):
    text = HEAD.format(kind="network") + "[settings]\nfeatures = 0\ntasks = ['expression']\n[training]\nepochs = 1\n"
    summary = train(an_entry(tmp_path, text), data, tmp_path / "run")
    assert [task.name for task in load_entry(tmp_path / "run").card.tasks] == ["expression"]
    assert list(summary.history[0]["loss"]) == ["expression", "total"]


def test_the_scores_of_the_run_hold_one_fit(tmp_path, data):
    train(an_entry(tmp_path, PROBE), data, tmp_path / "run")
    scores = json.loads((tmp_path / "run" / "scores.json").read_text())
    assert [row["epoch"] for row in scores["epochs"]] == [1]
    assert scores["best"]["score"]["epoch"] == 1
