from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from abawbench import challenges
from abawbench.base.problems import ProblemError
from abawbench.entries import load_entry
from abawbench.formats import read_truth
from abawbench.training.settings import TrainOptions
from abawbench.training.sources import Source
from abawbench.training.train import train
from tests.models.shaking import one_thread
from tests.training.runs import HEAD, PICTURE, TRAIN, VALIDATION, a_corpus, an_entry, weights_of

__all__ = ["one_thread"]

EXPRESSIONS = '["Neutral", "Anger", "Disgust", "Fear", "Happiness", "Sadness", "Surprise"]'
NETWORK = (
    HEAD.format(kind="fersnet")
    + PICTURE
    + f'[settings]\nsize = 32\ncolour = "RGB"\nexpressions = {EXPRESSIONS}\n'
    + '[settings.network]\ntopology = "paper"\nwidths = [4, 4, 6, 8]\ncondition = "adain"\n'
)
TRAINING = (
    "[training]\nepochs = 2\nbatch = 8\nkeep = 'last'\n[training.optimiser]\nrate = 0.01\nema = 0.5\n"
    '[training.augmentation]\nshared = "clip"\ntranslation = 0.1\n'
)
JOINT = TRAINING + "[training.synthesis]\ndiscriminator_width = 4\ndiscriminator_steps = 2\nexpression = 0.1\n"
OPTIONS = TrainOptions(threads=1, save_steps=1)


class StoppedError(Exception):
    pass


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    return a_corpus(tmp_path_factory.mktemp("data") / "corpus")


@pytest.fixture(scope="module")
def trained(tmp_path_factory, corpus):
    out = tmp_path_factory.mktemp("run") / "whole"
    sentences: list[str] = []
    entry = an_entry(out.parent, NETWORK + JOINT)
    return train(entry, Source((corpus,)), out, options=OPTIONS, notice=sentences.append), sentences


def problems_of(*arguments, **options) -> list[str]:
    with pytest.raises(ProblemError) as caught:
        train(*arguments, **options)
    return [f"{problem.rule} {problem.found}" for problem in caught.value.problems]


@pytest.mark.parametrize("fakes", ["evaluation", "step"])
def test_a_joint_training_that_is_stopped_ends_with_the_same_bits(tmp_path, corpus, fakes):
    entry = an_entry(tmp_path, NETWORK + JOINT)
    changes = {"training.synthesis.fakes": fakes, "training.synthesis.mismatched": 0.5}
    train(entry, Source((corpus,)), tmp_path / "whole", changes, OPTIONS)
    for step in (2, 3):

        def stop(progress, step=step):
            if progress.row is None and progress.steps[0] == step:
                raise StoppedError

        with pytest.raises(StoppedError):
            train(entry, Source((corpus,)), tmp_path / "cut", changes, OPTIONS, report=stop)
    train(entry, Source((corpus,)), tmp_path / "cut", changes, OPTIONS)
    whole, cut = weights_of(tmp_path / "whole"), weights_of(tmp_path / "cut")
    assert whole.keys() == cut.keys()
    assert {name.partition("/")[0] for name in whole} >= {"last:opponent", "last:opponent_optimiser"}
    for name, tensor in whole.items():
        np.testing.assert_array_equal(tensor, cut[name], err_msg=name)


def test_every_loss_is_recorded_and_what_is_assumed_is_told(trained):
    summary, sentences = trained
    assert "assumed: each unit is a person of its own; --subjects names them" in sentences
    names = {"expression", "pixel", "identity", "adversarial", "cycle", "synthesised_expression", "discriminator"}
    for row in summary.history:
        assert row["loss"].keys() == {*names, "total"}
        weights = {"identity": 0.05, "adversarial": 0.3, "cycle": 0.5, "synthesised_expression": 0.1}
        total = sum(weights.get(name, 1) * row["loss"][name] for name in names - {"discriminator"})
        assert row["loss"]["total"] == pytest.approx(total, abs=1e-5)


def test_the_last_epoch_is_kept_and_the_note_names_the_best_too(trained):
    summary, _ = trained
    assert summary.best["score"]["epoch"] == 2
    (note,) = [note for note in load_entry(summary.out).card.notes if "trained by" in note]
    scores = [row["standing"] for row in summary.history]
    if scores[0] < scores[1]:
        assert "epoch 2 of 2, the last and the best by" in note
    else:
        assert f"epoch 2 of 2, the last: {scores[1]:.4f}, where the best would be {scores[0]:.4f} in epoch 1," in note


def test_a_trained_entry_recognises_and_synthesises(trained):
    summary, _ = trained
    entry = load_entry(summary.out)
    crops = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), np.uint8)
    faces = {name: entry.synthesise(crops, name) for name in entry.expressions}
    assert len(faces) == 7
    assert all(made.shape == crops.shape and made.dtype == np.uint8 for made in faces.values())
    assert not np.array_equal(faces["Anger"], faces["Happiness"])
    np.testing.assert_array_equal(entry.synthesise(crops[1:2], "Fear"), faces["Fear"][1:2])


def test_recognition_alone_is_learned_without_settings_of_synthesis(tmp_path, corpus):
    summary = train(an_entry(tmp_path, NETWORK + TRAINING), Source((corpus,)), tmp_path / "run", options=OPTIONS)
    assert summary.history[0]["loss"].keys() == {"expression", "total"}
    before = load_entry(an_entry(tmp_path / "fresh", NETWORK.replace("[settings]\n", "[settings]\nseed = 0\n")).parent)
    after = load_entry(summary.out)
    for name, tensor in before.network.decoder.state_dict().items():
        assert torch.equal(tensor, after.network.decoder.state_dict()[name])


def test_synthesised_faces_fill_up_the_training_split_alone(tmp_path, corpus, trained):
    summary, _ = trained
    changes = {"training.synthesis.stage": "balance", "training.epochs": 1}
    subjects = {"a": "ann", "b": "ann", "c": "eve", "d": "joe"}
    sentences: list[str] = []
    source = Source((corpus,), subjects=subjects)
    entry = summary.out / "entry.toml"
    first = train(entry, source, tmp_path / "run", changes, OPTIONS, notice=sentences.append)
    assert any("synthesising" in sentence for sentence in sentences)
    assert first.history[0]["loss"].keys() == {"expression", "total"}
    assert any("synthesise with the run" in note for note in load_entry(first.out).card.notes)
    with (tmp_path / "run" / "synthetic" / "manifest.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["synthetic"] for row in rows} == {"true"}
    parents = {row["parent_id"].partition("/")[0] for row in rows}
    assert parents <= TRAIN.keys()
    assert not parents & VALIDATION.keys()
    truth = read_truth(challenges.get("abaw4-mtl"), corpus / "training_set_annotations.txt")
    names = EXPRESSIONS.strip("[]").replace('"', "").split(", ")
    real = [
        (subjects[truth.videos[video]], names[label])
        for video, label in zip(truth.video.tolist(), truth.classes("expression").tolist(), strict=True)
        if 0 <= label < 7
    ]
    made = [(subjects[row["unit"].partition("-")[0]], row["target"]) for row in rows]
    shown = {label for _, label in real}
    assert {*real, *made} == {(person, label) for person in ("ann", "eve", "joe") for label in shown}
    counts = {label: sum(each == label for _, each in (*real, *made)) for label in shown}
    assert len({*counts.values()}) == 1
    for row in rows:
        assert (tmp_path / "run/synthetic/cropped_aligned" / row["unit"] / f"{int(row['frame']):05d}.png").is_file()
    again = train(entry, source, tmp_path / "again", changes, OPTIONS)
    assert again.history[0]["loss"] == first.history[0]["loss"]
    without = {**changes, "training.synthesis.enlarge": False}
    rare = {**changes, "training.synthesis.share": 0.25}
    rarely = train(entry, source, tmp_path / "rarely", rare, OPTIONS)
    assert rarely.history[0]["loss"] != first.history[0]["loss"]
    control = train(entry, source, tmp_path / "without", without, OPTIONS)
    assert not (tmp_path / "without" / "synthetic").exists()
    assert control.history[0]["frames"] < first.history[0]["frames"]


def test_a_training_starts_from_an_earlier_one_without_its_decoder(tmp_path, corpus, trained):
    summary, _ = trained
    six = NETWORK.replace(', "Surprise"]', "]") + JOINT
    changes = {
        "training.synthesis.start": str(summary.out / "heads.safetensors"),
        "training.optimiser.rate": 0.0,
        "training.optimiser.ema": 0.0,
        "training.epochs": 1,
    }
    before = load_entry(summary.out).network.state_dict()
    for text, classes in ((NETWORK + JOINT, 7), (six, 6)):
        sentences: list[str] = []
        folder = tmp_path / str(classes)
        own = train(
            an_entry(folder, text), Source((corpus,)), folder / "run", changes, OPTIONS, notice=sentences.append
        )
        after = load_entry(own.out).network.state_dict()
        same = {name for name, tensor in after.items() if torch.equal(tensor, before.get(name, tensor + 1))}
        weights = {name for name in after if name.endswith("weight") and after[name].ndim > 1}
        assert {name for name in weights & same if name.startswith("decoder.")} == set()
        kept = {name for name in weights if not name.startswith("decoder.")}
        assert kept - same == (set() if classes == 7 else {"classifier.weight"})
        assert any("the classifier starts anew" in sentence for sentence in sentences) == (classes == 6)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"training.augmentation.shared": "frame"}, "training.augmentation.shared = frame"),
        ({"training.balance": "expression"}, "training.balance beside training.synthesis"),
        ({"training.precision": "bfloat16"}, "training.precision beside training.synthesis"),
        ({"training.freeze_backbone": True}, "training.freeze_backbone of a FERSNet"),
        ({"settings.size": 16}, "settings.size = 16"),
        ({"training.synthesis.stage": "balance"}, "training.synthesis.stage = balance of an untrained network"),
    ],
)
def test_settings_that_do_not_fit_are_told(tmp_path, corpus, changes, found):
    told = problems_of(an_entry(tmp_path, NETWORK + JOINT), Source((corpus,)), tmp_path / "run", changes)
    assert [text for text in told if found in text and text.startswith("E19")]


def test_synthesis_needs_a_fersnet_two_expressions_and_a_subject_for_every_unit(tmp_path, corpus):
    other = HEAD.format(kind="facebehaviornet") + PICTURE + '[settings.trunk]\nkind = "tiny_vit"\n'
    told = problems_of(an_entry(tmp_path, other + JOINT), Source((corpus,)), tmp_path / "run")
    assert "E19 training.synthesis" in told
    angry = tmp_path / "angry.txt"
    rows = (corpus / "training_set_annotations.txt").read_text().splitlines()
    kept = [row for row in rows[1:] if row.split(",")[3] in {"1", "-1"}]
    angry.write_text("\n".join([rows[0], *kept]) + "\n")
    told = problems_of(
        an_entry(tmp_path / "one", NETWORK + JOINT), replace(Source((corpus,)), train=angry), tmp_path / "run"
    )
    assert [text.partition("faces of")[2] for text in told] == [" one expression"]
    source = replace(Source((corpus,)), subjects={"a": "ann"})
    told = problems_of(an_entry(tmp_path / "own", NETWORK + JOINT), source, tmp_path / "run")
    assert [text[:3] for text in told] == ["C02"]
