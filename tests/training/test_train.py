from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from abawbench.base.problems import ProblemError
from abawbench.challenges import get
from abawbench.clips.clip import clips_of_units
from abawbench.clips.crop import Crop
from abawbench.clips.crop_file import write_crop
from abawbench.clips.features import clips_of_features
from abawbench.entries import load_entry
from abawbench.entries.conformance.suite import conform
from abawbench.formats import read_truth
from abawbench.labels import ACTION_UNITS_12, EXPRESSIONS_8
from abawbench.models.relatedness_files import read_relatedness, write_relatedness
from abawbench.scoring import score
from abawbench.scoring.intervals import Resampling
from abawbench.table import Table
from abawbench.training.settings import TrainOptions
from abawbench.training.sources import Source
from abawbench.training.train import train
from tests.models.checkpoints.conftest import draw_mae
from tests.models.shaking import one_thread
from tests.training.runs import (
    CROPS,
    FACEBEHAVIOR,
    FEATURES,
    GRU,
    HEADS,
    LABEL_FEEDBACK,
    PICTURE,
    SIDE,
    STATIC,
    TRAINING,
    TRANSFORMER,
    a_corpus,
    an_entry,
    in_a_process,
    some_features,
    weights_of,
    write_labels,
)

__all__ = ["one_thread"]

MTL = get("abaw4-mtl")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    return a_corpus(tmp_path_factory.mktemp("data") / "corpus", missing=("a/3", "e/5"))


@pytest.fixture(scope="module")
def features(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("data") / "features"
    write_labels(root.parent)
    return some_features(root)


def on_features(features: Path, *more: Path) -> Source:
    return Source((features, *more), features.parent)


def problems_of(*arguments, **options) -> list[str]:
    with pytest.raises(ProblemError) as caught:
        train(*arguments, **options)
    return [f"{problem.rule} {problem.found}" for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "takes_features"),
    [
        (FEATURES + GRU + HEADS + TRAINING, True),
        (FEATURES + GRU + HEADS + LABEL_FEEDBACK + TRAINING, True),
        (CROPS + GRU + HEADS + TRAINING, False),
        (FACEBEHAVIOR + TRAINING, False),
    ],
)
def test_a_training_killed_at_any_moment_ends_with_the_same_bits(tmp_path, corpus, features, text, takes_features):
    entry = an_entry(tmp_path, text)
    data, truth = (features, features.parent) if takes_features else (corpus, None)
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    changes = {} if takes_features else {"training.augmentation": {"rotation": 10.0, "contrast": 0.2, "blur": 0.5}}
    process = in_a_process(entry, data, truth, whole, changes)
    process.join()
    assert process.exitcode == 0
    random = np.random.default_rng(len(text))
    kills, patience_s = 0, 0.1
    while True:
        process = in_a_process(entry, data, truth, cut, changes)
        process.join(random.uniform(0.1, 1) * patience_s)
        if process.exitcode is not None:
            break
        process.kill()
        process.join()
        # something was saved, and not yet all
        kills += (cut / "checkpoints" / "last.json").is_file() and not (cut / "entry.toml").is_file()
        # a machine that is busy gets there too
        patience_s *= 1.4
    assert process.exitcode == 0
    assert kills > 0
    expected, found = weights_of(whole), weights_of(cut)
    assert expected.keys() == found.keys()
    for name, tensor in expected.items():
        np.testing.assert_array_equal(tensor, found[name], err_msg=name)
    first, second = (json.loads((run / "scores.json").read_text()) for run in (whole, cut))
    assert first == second


def test_the_run_folder_is_an_entry_that_scores_as_the_training_said(tmp_path, corpus):
    summary = train(an_entry(tmp_path, CROPS + GRU + HEADS + TRAINING), Source((corpus,)), tmp_path / "run")
    truth = read_truth(MTL, corpus / "validation_set_annotations.txt")
    clips = {clip.video: clip for clip in clips_of_units(corpus / "cropped_aligned")}
    for name in ("score", "va", "expression", "action_units"):
        entry = load_entry(tmp_path / "run" if name == "score" else tmp_path / "run" / name)
        said = {unit: entry.predict(clips[unit]) for unit in truth.videos}
        rows: dict[str, list] = {"va": [], "expression": [], "action_units": []}
        for video, frame in zip(truth.video.tolist(), truth.frame.tolist(), strict=True):
            unit = truth.videos[video]
            # the crop of frame 5 of e is missing: the earlier of its nearest neighbours speaks for it
            wanted = 4 if (unit, frame) == ("e", 5) else frame
            place = clips[unit].frame.tolist().index(wanted)
            rows["va"].append(said[unit]["va"][place])
            rows["expression"].append(said[unit]["expression"][place].argmax())
            rows["action_units"].append(said[unit]["action_units"][place] >= 0.5)
        values = {
            "va": np.array(rows["va"]),
            "expression": np.array(rows["expression"], np.int8),
            "action_units": np.array(rows["action_units"], np.int8),
        }
        official = score(MTL, truth, Table(truth.videos, truth.video, truth.frame, values), resampling=Resampling(100))
        best = official.score if name == "score" else official.terms[name]
        assert summary.best[name]["value"] == pytest.approx(best, abs=1e-6)
        assert summary.best[name]["value"] == max(
            row["score"] if name == "score" else row["terms"][name] for row in summary.history
        )


@pytest.mark.parametrize(
    "text", [CROPS + STATIC + HEADS + TRAINING, FACEBEHAVIOR + TRAINING, CROPS + TRANSFORMER + HEADS + TRAINING]
)
def test_a_trained_entry_passes_the_conformance_suite(tmp_path, corpus, text):
    run = tmp_path / "run"
    train(an_entry(tmp_path, text), Source((corpus,)), run, {"training.epochs": 1})
    report = conform(lambda: load_entry(run))
    assert report.is_ok, report.problems
    card = load_entry(run).card
    assert card.trained_on == ("s-Aff-Wild2, train split",)
    assert {file.role for file in card.weights} == {"heads", "backbone" if text.startswith(CROPS) else "trunk"}


def test_a_second_start_of_a_finished_run_does_nothing(tmp_path, features):
    entry, run = an_entry(tmp_path, FEATURES + GRU + HEADS + TRAINING), tmp_path / "run"
    first = train(entry, on_features(features), run)
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.is_file() and path.name[0] != "."}
    again = train(entry, on_features(features), run)
    assert (first.was_finished, again.was_finished) == (False, True)
    assert again.best == first.best
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_a_run_folder_of_another_configuration_is_refused_with_what_differs(tmp_path, features):
    entry, run = an_entry(tmp_path, FEATURES + GRU + HEADS + TRAINING), tmp_path / "run"
    train(entry, on_features(features), run, {"training.epochs": 1})
    changes = {"training.epochs": 1, "training.optimiser.rate": 0.02, "settings.temporal.width": 9}
    found = problems_of(entry, on_features(features), run, changes)
    assert found == ["E20 entry.settings.temporal.width = 8", "E20 training.optimiser.rate = 0.01"]
    other = some_features(tmp_path / "other", seed=9)
    assert problems_of(entry, Source((other,), features.parent), run, {"training.epochs": 1})[0].startswith(
        "E20 data.clips.train"
    )
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    assert problems_of(entry, on_features(features), tmp_path / "full") == ["E20 a folder of something else"]


def test_the_same_seed_gives_the_same_weights_and_another_does_not(tmp_path, features):
    entry = an_entry(tmp_path, FEATURES + GRU + HEADS + TRAINING)
    runs = []
    for name, seed in (("one", 1), ("again", 1), ("two", 2)):
        train(entry, on_features(features), tmp_path / name, {"training.epochs": 1, "training.seed": seed})
        runs.append(load_file(tmp_path / name / "heads.safetensors"))
    for name, tensor in runs[0].items():
        assert torch.equal(tensor, runs[1][name])
    assert not all(torch.equal(tensor, runs[2][name]) for name, tensor in runs[0].items())


def test_several_folders_of_features_are_put_end_to_end(tmp_path, features):
    more = some_features(tmp_path / "more", width=3, seed=8)
    entry = an_entry(tmp_path, FEATURES.replace("features = 6", "features = 9") + TRANSFORMER + HEADS + TRAINING)
    train(entry, on_features(features, more), tmp_path / "run", {"training.epochs": 1})
    trained = load_entry(tmp_path / "run")
    parts = [clips_of_features(folder)[0] for folder in (features, more)]
    answers = trained.answer(np.concatenate([part.vectors() for part in parts], 1), parts[0])
    assert np.isnan(answers["va"][6]).all()
    assert np.isfinite(np.delete(answers["va"], 6, 0)).all()


def test_a_backbone_that_is_frozen_stays_as_it_is(tmp_path, corpus):
    entry = an_entry(tmp_path, CROPS + GRU + HEADS + TRAINING)
    runs = {}
    for name, augmentation in (("looked once", None), ("looked anew", {"flip": 0.5})):
        changes = {"training.epochs": 1, "training.freeze_backbone": True, "settings.seed": 5}
        if augmentation:
            changes["training.augmentation"] = augmentation
        train(entry, Source((corpus,)), tmp_path / name, changes)
        runs[name] = load_entry(tmp_path / name)
    fresh = an_entry(tmp_path / "fresh", CROPS + GRU + HEADS)
    fresh.write_text(fresh.read_text().replace("[[settings", "[settings]\nseed = 5\n[[settings", 1))
    crops = np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE, 3), np.uint8)
    for entry in runs.values():
        np.testing.assert_array_equal(entry.encode(crops), load_entry(fresh.parent).encode(crops))


def test_normalisation_by_training_statistics_learns_them_from_the_features(tmp_path, features):
    text = FEATURES + GRU + 'normalise = "training"\n' + HEADS + TRAINING
    train(an_entry(tmp_path, text), on_features(features), tmp_path / "run", {"training.epochs": 1})
    seen = np.concatenate([clip.vectors() for clip in clips_of_features(features) if clip.video in "abcd"])
    trained = load_file(tmp_path / "run" / "heads.safetensors")
    np.testing.assert_allclose(trained["normalisation.mean"], seen.mean(0), atol=1e-6)
    np.testing.assert_allclose(trained["normalisation.std"], seen.std(0, ddof=1), atol=1e-6)


def test_folds_hold_videos_out_and_training_ends_early(tmp_path, features):
    entry = an_entry(tmp_path, FEATURES + STATIC + HEADS + TRAINING)
    units = {}
    for fold in (1, 2, 3):
        source = Source((features,), features.parent, fold=(fold, 3))
        changes = {"training.epochs": 60, "training.patience": 2, "training.optimiser.rate": 0.0}
        summary = train(entry, source, tmp_path / f"fold{fold}", changes)
        # nothing is learned, so the first epoch is the best
        assert (len(summary.history), summary.best["score"]["epoch"]) == (3, 1)
        units[fold] = json.loads((tmp_path / f"fold{fold}" / "run.json").read_text())["data"]["units"]
    assert sum(count["validation"] for count in units.values()) == 6
    assert all(count["train"] + count["validation"] == 6 for count in units.values())


def test_without_validation_the_last_epoch_is_kept(tmp_path, features):
    source = Source((features,), train=features.parent / "training_set_annotations.txt")
    entry, run = an_entry(tmp_path, FEATURES + GRU + HEADS + TRAINING), tmp_path / "run"
    summary = train(entry, source, run, {"training.optimiser.ema": 0.0})
    assert summary.best == {"score": {"epoch": 3, "value": None}}
    last = load_file(next(run.glob("checkpoints/last-*")))
    for name, tensor in load_file(run / "heads.safetensors").items():
        assert torch.equal(tensor, last[f"weights/network.{name}"])


def test_a_run_has_curves_a_log_scores_and_what_it_was_told(tmp_path, features):
    run = tmp_path / "run"
    pytest.importorskip("matplotlib")
    train(an_entry(tmp_path, FEATURES + GRU + HEADS + TRAINING), on_features(features), run)
    rows = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    lines = (run / "curves.csv").read_text().splitlines()
    assert len(lines) == 4
    assert lines[0].startswith("epoch,rate,seconds,frames,loss va,loss expression,loss action_units,loss total,score")
    assert (run / "curves.png").read_bytes().startswith(b"\x89PNG")
    record = json.loads((run / "run.json").read_text())
    assert record["training"]["epochs"] == 3
    assert record["data"]["labelled"]["train"] > 0
    assert record["versions"]["torch"] == torch.__version__.partition("+")[0] or record["versions"]["torch"]


def test_losses_that_run_away_are_told_with_step_and_task(tmp_path, features):
    entry = an_entry(tmp_path, FEATURES + GRU + HEADS + TRAINING)
    changes = {"training.optimiser.rate": 1e30, "training.losses.va.kind": "mse", "training.optimiser.clip": 0.0}
    (found,) = problems_of(entry, on_features(features), tmp_path / "run", changes)
    assert found.startswith("E22 a loss of")
    assert "in step" in found


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"training.epoch": 3}, "E02 field training.epoch"),
        ({"training.epochs": 0}, "E19 training.epochs = 0"),
        ({"training.losses.vaa.kind": "mse"}, "E19 training.losses.vaa"),
        ({"training.losses.va.kind": "bce"}, "E19 a loss of kind bce for va"),
        ({"training.balance": "va"}, "E19 training.balance of segments"),
        ({"training.augmentation.flip": 0.5}, "E19 training.augmentation of features"),
        ({"settings.features": 5}, "E19 6 features a frame in a"),
    ],
)
def test_settings_that_do_not_fit_are_told_before_anything_is_learned(tmp_path, features, changes, expected):
    entry = an_entry(tmp_path, FEATURES + GRU + HEADS + TRAINING)
    assert problems_of(entry, on_features(features), tmp_path / "run", changes)[0] == expected


@pytest.mark.parametrize(
    ("name", "value", "encoder"), [("encoder", "none", "none"), ("stride", 2, "gru"), ("carry_state", False, "gru")]
)
def test_whole_videos_need_segments_that_follow_each_other(tmp_path, features, name, value, encoder):
    entry = an_entry(tmp_path, FEATURES + GRU + HEADS + TRAINING)
    changes = {"training.videos": 2, f"settings.temporal.{name}": value}
    expected = [f"E19 training.videos = 2 with the encoder {encoder}"]
    assert problems_of(entry, on_features(features), tmp_path / "run", changes) == expected


def test_crops_of_another_kind_than_the_entry_takes_are_refused(tmp_path, corpus):
    data = Path(shutil.copytree(corpus, tmp_path / "corpus"))
    path = an_entry(tmp_path, CROPS + STATIC + HEADS + TRAINING)
    told: list[str] = []
    write_crop(data / "cropped_aligned", Crop("wide", SIDE))
    with pytest.raises(ProblemError) as caught:
        train(path, Source((data,)), tmp_path / "run", notice=told.append)
    (first, *_) = caught.value.problems
    assert (first.rule, first.count) == ("E19", 6)
    assert first.found == "crops wide of 16 x 16 pixels in a"
    assert first.fix == "cut the crops that it takes: abawbench faces VIDEOS OUT --crop arcface-112 --size 16"
    assert not any("crops" in sentence for sentence in told)
    (data / "cropped_aligned" / "crop.json").unlink()
    train(path, Source((data,)), tmp_path / "run", {"training.epochs": 1}, notice=told.append)
    assert told[-1].startswith("note: crops that do not say what they show; alike in 6 units")


def test_what_is_assumed_of_a_checkpoint_is_told_before_the_training(tmp_path, corpus):
    brought = CROPS.replace('kind = "tiny_vit"', 'weights = {file = "vit.pth", licence = "a test"}')
    path = an_entry(tmp_path, brought + STATIC + HEADS + TRAINING)
    torch.save(draw_mae(), path.parent / "vit.pth")
    told: list[str] = []
    train(path, Source((corpus,)), tmp_path / "run", {"training.epochs": 1}, notice=told.append)
    assert any(sentence.startswith("note: hf:vit with mean 0.485,0.456,0.406") for sentence in told)


def test_videos_are_refused_with_the_command_that_cuts_their_faces(tmp_path, corpus):
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "a.mp4").touch()
    path = an_entry(tmp_path, CROPS + STATIC + HEADS + TRAINING)
    with pytest.raises(ProblemError, match=r"D30.*[\s\S]*abawbench faces VIDEOS OUT --crop arcface-112 --size 16"):
        train(path, Source((tmp_path / "videos",), corpus), tmp_path / "run")


def test_data_that_do_not_fit_are_told(tmp_path, corpus, features):
    entry = an_entry(tmp_path, FEATURES + GRU + HEADS + TRAINING)
    assert problems_of(entry, Source((features,)), tmp_path / "run") == ["E19 no labels to learn from"]
    assert problems_of(entry, Source((corpus,)), tmp_path / "run") == ["E19 crops for an entry that takes features"]
    assert problems_of(entry, Source((corpus, features)), tmp_path / "run")[0].startswith("P04")
    shutil.copytree(features, tmp_path / "renamed")
    for path in list((tmp_path / "renamed").iterdir()):
        path.rename(path.with_stem(f"x{path.stem}"))
    (found,) = problems_of(entry, Source((tmp_path / "renamed",), features.parent), tmp_path / "run")
    assert found.startswith("E07 0 of 4 units")


@pytest.mark.parametrize(
    ("name", "value", "near"),
    [
        ("losses.va.kind", "msee", "mse"),
        ("losses.expression.class_weights", "balancd", "balanced"),
        ("weighting.kind", "uncertain", "uncertainty"),
        ("optimiser.kind", "adamx", "adam"),
        ("optimiser.clip_over", "part", "parts"),
        ("schedule.kind", "cosin", "cosine"),
        ("databases", "label", "labels"),
        ("precision", "bfloat", "bfloat16"),
        ("augmentation.shared", "clips", "clip"),
        ("coupling.terms", ["soft_co_anotation"], "soft_co_annotation"),
        ("balance", "expresion", "expression"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(tmp_path, features, name, value, near):
    entry = an_entry(tmp_path, FEATURES + STATIC + HEADS + TRAINING)
    with pytest.raises(ProblemError) as caught:
        train(entry, on_features(features), tmp_path / "run", {f"training.{name}": value})
    first = caught.value.problems[0]
    assert first.found.startswith(f"training.{name}")
    assert first.fix == f"did you mean {near}?"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("batch", 0),
        ("optimiser.betas", [0.9, 1.0]),
        ("schedule.warmup_epochs", 3.0),
        ("augmentation.flip", 1.5),
        ("mixing.alpha", 0.0),
        ("weighting.weights.va", -1.0),
        ("losses.va.focus", -1.0),
        ("coupling.threshold", 1.0),
    ],
)
def test_a_value_out_of_range_is_told_by_its_dotted_name(tmp_path, features, name, value):
    entry = an_entry(tmp_path, FEATURES + STATIC + HEADS + TRAINING)
    found = problems_of(entry, on_features(features), tmp_path / "run", {f"training.{name}": value})
    assert found[0].startswith(f"E19 training.{name}")


def test_two_trainings_at_once_in_one_folder_are_one_and_a_refusal(tmp_path, features):
    entry, run, refused = an_entry(tmp_path, FEATURES + GRU + HEADS + TRAINING), tmp_path / "run", []
    changes = {"training.epochs": 1}

    def second(progress):
        if not refused:
            refused.extend(problems_of(entry, on_features(features), run, changes))

    train(entry, on_features(features), run, changes, report=second)
    assert [text.split()[0] for text in refused] == ["D36"]
    train(entry, on_features(features), tmp_path / "alone", changes)
    assert (run / "heads.safetensors").read_bytes() == (tmp_path / "alone" / "heads.safetensors").read_bytes()


def test_another_kind_of_entry_is_refused(tmp_path, corpus):
    entry = an_entry(tmp_path, FEATURES.replace('"network"', '"hog"').replace("features = 6", "cell = 8"))
    assert problems_of(entry, Source((corpus,)), tmp_path / "run") == ["E19 kind = hog"]


def test_every_option_for_single_frames_works_together(tmp_path, corpus):
    entry = an_entry(tmp_path, FACEBEHAVIOR + TRAINING)
    changes = {
        "training.epochs": 1,
        "training.mixing": {},
        "training.balance": "expression",
        "training.databases": "labels",
        "training.weighting.kind": "uncertainty",
        "training.precision": "bfloat16",
        "training.augmentation.flip": 0.5,
    }
    summary = train(entry, Source((corpus,)), tmp_path / "run", changes, TrainOptions(log="tensorboard"))
    assert np.isfinite(list(summary.history[0]["loss"].values())).all()
    assert list((tmp_path / "run" / "tensorboard").iterdir())


def test_a_coupling_of_the_entry_is_learned(tmp_path, corpus):
    entry = an_entry(tmp_path, FACEBEHAVIOR + TRAINING)
    changes = {"training.epochs": 1, "settings.coupling": "distribution_matching"}
    summary = train(entry, Source((corpus,)), tmp_path / "run", changes)
    assert "distribution_matching" in summary.history[0]["loss"]
    assert "coupling in training: distribution matching" in load_entry(tmp_path / "run").card.notes
    several = {"training.epochs": 1, "training.coupling.terms": ["soft_co_annotation", "distribution_matching"]}
    train(entry, Source((corpus,)), tmp_path / "several", several)
    # the card of the trained entry declares what was trained
    declared = "coupling in training: soft co annotation, distribution matching"
    assert declared in load_entry(tmp_path / "several").card.notes
    changes["training.coupling.terms"] = ["soft_co_annotation"]
    assert problems_of(entry, Source((corpus,)), tmp_path / "other", changes)[0].startswith("E19 settings.coupling")


def test_the_entry_with_likelihood_coupling_is_trained_and_says_whether_its_table_holds(tmp_path, corpus):
    tiny = Path(__file__).parents[2] / "submissions" / "2026_abawbench_facebehaviornet-likelihood" / "tiny.toml"
    said: list[str] = []
    changes = {"training.epochs": 1, "picture": tomllib.loads(PICTURE)["picture"]}
    summary = train(tiny, Source((corpus,)), tmp_path / "run", changes, notice=said.append)
    assert np.isfinite(summary.history[0]["loss"]["likelihood"])
    checked = [sentence for sentence in said if "relatedness" in sentence]
    assert len(checked) == 2
    trained = load_entry(tmp_path / "run").card
    assert {*checked, "coupling in training: likelihood"} <= set(trained.notes)
    # eight classes by name, of which Other is not in the expert table; 22 rows have both
    assert "12 of 96 cells are not known" in checked[0]
    assert "of permuted tables explain the labels of 30 training rows better" in checked[1]


def test_an_own_table_is_kept_in_the_run_and_another_one_is_another_training(tmp_path, corpus):
    entry = an_entry(tmp_path, FACEBEHAVIOR + TRAINING)
    names = (EXPRESSIONS_8, ACTION_UNITS_12)
    table = np.random.default_rng(0).random((8, 12))
    write_relatedness(entry.parent / "own.csv", table, *names)
    changes = {"training.epochs": 1, "training.coupling": {"table": "own.csv", "ramp_epochs": 1}}
    train(entry, Source((corpus,)), tmp_path / "run", changes)
    assert np.array_equal(read_relatedness(tmp_path / "run" / "relatedness.csv", *names), table)
    mixed = read_relatedness(tmp_path / "run" / "relatedness_mixed.csv", *names)
    assert 0 < np.abs(mixed - table).max() < 2 / 12
    assert 'table = "relatedness.csv"' in (tmp_path / "run" / "entry.toml").read_text()
    assert train(entry, Source((corpus,)), tmp_path / "run", changes).was_finished
    # the trained entry can be trained further from where it lies
    train(tmp_path / "run" / "entry.toml", Source((corpus,)), tmp_path / "further", {"training.epochs": 1})
    write_relatedness(entry.parent / "own.csv", 1 - table, *names)
    found = problems_of(entry, Source((corpus,)), tmp_path / "run", changes)
    assert any(text.startswith("E20 training.coupling.table") for text in found)
    (entry.parent / "own.csv").write_text("x,AU1\nhappy,2\n")
    found = problems_of(entry, Source((corpus,)), tmp_path / "other", changes)
    assert found[0].startswith("E17")


def test_whole_videos_are_learned_with_their_state(tmp_path, features):
    entry = an_entry(tmp_path, FEATURES + GRU + HEADS + TRAINING)
    summary = train(entry, on_features(features), tmp_path / "run", {"training.videos": 2, "training.epochs": 2})
    assert summary.history[0]["frames"] == 13 + 9 + 17 + 4
