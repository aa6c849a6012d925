"""ConvFLU: its gates, and the units that it contains as special cases."""

from __future__ import annotations

import pytest
import torch

from abawbench.models.sharing.gated import Forced
from abawbench.models.sharing.settings import ConvFlu, CrossStitch, Nddr
from tests.models.sharing.units import THREE, TWO, distance, maps, unit

# maps as after a ReLU, and as they come
GIVEN = [{task: part.relu() for task, part in maps().items()}, maps(seed=3)]


@pytest.mark.parametrize("given", GIVEN)
def test_open_gates_without_tangent_are_nddr_without_norm_and_relu(given):
    flu, nddr = unit(ConvFlu()), unit(Nddr())
    flu.forced = Forced(take=1.0, leak=1.0, is_linear=True)
    with torch.no_grad():
        own, other = (torch.cat((part.from_own.weight, part.from_other.weight), 1) for part in flu.directions)
        nddr.mixers[0][0].weight.copy_(own)
        # the second stream reads the other first
        nddr.mixers[1][0].weight.copy_(torch.cat(other.split(6, 1)[::-1], 1))
    joined = torch.cat(list(given.values()), 1)
    wanted = dict(zip(TWO, (mixer[0](joined) for mixer in nddr.mixers), strict=True))
    assert distance(flu(given), wanted) < 1e-6


@pytest.mark.parametrize("given", GIVEN)
def test_open_gates_with_diagonal_weights_are_cross_stitch_per_channel(given):
    flu, stitch = unit(ConvFlu()), unit(CrossStitch())
    flu.forced = Forced(take=1.0, leak=1.0, is_linear=True)
    with torch.no_grad():
        stitch.weights.copy_(torch.randn(2, 2, 6, generator=torch.Generator().manual_seed(1)))
        for place, part in enumerate(flu.directions):
            part.from_own.weight.copy_(stitch.weights[place, place].diag()[..., None, None])
            part.from_other.weight.copy_(stitch.weights[place, 1 - place].diag()[..., None, None])
    assert distance(flu(given), stitch(given)) < 1e-6


@pytest.mark.parametrize("leak", [0.0, 0.25, 1.0])
def test_a_constant_leak_of_the_other_stream_is_a_convex_cross_stitch(leak):
    flu, stitch = unit(ConvFlu()), unit(CrossStitch(per_channel=False))
    flu.forced = Forced(take=1.0, leak=leak, is_linear=True)
    with torch.no_grad():
        stitch.weights.copy_(torch.tensor([[1 - leak, leak], [leak, 1 - leak]]))
        for part in flu.directions:
            part.from_own.weight.zero_()
            part.from_other.weight.copy_(torch.eye(6)[..., None, None])
    assert distance(flu(GIVEN[0]), stitch(GIVEN[0])) < 1e-6


@pytest.mark.parametrize("tasks", [TWO, THREE])
def test_a_closed_leak_is_no_sharing(tasks):
    flu = unit(ConvFlu(), tasks)
    flu.forced = Forced(leak=0.0)
    assert distance(flu(maps(tasks)), maps(tasks)) == 0


def test_the_orientation_of_the_code_is_that_of_the_paper_with_the_leak_negated():
    paper, code = unit(ConvFlu()), unit(ConvFlu(orientation="code"))
    code.load_state_dict(paper.state_dict())
    assert distance(paper(maps()), code(maps())) > 1e-3
    with torch.no_grad():
        for part in code.directions:
            part.leak.weight.neg_()
    assert distance(paper(maps()), code(maps())) < 1e-6


@pytest.mark.parametrize(("leak", "flows"), [(0.0, False), (0.2, True), (None, True)])
def test_the_loss_of_a_stream_moves_the_other_one_exactly_where_it_leaks(leak, flows):
    flu, given = unit(ConvFlu()), maps()
    flu.forced = Forced(leak=leak)
    for part in given.values():
        part.requires_grad_()
    flu(given)["expression"].square().sum().backward()
    gradient = given["va"].grad
    assert gradient is not None
    assert (gradient.abs().sum().item() > 0) == flows


@pytest.mark.parametrize("orientation", ["paper", "code"])
def test_a_leak_bias_of_minus_two_starts_with_a_share_near_an_eighth(orientation):
    flu = unit(ConvFlu(leak_bias=-2.0, orientation=orientation), channels=8)
    with torch.no_grad():
        for part in flu.directions:
            part.leak.weight.mul_(0.1)
    flu(maps(channels=8))
    leaks = [value for name, value in flu.stats().items() if name.startswith("leak")]
    assert leaks == pytest.approx([0.119, 0.119], abs=0.005)


def test_fresh_gates_are_half_open_and_told_by_direction():
    flu = unit(ConvFlu(), channels=16)
    flu(maps(channels=16))
    assert flu.stats().keys() == {
        f"{gate} {way}" for gate in ("take", "leak") for way in ("expression<-va", "va<-expression")
    }
    assert list(flu.stats().values()) == pytest.approx([0.5] * 4, abs=0.05)


def test_a_third_stream_makes_it_an_extension_and_each_reads_all_others():
    flu, given = unit(ConvFlu(), THREE), maps(THREE)
    assert flu.is_extension
    assert not unit(ConvFlu()).is_extension
    shared = flu(given)
    for other in ("va", "action_units"):
        changed = flu({**given, other: given[other] + 1})
        assert (changed["expression"] - shared["expression"]).abs().max() > 1e-4
    assert "leak expression<-others" in flu.stats()
