"""Trainings of entries whose tasks have streams that share features."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from abawbench.base.problems import ProblemError
from abawbench.clips.clip import clips_of_units
from abawbench.entries import load_entry
from abawbench.entries.conformance.suite import conform
from abawbench.models.sharing.streams import StreamTrunk
from abawbench.training.settings import TrainOptions
from abawbench.training.sources import Source
from abawbench.training.train import train
from tests.models.shaking import one_thread
from tests.training.runs import (
    CROPS,
    FACEBEHAVIOR,
    HEADS,
    STATIC,
    TRAINING,
    a_corpus,
    an_entry,
    some_features,
    weights_of,
    write_labels,
)

__all__ = ["one_thread"]

STREAMS = '[settings.sharing]\nstreams = [["va"], ["expression", "action_units"]]\n'


def sharing(unit: str, **options: object) -> str:
    lines = [f"{name} = {str(value).lower()}" for name, value in options.items()]
    return STREAMS + "\n".join(["[settings.sharing.unit]", f'kind = "{unit}"', *lines, ""])


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    return a_corpus(tmp_path_factory.mktemp("data") / "corpus")


def source_of(corpus: Path) -> Source:
    return Source((corpus / "cropped_aligned",), corpus)


@pytest.mark.parametrize(
    ("text", "unit", "files"),
    [
        (FACEBEHAVIOR, sharing("convflu"), 2),
        (FACEBEHAVIOR, sharing("mtan", kernel=1), 1),
        (FACEBEHAVIOR, sharing("hard"), 1),
        (CROPS, STATIC + HEADS + sharing("sluice"), 2),
    ],
    ids=["convflu", "mtan", "hard", "sluice in a network"],
)
def test_a_trained_entry_answers_again_from_its_files(corpus, tmp_path, text, unit, files):
    path = an_entry(tmp_path, text + unit + TRAINING)
    run = tmp_path / "run"
    summary = train(path, source_of(corpus), run)
    report = conform(lambda: load_entry(run))
    assert report.is_ok, report.problems
    assert len(list(run.glob("backbone*.safetensors"))) == files
    assert (run / "sharing.safetensors").is_file() == ('"hard"' not in unit)
    first, again = load_entry(run), load_entry(run)
    clip = clips_of_units(corpus / "cropped_aligned")[0]
    assert all((first.predict(clip)[name] == again.predict(clip)[name]).all() for name in ("va", "expression"))
    (facts,) = first.card.networks
    assert [stream["tasks"] for stream in facts["sharing"]["streams"]] == [["va"], ["expression", "action_units"]]
    assert len(facts["sha256"]) == 64
    assert summary.history[-1]["loss"]["total"] < summary.history[0]["loss"]["total"]


def test_the_mean_gates_of_each_epoch_stand_in_its_curves(corpus, tmp_path):
    run = tmp_path / "run"
    history = train(an_entry(tmp_path, FACEBEHAVIOR + sharing("convflu") + TRAINING), source_of(corpus), run).history
    gates = [row["sharing"]["after 1 leak va<-expression+action_units"] for row in history]
    assert len(set(gates)) == 3
    assert all(0.3 < gate < 0.7 for gate in gates)
    with (run / "curves.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["sharing after 1 leak va<-expression+action_units"]) for row in rows] == gates


def test_the_penalty_of_sluice_is_part_of_the_loss(corpus, tmp_path):
    totals = {}
    for penalty in (0.0, 10.0):
        entry = an_entry(tmp_path / str(penalty), FACEBEHAVIOR + sharing("sluice", penalty=penalty) + TRAINING)
        losses = train(entry, source_of(corpus), tmp_path / str(penalty) / "run").history[0]["loss"]
        tasks = sum(losses[name] for name in ("va", "expression", "action_units"))
        assert losses["total"] == pytest.approx(tasks + losses.get("sharing penalty", 0.0), rel=1e-5)
        totals[penalty] = losses
    assert "sharing penalty" not in totals[0.0]
    assert totals[10.0]["sharing penalty"] > 0.1


def test_units_learn_at_their_own_rate(corpus, tmp_path):
    moved = {}
    for factor in (1e-6, 1.0):
        folder = tmp_path / str(factor)
        entry = an_entry(folder, FACEBEHAVIOR + sharing("cross_stitch", rate_factor=factor) + TRAINING)
        train(entry, source_of(corpus), folder / "run")
        weights = load_file(folder / "run" / "sharing.safetensors")
        (name,) = (name for name in weights if name.endswith("weights"))
        moved[factor] = (weights[name] - 0.1 - 0.8 * torch.eye(2)[..., None]).abs().max().item()
    assert moved[1e-6] < 1e-6
    assert moved[1.0] > 1e-3


def test_a_killed_training_goes_on_to_the_same_weights(corpus, tmp_path):
    entry = an_entry(tmp_path, FACEBEHAVIOR + sharing("sluice") + TRAINING)
    source = source_of(corpus)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    train(entry, source, whole, options=TrainOptions(save_steps=1))

    def stop(progress) -> None:
        if progress.epoch[0] == 2 and progress.steps[0] == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(entry, source, killed, options=TrainOptions(save_steps=1), report=stop)
    summary = train(entry, source, killed, options=TrainOptions(save_steps=1))
    first, second = weights_of(whole), weights_of(killed)
    assert first.keys() == second.keys()
    assert all((first[name] == second[name]).all() for name in first)
    assert [row.get("sharing") for row in summary.history] == [
        row.get("sharing") for row in train(entry, source, whole).history
    ]


def test_frozen_backbones_with_fresh_units_are_refused(corpus, tmp_path):
    entry = an_entry(tmp_path, FACEBEHAVIOR + sharing("convflu") + TRAINING)
    with pytest.raises(ProblemError) as raised:
        train(entry, source_of(corpus), tmp_path / "run", {"training.freeze_backbone": True})
    assert [problem.rule for problem in raised.value.problems] == ["E19"]
    assert "never trained" in raised.value.problems[0].found


def test_a_trunk_with_streams_goes_on_from_the_files_of_a_training(corpus, tmp_path):
    first = tmp_path / "first"
    train(an_entry(tmp_path, FACEBEHAVIOR + sharing("convflu") + TRAINING), source_of(corpus), first)
    # the heads alone, over frozen streams that were trained
    train(
        first / "entry.toml",
        source_of(corpus),
        tmp_path / "second",
        {"training.freeze_backbone": True, "training.epochs": 1},
    )
    before, after = (load_entry(tmp_path / name).network.trunk for name in ("first", "second"))
    assert isinstance(after, StreamTrunk)
    assert all(torch.equal(part, after.state_dict()[name]) for name, part in before.state_dict().items())


def test_features_of_others_are_refused_and_the_streams_are_told(tmp_path):
    entry = an_entry(tmp_path, FACEBEHAVIOR + sharing("convflu") + TRAINING)
    with pytest.raises(ProblemError) as raised:
        train(entry, Source((some_features(tmp_path / "features"),), write_labels(tmp_path)), tmp_path / "run")
    expected = {problem.expected for problem in raised.value.problems}
    assert any("tiny_vit in 2 streams, convflu after 1 seed 0" in text for text in expected)
