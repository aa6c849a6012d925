"""Trunks with a stream for each task: what flows between the copies, and the settings that do not fit."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor

from abawbench.base.problems import ProblemError
from abawbench.models import backbones
from abawbench.models.sharing.gated import Forced
from abawbench.models.sharing.settings import (
    ConvFlu,
    CrossStitch,
    Hard,
    Mtan,
    Nddr,
    Separate,
    SharingSettings,
    Sluice,
    Unit,
)
from abawbench.models.sharing.streams import StreamTrunk, build_streams
from abawbench.models.sizes import size_of

STREAMS = {"expression": ("expression",), "affect": ("valence_arousal", "action_units")}
KINDS = [
    "tiny_iresnet",
    "tiny_densenet121",
    "tiny_denseface",
    "tiny_vggface",
    "tiny_vit",
    "tiny_vit_mae",
    "tiny_dinov2",
    "tiny_dinov3",
    "tiny_swin",
    "tiny_resnet",
    "tiny_convnextv2",
]
UNITS = [Separate(), Hard(), CrossStitch(), Sluice(), Nddr(), Mtan(kernel=1), ConvFlu()]


def build(kind: str = "tiny_iresnet", unit: Unit | None = None, after: tuple[int, ...] = ()) -> StreamTrunk:
    settings = SharingSettings(ConvFlu() if unit is None else unit, after=after)
    return build_streams([backbones.build(kind, seed=0)], settings, STREAMS, seed=1)


def pictures(trunk: backbones.Backbone, count: int = 2) -> Tensor:
    image_input = trunk.card.image_input
    generator = torch.Generator().manual_seed(0)
    return torch.randn(count, image_input.channels, image_input.size, image_input.size, generator=generator)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.kind)
def test_every_unit_works_in_every_trunk(kind, unit):
    trunk = build(kind, unit).train()
    vectors = trunk(pictures(trunk))
    assert vectors.shape == (2, trunk.card.width)
    assert vectors.isfinite().all()
    own = {name: vectors[:, trunk.columns(name)] for name in ("expression", "action_units")}
    assert own["expression"].shape == (2, backbones.build(kind, seed=0).card.width)
    loss = own["expression"].square().sum() + (trunk.regulariser() or 0)
    loss.backward()
    # all that both tasks can move, they move together: every unit lets the gradient through
    moved = {name for name, part in trunk.named_parameters() if part.grad is not None and part.grad.abs().sum() > 0}
    crosses = any(name.startswith("trunks.1.") for name in moved)
    assert crosses == (unit.kind not in {"none", "hard", "mtan"})
    assert {name.split(".")[0] for name in moved} >= ({"units"} if trunk.param_groups(1.0) else {"trunks"})


@pytest.mark.parametrize("kind", ["tiny_iresnet", "tiny_vit", "tiny_swin"])
def test_streams_that_share_nothing_are_the_backbone_itself(kind):
    alone = backbones.build(kind, seed=0)
    given = pictures(alone)
    with torch.no_grad():
        wanted = alone(given)
        for trunk in (build(kind, Separate()), _closed(build(kind))):
            parts = trunk(given).split(alone.card.width, 1)
            assert len(parts) == 2
            assert all(torch.allclose(part, wanted, atol=1e-5, rtol=1e-5) for part in parts)
        assert torch.allclose(build(kind, Hard())(given), wanted, atol=1e-5, rtol=1e-5)


def _closed(trunk: StreamTrunk) -> StreamTrunk:
    for unit in trunk.units:
        unit.forced = Forced(leak=0.0)
    return trunk


def test_units_stand_behind_the_stages_that_are_named():
    assert list(build().sharing_modules()) == ["after 1", "after 2", "after 3"]
    assert list(build(after=(4, 2)).sharing_modules()) == ["after 2", "after 4"]
    assert list(build(unit=Mtan()).sharing_modules()) == ["after 1", "after 2", "after 3", "after 4"]
    assert list(build(unit=Sluice()).sharing_modules()) == ["after 1", "after 2", "after 3", "depth"]


def test_a_later_unit_changes_nothing_before_it():
    late, none = build(after=(4,)), build(unit=Separate())
    given = pictures(late)
    seen: list[Tensor] = []
    late.trunks[0].layer3.register_forward_hook(lambda *call: seen.append(call[2]))
    none.trunks[0].layer3.register_forward_hook(lambda *call: seen.append(call[2]))
    assert not torch.allclose(late(given), none(given))
    assert torch.equal(*seen)


def test_sluice_mixes_the_stages_of_each_stream():
    trunk = build(unit=Sluice())
    assert trunk.depth is not None
    given = pictures(trunk)
    before = trunk(given)
    with torch.no_grad():
        trunk.depth.weights[0, 0] += 0.5
    after = trunk(given)
    own = trunk.columns("expression")
    assert not torch.allclose(before[:, own], after[:, own])
    assert torch.equal(before[:, own.stop :], after[:, own.stop :])
    # transformers keep their width, so that the mixture has b alone: two streams, two stages
    vit = build("tiny_vit", Sluice()).depth
    assert vit is not None
    assert sum(part.numel() for part in vit.parameters()) == 4


def test_the_weights_are_those_of_the_copies_and_of_the_units():
    alone = size_of(backbones.build("tiny_iresnet", seed=0), torch.zeros(1, 3, 112, 112))
    trunk = build()
    size = size_of(trunk, torch.zeros(1, 3, 112, 112))
    channels = (4, 8, 16)
    assert size.parameters == 2 * alone.parameters + sum(12 * width**2 for width in channels)
    places = (56**2, 28**2, 14**2)
    exchanged = sum(12 * width**2 * place for width, place in zip(channels, places, strict=True))
    assert size.multiply_adds == 2 * alone.multiply_adds + exchanged


def test_gates_are_told_by_stage_and_direction():
    trunk = build()
    trunk(pictures(trunk))
    stats = trunk.stats()
    assert len(stats) == 3 * 4
    assert 0 < stats["after 3 leak expression<-affect"] < 1


def test_a_trunk_can_be_copied_and_built_again_to_the_same_vectors():
    trunk = build(unit=Sluice())
    given = pictures(trunk)
    assert torch.equal(build(unit=Sluice())(given), trunk(given))
    assert torch.equal(copy.deepcopy(trunk)(given), trunk(given))


@pytest.mark.parametrize(
    ("kind", "unit", "after", "fault"),
    [
        ("tiny_iresnet", ConvFlu(), (5,), "stages from 1 to 4"),
        ("tiny_iresnet", ConvFlu(), (1, 1), "each once"),
        ("tiny_iresnet", Separate(), (1,), "no stages"),
        ("tiny_iresnet", Hard(), (1,), "no stages"),
        ("tiny_iresnet", Mtan(), (1, 2), "the last stage, 4"),
        ("tiny_iresnet", Sluice(subspaces=3), (1,), "divides the channels"),
        ("tiny_vit", ConvFlu(kernel=3), (), "kernel = 1"),
        ("tiny_vit", Mtan(), (), "kernel = 1"),
        ("tiny_vggface_landmarks", ConvFlu(), (), "pictures alone"),
        ("hf:mobilenet_v2", ConvFlu(), (), "a network of type"),
    ],
)
def test_settings_that_do_not_fit_the_trunk_are_problems(kind, unit, after, fault):
    with pytest.raises(ProblemError) as raised:
        build(kind, unit, after)
    assert all(problem.rule == "E17" for problem in raised.value.problems)
    assert any(fault in problem.expected for problem in raised.value.problems)


def test_one_stream_is_a_problem():
    with pytest.raises(ProblemError) as raised:
        build_streams([backbones.build("tiny_vit", seed=0)], SharingSettings(ConvFlu()), {"va": ("va",)})
    assert [problem.rule for problem in raised.value.problems] == ["E17"]
