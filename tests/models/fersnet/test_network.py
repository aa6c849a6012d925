from __future__ import annotations

import pytest
import torch

from abawbench.base.problems import ProblemError
from abawbench.models.fersnet.discriminator import Discriminator
from abawbench.models.fersnet.layers import LabelTransform
from abawbench.models.fersnet.network import build, codes, synthesise
from abawbench.models.fersnet.settings import FersNetSettings
from abawbench.models.sharing.settings import ConvFlu, CrossStitch, Hard, Mtan, Nddr, Separate, Sluice
from tests.models.shaking import one_thread, shake

__all__ = ["one_thread"]

NARROW = (4, 8, 12, 16)
PAPER, RELEASED = FersNetSettings(widths=NARROW), FersNetSettings("released", widths=NARROW)
TOPOLOGIES = pytest.mark.parametrize("settings", [PAPER, RELEASED], ids=["paper", "released"])
UNITS = [Separate(), Hard(), CrossStitch(), Sluice(), Nddr(), ConvFlu()]


def outputs_of(module):
    """The shape that a module gives next, without its first dimension."""
    shapes = []
    module.register_forward_hook(lambda _, inputs, output: shapes.append(tuple(output.shape[1:])))
    return shapes


@pytest.mark.parametrize("classes", [6, 7])
def test_the_released_shapes_at_96_pixels(classes):
    # an eighth of the released widths
    network = build(FersNetSettings("released", widths=(8, 16, 32, 64)), classes, 96)
    stem = outputs_of(network.stem)
    stages = [outputs_of(stage) for stage in (*network.recognition, *network.synthesis)]
    steps = [outputs_of(step) for step in network.decoder.steps]
    pictures = torch.rand(1, 3, 96, 96)
    with torch.inference_mode():
        encoded = network.encode(pictures)
        faces = network.decode(encoded, pictures, codes(torch.tensor([1]), classes))
        features = network.features(encoded)
    assert FersNetSettings("released").widths == (64, 128, 256, 512)
    assert stem == [(8, 96, 96)]
    # before the pool that halves them
    assert stages == [[(16, 48, 48)], [(32, 24, 24)], [(64, 12, 12)]] * 2
    assert [tuple(skip.shape[1:]) for skip in encoded.skips] == [(64, 6, 6), (32, 12, 12), (16, 24, 24), (8, 48, 48)]
    assert encoded.recognition.shape == encoded.synthesis.shape == (1, 64, 3, 3)
    assert steps == [[(64, 6, 6)], [(32, 12, 12)], [(16, 24, 24)], [(8, 48, 48)], [(8, 96, 96)]]
    assert faces.shape == (1, 3, 96, 96)
    assert features.shape == (1, 64)
    assert network.classifier.out_features == classes


@pytest.mark.parametrize("kernel", [1, 3])
def test_the_parameters_of_the_units(kernel):
    network = build(RELEASED, 6, 64, ConvFlu(kernel=kernel))
    count = sum(parameter.numel() for parameter in network.units.parameters())
    assert count == 12 * kernel**2 * sum(width**2 for width in NARROW[1:])
    assert 12 * (128**2 + 256**2 + 512**2) == 4_128_768


@pytest.mark.parametrize("classes", [0, 6, 7])
def test_the_discriminator_judges_36_patches_of_96_pixels_and_sees_the_expression(classes):
    discriminator = Discriminator(classes, width=8)
    assert discriminator.layers[0].in_channels == 3 + classes
    pictures = torch.rand(2, 3, 96, 96)
    with torch.inference_mode():
        one = discriminator(pictures, codes(torch.tensor([0, 1]), 7)[:, : classes or 7])
        other = discriminator(pictures, codes(torch.tensor([1, 0]), 7)[:, : classes or 7])
    assert one.shape == (2, 1, 6, 6)
    assert torch.equal(one, other) == (classes == 0)


@TOPOLOGIES
@pytest.mark.parametrize("condition", ["concat", "adain"])
def test_the_target_changes_the_face_and_leaves_recognition_alone(settings, condition):
    network = shake(build(FersNetSettings(settings.topology, NARROW, condition=condition), 7, 64))
    pictures = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        encoded = network.encode(pictures)
        faces = [network.decode(encoded, pictures, codes(torch.full((2,), target), 7)) for target in (0, 4)]
        logits = [network.classifier(network.features(network.encode(pictures))) for _ in range(2)]
    assert (faces[0] - faces[1]).abs().mean() > 1e-3
    assert torch.equal(*logits)


@TOPOLOGIES
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.kind)
def test_every_unit_joins_the_branches(settings, unit):
    network = build(settings, 6, 64, unit).train()
    pictures = torch.rand(2, 3, 64, 64)
    encoded = network.encode(pictures)
    faces = network.decode(encoded, pictures, codes(torch.tensor([0, 5]), 6))
    assert faces.shape == pictures.shape
    network.features(encoded).sum().backward()
    touched = {name.partition(".")[0] for name, part in network.named_parameters() if part.grad is not None}
    joins = unit.kind != "hard" and (unit.kind != "none" or settings.has_joint)
    assert ("synthesis" in touched) == joins
    assert "decoder" not in touched


def test_the_units_have_rates_a_penalty_and_gates_of_their_own():
    network = build(RELEASED, 6, 64, Sluice()).train()
    assert {group["lr"] for group in build(RELEASED, 6, 64, Nddr()).param_groups(0.1)} == {10.0}
    grouped = {id(parameter) for group in network.param_groups(0.1) for parameter in group["params"]}
    assert grouped == {id(parameter) for parameter in network.units.parameters()}
    network.encode(torch.rand(2, 3, 64, 64))
    penalties = [unit.regulariser() for unit in network.units]
    whole = network.regulariser()
    assert whole is not None
    assert whole.item() == pytest.approx(sum(penalty.item() for penalty in penalties))
    usual = build(RELEASED, 6, 64)
    usual.encode(torch.rand(2, 3, 64, 64))
    assert usual.regulariser() is None
    assert len(usual.stats()) == 12
    assert 0 < usual.stats()["after 3 leak synthesis<-recognition"] < 1


def test_mtan_attends_after_every_stage():
    settings = FersNetSettings(widths=NARROW, exchanges=4)
    network = build(settings, 6, 16, Mtan())
    assert not len(network.synthesis)
    encoded = network.encode(torch.rand(2, 3, 16, 16))
    assert not torch.equal(encoded.recognition, encoded.synthesis)
    with pytest.raises(ProblemError) as error:
        build(PAPER, 6, 16, Mtan())
    assert [problem.rule for problem in error.value.problems] == ["E17"]


def test_without_a_unit_and_a_joint_block_recognition_does_not_see_the_other_branch():
    settings = FersNetSettings("released", NARROW, joint_bottleneck=False)
    network = shake(build(settings, 6, 32, Separate()))
    pictures = torch.rand(1, 3, 32, 32)
    with torch.inference_mode():
        before = network(pictures)
        shake(network.synthesis, seed=1)
        assert torch.equal(before, network(pictures))


@pytest.mark.parametrize(("fused_to", "skips"), [("next", 0), ("skip", 4), ("both", 4)])
def test_the_fused_map_goes_to_the_next_stage_the_decoder_or_both(fused_to, skips):
    settings = FersNetSettings("released", NARROW, fused_to=fused_to)
    network = shake(build(settings, 6, 64))
    before = network.encode(torch.ones(1, 3, 64, 64) / 3)
    assert len(before.skips) == skips
    with torch.no_grad():
        for parameter in next(network.units.children()).parameters():
            parameter.zero_()
    after = network.encode(torch.ones(1, 3, 64, 64) / 3)
    if skips:
        # the stem's skip has no exchange before it, and that of the first stage has one
        assert torch.equal(before.skips[3], after.skips[3])
        assert not torch.equal(before.skips[2], after.skips[2])
    # recognition goes on from its fused map in any case
    assert not torch.equal(before.recognition, after.recognition)


def test_the_other_branch_recognises_where_that_is_asked_for():
    usual = build(FersNetSettings("released", NARROW), 6, 64)
    other = build(FersNetSettings("released", NARROW, recognises="instance_norm"), 6, 64)
    assert isinstance(usual.recognition[0].norm1, torch.nn.BatchNorm2d)
    assert isinstance(usual.synthesis[0].norm1, torch.nn.InstanceNorm2d)
    assert isinstance(other.recognition[0].norm1, torch.nn.InstanceNorm2d)
    assert isinstance(other.synthesis[0].norm1, torch.nn.BatchNorm2d)


def test_one_unit_has_one_set_of_weights():
    network = build(FersNetSettings(widths=(8, 8, 8, 8), one_unit=True, exchanges=4), 6, 16)
    assert len(network.units) == 4
    assert len(list(network.units.parameters())) == len(list(network.units[0].parameters()))


def test_a_transform_around_one_keeps_the_map_at_first():
    maps, code = torch.rand(2, 4, 5, 5), codes(torch.tensor([0, 2]), 3)
    made = {}
    for kind in ("released", "around_one"):
        transform = LabelTransform(4, 3, kind).eval()
        with torch.no_grad():
            transform.label.weight.zero_()
            transform.label.bias.zero_()
            made[kind] = transform(maps, code)
    assert torch.equal(made["released"], torch.zeros_like(maps))
    assert torch.allclose(made["around_one"], torch.nn.functional.instance_norm(maps))


def test_a_residual_decoder_starts_from_the_picture():
    network = build(FersNetSettings("released", NARROW, residual=True), 6, 64)
    for parameter in network.decoder.out.parameters():
        torch.nn.init.zeros_(parameter)
    pictures = torch.rand(3, 3, 64, 64)
    assert torch.equal(synthesise(network, pictures, 2), pictures)


def test_synthesised_faces_lie_between_0_and_1_and_are_the_same_each_time():
    network = shake(build(RELEASED, 6, 64))
    pictures = torch.rand(2, 3, 64, 64)
    faces = synthesise(network, pictures, 5)
    assert faces.shape == pictures.shape
    assert 0 <= faces.min() < faces.max() <= 1
    assert torch.equal(faces, synthesise(network, pictures, 5))


def test_one_batch_can_be_learned_by_heart():
    torch.manual_seed(0)
    network = build(FersNetSettings("released", (8, 8, 16, 16), residual=True, joint_bottleneck=False), 6, 32).train()
    source, goal = torch.rand(2, 4, 3, 32, 32)
    label, target = torch.arange(4), torch.arange(4).flip(0)
    optimiser = torch.optim.Adam(network.parameters(), 0.01)

    def losses():
        encoded = network.encode(source)
        logits = network.classifier(network.features(encoded))
        faces = network.decode(encoded, source, codes(target, 6))
        return torch.nn.functional.cross_entropy(logits, label), (faces - goal).abs().mean()

    first = [loss.item() for loss in losses()]
    for _ in range(60):
        optimiser.zero_grad()
        sum(losses()).backward()
        optimiser.step()
    last = [loss.item() for loss in losses()]
    assert last[0] < 0.1 * first[0]
    assert last[1] < 0.75 * first[1]


@pytest.mark.parametrize(
    ("settings", "classes", "size", "found"),
    [
        (RELEASED, 7, 80, "pictures of 80 pixels"),
        (PAPER, 7, 100, "pictures of 100 pixels"),
        (PAPER, 1, 96, "1 expressions"),
    ],
)
def test_sizes_that_do_not_fit_are_a_problem(settings, classes, size, found):
    with pytest.raises(ProblemError) as error:
        build(settings, classes, size)
    assert [(problem.rule, problem.found) for problem in error.value.problems] == [("E17", found)]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"topology": "released", "exchanges": 4}, "exchanges = 4"),
        ({"one_unit": True}, "must be alike"),
        ({"recognises": "instance_norm"}, "have no norms"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        FersNetSettings(**options)


def test_pictures_of_another_shape_and_unknown_targets_are_a_problem():
    network = build(RELEASED, 6, 64)
    for pictures, target in ((torch.rand(1, 3, 96, 96), 0), (torch.rand(1, 3, 64, 64), 6)):
        with pytest.raises(ProblemError) as error:
            synthesise(network, pictures, target)
        assert [problem.rule for problem in error.value.problems] == ["E06"]
