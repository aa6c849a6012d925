"""What every sharing unit keeps to, whatever its kind."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from abawbench.base.problems import ProblemError
from abawbench.models.sharing.build import make_unit
from abawbench.models.sharing.settings import ConvFlu, CrossStitch, Mtan, Nddr, Separate, Sluice
from abawbench.models.sizes import Size, size_of
from tests.models.sharing.units import THREE, TWO, UNITS, distance, maps, unit


@pytest.mark.parametrize("tasks", [TWO, THREE])
@pytest.mark.parametrize("name", UNITS)
def test_every_unit_keeps_the_shapes_of_the_streams(name, tasks):
    given = maps(tasks)
    for size in ((5, 7), (1, 1), (9, 1)):
        given = maps(tasks, height=size[0], width=size[1])
        shared = unit(UNITS[name], tasks)(given)
        assert {task: part.shape for task, part in shared.items()} == {task: part.shape for task, part in given.items()}


@pytest.mark.parametrize("name", UNITS)
def test_streams_are_read_as_they_came_whatever_the_order_of_the_dictionary(name):
    given = maps(THREE)
    kept = {task: part.clone() for task, part in given.items()}
    module = unit(UNITS[name], THREE)
    forwards = module(given)
    backwards = module(dict(reversed(given.items())))
    assert distance(forwards, backwards) == 0
    assert distance(given, kept) == 0


@pytest.mark.parametrize("name", ["none", "cross_stitch", "cross_stitch of scalars", "nddr"])
def test_tasks_in_another_order_give_the_same_answers_once_the_weights_are_ordered_too(name):
    order = [2, 0, 1]
    first, second = unit(UNITS[name], THREE), unit(UNITS[name], [THREE[place] for place in order])
    with torch.no_grad():
        for parameter in first.parameters():
            parameter.add_(0.2 * torch.rand(parameter.shape, generator=torch.Generator().manual_seed(4)))
        if name.startswith("cross"):
            second.weights.copy_(first.weights[order][:, order])
        if name == "nddr":
            for place, before in enumerate(order):
                own, other = second.mixers[place], first.mixers[before]
                own.load_state_dict(other.state_dict())
                blocks = other[0].weight.split(6, 1)
                own[0].weight.copy_(torch.cat([blocks[part] for part in order], 1))
    assert distance(first(maps(THREE)), second(maps(THREE))) < 1e-6


def test_the_first_answers_of_cross_stitch_and_nddr_are_nine_parts_own_and_one_of_the_other():
    given = maps()
    wanted = {"expression": 0.9 * given["expression"] + 0.1 * given["va"]}
    wanted["va"] = 0.9 * given["va"] + 0.1 * given["expression"]
    for settings in (CrossStitch(), CrossStitch(per_channel=False)):
        assert distance(unit(settings)(given), wanted) < 1e-6
    nddr = unit(Nddr())
    joined = torch.cat(list(given.values()), 1)
    assert distance(dict(zip(TWO, (mixer[0](joined) for mixer in nddr.mixers), strict=True)), wanted) < 1e-6


def test_five_tasks_of_cross_stitch_start_as_in_the_source():
    module = unit(CrossStitch(per_channel=False, own=0.8), [f"task{number}" for number in range(5)])
    assert torch.allclose(module.weights, 0.75 * torch.eye(5) + 0.05)


def test_rows_of_a_sluice_add_up_to_one_and_its_penalty_is_zero_for_orthogonal_subspaces():
    module = unit(Sluice(spread=0.0, penalty=1.0)).train()
    assert torch.allclose(module.weights.sum(1), torch.ones(4))
    given = {task: torch.zeros(2, 6, 4, 5) for task in TWO}
    for part in given.values():
        # the subspaces live in different rows
        part[:, :3, :2] = torch.rand(2, 3, 2, 5)
        part[:, 3:, 2:] = torch.rand(2, 3, 2, 5)
    module(given)
    assert module.regulariser().item() == 0
    given["va"][:, 3:, :2] = 1.0
    module(given)
    rows = given["va"].permute(1, 0, 2, 3).flatten(1)
    by_hand = (rows[:3] @ rows[3:].T / rows.shape[1]).square().sum()
    assert module.regulariser().item() == pytest.approx(by_hand.item())


def test_the_penalty_of_a_sluice_reaches_the_stages_below_it_and_is_gone_in_evaluation():
    module, given = unit(Sluice()).train(), maps()
    given["va"].requires_grad_()
    module(given)
    module.regulariser().backward()
    assert given["va"].grad is not None
    assert given["va"].grad.abs().sum() > 0
    module.eval()(maps())
    assert module.regulariser().item() == 0


@pytest.mark.parametrize(("channels", "parameters"), [(128, 98_304), (256, 393_216), (512, 1_572_864)])
def test_a_pair_of_convflu_has_the_parameters_and_multiply_adds_of_the_specification(channels, parameters):
    side = {128: 24, 256: 12, 512: 6}[channels]
    size = size_of(make_unit(channels, TWO, ConvFlu()), {task: torch.zeros(1, channels, side, side) for task in TWO})
    # both directions; the specification states one
    assert size == Size(2 * parameters, 2 * 56_623_104)
    assert size_of(make_unit(channels, TWO, ConvFlu(kernel=3)), maps(channels=channels)).parameters == 18 * parameters


@pytest.mark.parametrize(
    ("settings", "tasks", "parameters"),
    [
        (Separate(), TWO, 0),
        (CrossStitch(), THREE, 9 * 6),
        (CrossStitch(per_channel=False), THREE, 9),
        (Sluice(), THREE, (2 * 3) ** 2),
        (Nddr(), THREE, 3 * (3 * 6 * 6) + 3 * 2 * 6),
        # the extension adds a 1x1 convolution of both others to each direction
        (ConvFlu(), THREE, 3 * (6 * 36 + 2 * 36)),
        (ConvFlu(leak_bias=-2.0, post_norm=True), TWO, 2 * (6 * 36 + 6 + 2 * 6)),
        (Mtan(), TWO, 2 * (2 * 36 + 4 * 6)),
    ],
)
def test_units_have_the_parameters_of_their_formula(settings, tasks, parameters):
    assert sum(parameter.numel() for parameter in unit(settings, tasks).parameters()) == parameters


@pytest.mark.parametrize("name", UNITS)
def test_one_random_batch_can_be_learned_by_heart_with_every_unit(name):
    generator = torch.Generator().manual_seed(1)
    pictures = torch.randn(8, 3, 6, 6, generator=generator)
    labels = {task: torch.randint(4, (8,), generator=generator) for task in TWO}
    module = unit(UNITS[name], channels=16).train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        stems = nn.ModuleList(nn.Conv2d(3, 16, 3) for _ in TWO)
        heads = nn.ModuleList(nn.Linear(16 * 16, 4) for _ in TWO)
    one = UNITS[name].ONE_TRUNK
    groups = module.param_groups(1e-2) if list(module.parameters()) else []
    # the source's rates of these are for plain gradient descent
    groups = [group | {"lr": 1e-2} for group in groups]
    optimiser = torch.optim.Adam([*groups, {"params": [*stems.parameters(), *heads.parameters()], "lr": 1e-2}])
    logits: dict[str, torch.Tensor] = {}
    for _ in range(60):
        given = {task: stems[0 if one else place](pictures).relu() for place, task in enumerate(TWO)}
        shared = module(given)
        logits = {task: head(shared[task].flatten(1)) for task, head in zip(TWO, heads, strict=True)}
        loss = sum(nn.functional.cross_entropy(logits[task], labels[task]) for task in TWO) + module.regulariser()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert all(bool((logits[task].argmax(1) == labels[task]).all()) for task in TWO)


def test_mtan_refines_the_maps_of_the_stage_before():
    module = unit(Mtan(), channels=8, before=6)
    trunk = dict(zip(TWO, [maps(channels=8, height=3, width=4)["va"]] * 2, strict=True))
    before = maps(channels=6)
    shared = module(trunk, before)
    assert distance(shared, module(trunk, {**before, "va": before["va"] + 1})) > 0
    assert all(bool((shared[task].abs() <= trunk[task].abs()).all()) for task in TWO)


def test_rates_of_groups_are_those_of_the_source_and_mixing_weights_do_not_decay():
    (group,) = unit(CrossStitch()).param_groups(1e-4)
    assert group["lr"] == pytest.approx(1e-2)
    assert group["weight_decay"] == 0.0
    convolutions, norms = unit(Nddr()).param_groups(1e-4)
    assert "weight_decay" not in convolutions
    assert norms["weight_decay"] == 0.0
    assert sum(parameter.numel() for parameter in convolutions["params"]) == 2 * 72
    assert unit(Separate()).param_groups(1e-4) == []


def test_a_unit_can_be_copied_after_a_step_and_tells_the_same_thereafter():
    module = unit(Sluice()).train()
    given = maps()
    given["va"].requires_grad_()
    module(given)
    twin = copy.deepcopy(module)
    assert twin.regulariser().item() == 0
    assert twin.stats() == module.stats()


def test_mixing_weights_are_told_by_direction():
    stats = unit(CrossStitch()).stats()
    assert stats == pytest.approx({"weight expression<-va": 0.1, "weight va<-expression": 0.1})
    assert unit(Nddr()).stats() == pytest.approx(stats)
    # both subspaces of the other stream, at 1/30 each
    assert unit(Sluice(spread=0.0)).stats() == pytest.approx(dict.fromkeys(stats, 2 * 0.1 / 3))


@pytest.mark.parametrize(
    ("tasks", "settings"), [(("va",), ConvFlu()), (("va", "va"), ConvFlu()), (TWO, Sluice(subspaces=4))]
)
def test_streams_and_options_that_do_not_fit_are_problems(tasks, settings):
    with pytest.raises(ProblemError) as raised:
        make_unit(6, tasks, settings)
    assert [problem.rule for problem in raised.value.problems] == ["E17"]
