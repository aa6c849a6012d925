from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from abawbench.challenges import get
from abawbench.clips.clip import clip_in_memory
from abawbench.entries import load_entry
from abawbench.table import Table
from abawbench.training.batching import Step, video_steps
from abawbench.training.data import TrainingData, split_frames
from abawbench.training.learners import first_sequences, make_learner
from abawbench.training.loop import Loop
from abawbench.training.objective import make_objective
from abawbench.training.optimisers import Average, clip
from abawbench.training.settings import OptimiserSettings, ScheduleSettings, TrainingSettings
from tests.training.runs import FEATURES, GRU, WIDTH, an_entry

TASKS = get("abaw4-mtl").tasks
QUIET = "[settings.heads]\nhidden = [8]\ndropout = 0.0\n"
SEED = "seed = 1\n"


@pytest.fixture
def entry(tmp_path):
    text = FEATURES + SEED + GRU.replace("dropout = 0.2", "dropout = 0.0") + QUIET
    return load_entry(an_entry(tmp_path, text).parent)


def a_part(lengths: dict[str, int], seed: int = 0, *, labelled: bool = True):
    clips = [clip_in_memory(name, np.zeros((count, 2, 2, 3), np.uint8)) for name, count in lengths.items()]
    rows = sum(lengths.values())
    random = np.random.default_rng(seed)
    values = {
        "va": random.uniform(-1, 1, (rows, 2)),
        "expression": random.integers(0, 8, rows).astype(np.int8),
        "action_units": random.integers(0, 2, (rows, 12)).astype(np.int8),
    }
    if not labelled:
        values = {"va": np.full((rows, 2), np.nan), "expression": np.full(rows, -1, np.int8)}
        values["va"][0] = 0.1
    frame = np.concatenate([np.arange(1, count + 1, dtype=np.int32) for count in lengths.values()])
    video = np.repeat(np.arange(len(lengths), dtype=np.int32), list(lengths.values()))
    table = Table(tuple(lengths), video, frame, values)
    features = torch.from_numpy(random.normal(size=(rows, WIDTH)).astype(np.float32))
    return split_frames(clips, table, TASKS), table, features


def a_loop(entry, part, table, features, settings: TrainingSettings) -> Loop:
    learner = make_learner(entry, is_frozen=True, takes_features=True).train()
    material = TrainingData(part, features, part.targets, None)
    return Loop(learner, material, settings, make_objective(settings, TASKS, table), device="cpu", threads=1)


def settings_of(**optimiser) -> TrainingSettings:
    chosen = OptimiserSettings(**{"rate": 0.01, "weight_decay": 0.0, **optimiser})
    return TrainingSettings(optimiser=chosen, schedule=ScheduleSettings("constant"))


def test_a_step_is_that_of_plain_pytorch(entry, tmp_path):
    part, table, features = a_part({"a": 5, "b": 5, "c": 3})
    step = Step(np.arange(13), np.array([5, 5, 3]))
    twin = load_entry(tmp_path / "2026_test_net").network.train().requires_grad_(True)
    loop = a_loop(entry, part, table, features, settings_of(clip=0.5))
    loop.run([step], lambda done: None)

    optimiser = torch.optim.AdamW(twin.parameters(), 0.01, weight_decay=0.0)
    padded = torch.zeros(3, 5, WIDTH)
    for place, (begin, end) in enumerate(((0, 5), (5, 10), (10, 13))):
        padded[place, : end - begin] = features[begin:end]
    heads, _ = twin(padded, torch.tensor([5, 5, 3]))
    rows = torch.arange(5) < torch.tensor([5, 5, 3])[:, None]
    va = torch.cat([heads["valence"], heads["arousal"]], -1)[rows]
    truth = torch.from_numpy(table.numbers("va")).float()
    covariance = ((va - va.mean(0)) * (truth - truth.mean(0))).mean(0)
    apart = va.var(0, correction=0) + truth.var(0, correction=0) + (va.mean(0) - truth.mean(0)) ** 2
    loss = 1 - (2 * covariance / apart).mean()
    classes = torch.from_numpy(table.classes("expression").astype(np.int64))
    loss = loss + nn.functional.cross_entropy(heads["expression"][rows], classes)
    units = torch.from_numpy(table.classes("action_units").astype(np.float32))
    loss = loss + nn.functional.binary_cross_entropy_with_logits(heads["action_units"][rows], units)
    loss.backward()
    nn.utils.clip_grad_norm_(twin.parameters(), 0.5)
    optimiser.step()
    for (name, expected), found in zip(twin.named_parameters(), entry.network.parameters(), strict=True):
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5, msg=name)


def test_the_state_of_a_video_goes_on_from_segment_to_segment(entry):
    part, _, features = a_part({"a": 12, "b": 7})
    learner = make_learner(entry, is_frozen=True, takes_features=True).eval()
    said = torch.zeros(19, 8)
    state = None
    for step in video_steps(part, entry.network.temporal, "rows", 2, 0, 0):
        lengths = torch.from_numpy(step.lengths)
        state = first_sequences(state, len(lengths)) if step.goes_on else None
        outputs, state = learner(features[step.places], lengths, state, None)
        said[step.places] = outputs["expression"].detach()
    for begin, end in ((0, 12), (12, 19)):
        whole, _ = entry.network(features[None, begin:end], torch.tensor([end - begin]))
        torch.testing.assert_close(said[begin:end], whole["expression"][0])


def test_a_batch_without_a_label_changes_nothing(entry):
    part, table, features = a_part({"a": 8}, labelled=False)
    loop = a_loop(entry, part, table, features, settings_of(weight_decay=0.5, ema=0.5))
    before = {name: tensor.clone() for name, tensor in loop.weights().items()}
    means = loop.run([Step(np.arange(2, 8), np.array([6]))], lambda done: None)
    assert means == {}
    for name, tensor in loop.weights().items():
        assert torch.equal(tensor, before[name])


def test_the_mean_loss_of_a_task_is_over_the_steps_that_had_one(entry):
    part, table, features = a_part({"a": 8}, labelled=False)
    part.targets["expression"].annotated[3] = True
    loop = a_loop(entry, part, table, features, settings_of(rate=0.0))
    steps = [Step(np.arange(6), np.array([6])), Step(np.arange(6, 8), np.array([2]))]
    means = loop.run(steps, lambda done: None)
    # a single value has no concordance
    assert means.keys() == {"expression", "total"}
    assert means["expression"] == means["total"] > 0


def test_each_part_of_the_network_is_clipped_by_itself():
    parts = [nn.Linear(3, 3), nn.Linear(3, 2), nn.Identity()]
    for scale, part in zip((1.0, 100.0), parts[:2], strict=True):
        for parameter in part.parameters():
            parameter.grad = torch.full_like(parameter, scale)
    clip(parts, (), OptimiserSettings(clip=5.0, clip_over="parts"))
    gradients = [[parameter.grad for parameter in part.parameters() if parameter.grad is not None] for part in parts]
    norms = [torch.cat([gradient.flatten() for gradient in own]).norm() for own in gradients[:2]]
    assert norms[0].item() == pytest.approx(12**0.5)
    assert norms[1].item() == pytest.approx(5.0, rel=1e-4)


def test_an_average_follows_the_weights():
    weights = {"weight": torch.tensor([1.0, 2.0]), "steps": torch.tensor(3)}
    average = Average(weights, 0.75)
    average.update({"weight": torch.tensor([3.0, 2.0]), "steps": torch.tensor(4)})
    assert average.weights["weight"].tolist() == [1.5, 2.0]
    assert average.weights["steps"].item() == 4
    assert weights["weight"].tolist() == [1.0, 2.0]


def test_rates_are_those_of_the_groups_and_decay_is_for_matrices(tmp_path):
    from abawbench.training.optimisers import make_optimiser, set_rate

    below, above = nn.Linear(2, 2), nn.Linear(2, 1)
    settings = OptimiserSettings(rate=0.1, backbone_rate=0.01, weight_decay=0.3)
    optimiser = make_optimiser(list(below.parameters()), list(above.parameters()), settings)
    set_rate(optimiser, 0.5)
    facts = {id(group["params"][0]): (group["lr"], group["weight_decay"]) for group in optimiser.param_groups}
    assert facts[id(below.weight)] == (0.005, 0.3)
    assert facts[id(below.bias)] == (0.005, 0.0)
    assert facts[id(above.weight)] == (0.05, 0.3)
    assert facts[id(above.bias)] == (0.05, 0.0)
