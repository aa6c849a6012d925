from __future__ import annotations

import importlib

import pytest
import torch

from abawbench.base.problems import ProblemError
from abawbench.models.backbones import KINDS, Backbone, Overrides, build
from abawbench.models.image_input import half

TINY = sorted(kind for kind in KINDS if kind.startswith("tiny_") and not kind.endswith("_landmarks"))


def pictures(network: Backbone, count: int = 2) -> torch.Tensor:
    image_input = network.card.image_input
    generator = torch.Generator().manual_seed(5)
    return torch.randn(count, image_input.channels, image_input.size, image_input.size, generator=generator)


@torch.no_grad()
@pytest.mark.parametrize("kind", TINY)
def test_a_vector_for_each_picture_as_wide_as_the_card_says(kind):
    network = build(kind, seed=0)
    vectors = network(pictures(network, 3))
    assert vectors.shape == (3, network.card.width)
    assert vectors.isfinite().all()
    assert (vectors[0] - vectors[1]).abs().max() > 0
    assert network.card.kind == kind
    assert not any(module.training for module in network.modules())


@torch.no_grad()
@pytest.mark.parametrize("kind", TINY)
def test_a_picture_gets_its_vector_whatever_stands_beside_it(kind):
    network = build(kind, seed=0)
    several = pictures(network, 3)
    assert torch.allclose(network(several)[1:2], network(several[1:2]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", TINY)
def test_a_seed_gives_the_same_weights_and_leaves_the_generator_alone(kind):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    first, again, other = (build(kind, seed=seed).state_dict() for seed in (7, 7, 8))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize("kind", TINY)
def test_without_a_seed_the_weights_come_from_the_generator(kind):
    torch.manual_seed(7)
    drawn = build(kind).state_dict()
    again = build(kind).state_dict()
    seeded = build(kind, seed=7).state_dict()
    assert all(torch.equal(drawn[name], seeded[name]) for name in drawn)
    assert any(not torch.equal(drawn[name], again[name]) for name in drawn)


@pytest.mark.parametrize("kind", TINY)
def test_pictures_of_another_shape_are_refused(kind):
    network = build(kind, seed=0)
    whole = pictures(network)
    for wrong in (whole[:, :, 1:], whole[0], whole.repeat(1, 2, 1, 1)):
        with pytest.raises(ProblemError, match="E06"):
            network(wrong)


@pytest.mark.parametrize("kind", TINY)
def test_a_tiny_network_has_less_than_a_tenth_of_a_million_numbers(kind):
    assert sum(value.numel() for value in build(kind, seed=0).parameters()) < 100_000


@pytest.mark.parametrize("place", sorted(set(KINDS.values())))
def test_every_place_of_the_register_is_there(place):
    module, name = place.split(":")
    assert callable(getattr(importlib.import_module(module), name))


@pytest.mark.parametrize(
    ("kind", "near"), [("iresnet5O", "iresnet50"), ("mae_vit_base", "mae_vit_b"), ("tiny_vgg", "tiny_v")]
)
def test_an_unknown_kind_is_refused_with_near_names(kind, near):
    with pytest.raises(ProblemError, match="E01") as caught:
        build(kind)
    assert near in str(caught.value).split("fix:")[1]


def test_a_kind_that_is_near_to_none_is_refused_with_all_names():
    with pytest.raises(ProblemError, match=r"E01(.|\n)*denseface100, .*iresnet100"):
        build("?")


def test_mean_deviation_and_colour_of_the_card_stand_in_the_place_of_the_preset():
    overrides = Overrides(colour="BGR", mean=(0.471, 0.363, 0.333), std=(0.22, 0.193, 0.18))
    image_input = build("tiny_iresnet", seed=0, overrides=overrides).card.image_input
    assert (image_input.size, image_input.colour, image_input.mean, image_input.std) == (
        112,
        "BGR",
        overrides.mean,
        overrides.std,
    )
    assert build("tiny_iresnet", seed=0).card.image_input == half(112)


def test_overrides_on_overrides_keep_what_is_not_said_above():
    above = Overrides(size=48, pooling="mean")
    assert above.over(Overrides(size=32, layer=1)) == Overrides(size=48, pooling="mean", layer=1)


def test_repeating_what_a_fixed_network_does_is_allowed_and_anything_else_named_at_once():
    same = Overrides(size=112, layer=-1, pooling="embedding")
    assert build("tiny_iresnet", seed=0, overrides=same).card == build("tiny_iresnet", seed=0).card
    with pytest.raises(ProblemError) as caught:
        build("tiny_iresnet", overrides=Overrides(size=96, layer=2, pooling="mean"))
    assert [problem.rule for problem in caught.value.problems] == ["E17"] * 3
