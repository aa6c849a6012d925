"""FaceBehaviorNet: a trunk with linear heads."""

from __future__ import annotations

import pytest
import torch
from pydantic import TypeAdapter, ValidationError
from torch import Tensor, nn

from abawbench.base.problems import ProblemError
from abawbench.models import backbones
from abawbench.models.backbones.model import Backbone, BackboneCard
from abawbench.models.facebehaviornet import FaceBehaviorNet, build
from abawbench.models.image_input import half
from abawbench.models.settings import FaceBehaviorSettings

CARD = BackboneCard("test", half(4), -1, "embedding", 6)
AFFECT = {"valence_arousal": 2, "action_units": 17, "expression": 7}


class Trunk(Backbone):
    def __init__(self) -> None:
        super().__init__(CARD)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.layer = nn.Linear(3 * 4 * 4, 6)

    def forward(self, pictures: Tensor) -> Tensor:
        return self.layer(pictures.flatten(1)).relu()


class TrunkWithLandmarks(Trunk):
    def forward(self, pictures: Tensor, landmarks: Tensor | None = None) -> Tensor:
        vectors = super().forward(pictures)
        return vectors if landmarks is None else vectors + landmarks.mean((1, 2))[:, None]


def pictures(count: int = 5) -> Tensor:
    return torch.randn(count, 3, 4, 4, generator=torch.Generator().manual_seed(1))


def net(outputs=AFFECT, trunk: Backbone | None = None, **settings) -> FaceBehaviorNet:
    return build(Trunk() if trunk is None else trunk, outputs, FaceBehaviorSettings(**settings), seed=3)


@pytest.mark.parametrize(
    "outputs",
    [
        AFFECT,
        {"valence_arousal": 2, "action_units": 12, "expression": 8},
        {"identity": 11, "attributes": 40},
        {"species": 3, "markings": 4},
    ],
)
def test_each_output_has_its_width(outputs):
    answers = net(outputs)(pictures())
    assert {name: tuple(values.shape) for name, values in answers.items()} == {n: (5, w) for n, w in outputs.items()}


def test_heads_are_linear_on_the_shared_features():
    model = net()
    features = model.features(pictures())
    assert torch.equal(features, model.trunk(pictures()))
    for name, values in model(pictures()).items():
        weight, bias = model.state_dict()[f"heads.{name}.weight"], model.state_dict()[f"heads.{name}.bias"]
        expected = features @ weight.T + bias
        assert torch.allclose(values, expected.tanh() if name == "valence_arousal" else expected, atol=1e-6)


def test_answers_to_stored_features_are_those_to_the_pictures():
    model = net()
    stored = model.answers(model.features(pictures()))
    assert all(torch.equal(values, stored[name]) for name, values in model(pictures()).items())


def test_linear_values_are_those_that_tanh_bends():
    bent, straight = net()(pictures()), net(valence_arousal="linear")(pictures())
    assert torch.equal(straight["valence_arousal"].tanh(), bent["valence_arousal"])
    assert torch.equal(straight["expression"], bent["expression"])


def test_tanh_keeps_values_between_minus_1_and_1():
    assert net()(pictures() * 1000)["valence_arousal"].abs().max() <= 1
    assert net(valence_arousal="linear")(pictures() * 1000)["valence_arousal"].abs().max() > 1


def test_a_picture_is_answered_alike_alone_and_beside_others():
    model = net()
    together = model(pictures())
    for place in (0, 3):
        alone = model(pictures()[place : place + 1])
        assert all(torch.allclose(alone[name][0], together[name][place], atol=1e-6) for name in AFFECT)


def test_dropout_is_for_training_alone():
    model = net(dropout=0.9)
    assert torch.equal(model(pictures())["expression"], model(pictures())["expression"])
    model.train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        assert not torch.equal(model(pictures())["expression"], model(pictures())["expression"])
    assert torch.equal(net(dropout=0.0).train()(pictures())["expression"], net()(pictures())["expression"])


def test_every_head_teaches_the_trunk_and_itself_alone():
    for name in AFFECT:
        model = net()
        model(pictures())[name].sum().backward()
        assert all(weight.grad is not None and weight.grad.any() for weight in model.trunk.parameters())
        taught = [head for head, layer in model.heads.items() if layer.weight.grad is not None]
        assert taught == [name]


def test_landmarks_reach_a_trunk_that_takes_them():
    model = net(trunk=TrunkWithLandmarks())
    landmarks = torch.rand(5, 68, 2, generator=torch.Generator().manual_seed(2))
    expected = model.trunk(pictures()) + landmarks.mean((1, 2))[:, None]
    assert torch.equal(model.features(pictures(), landmarks), expected)
    assert torch.equal(model(pictures(), landmarks)["expression"], model.answers(expected)["expression"])
    assert torch.equal(model(pictures())["expression"], net()(pictures())["expression"])


def test_landmarks_reach_the_fully_connected_layers_of_vgg_face():
    model = build(backbones.build("tiny_vggface_landmarks", seed=0), AFFECT, seed=0)
    faces = torch.zeros(2, 3, 96, 96)
    points = torch.rand(2, 68, 2, generator=torch.Generator().manual_seed(4))
    answers = model(faces, points)
    assert answers["action_units"].shape == (2, 17)
    assert not torch.equal(answers["expression"][0], answers["expression"][1])


def test_landmarks_for_a_trunk_without_them_are_a_problem():
    with pytest.raises(ProblemError, match="E06"):
        net()(pictures(), torch.zeros(5, 68, 2))


def test_a_seed_gives_the_same_heads_and_leaves_random_numbers_alone():
    state = torch.get_rng_state()
    one, two, other = (build(Trunk(), AFFECT, seed=seed).heads["expression"].weight for seed in (5, 5, 6))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), state)


def test_the_trunk_is_kept_as_it_is():
    trunk = Trunk()
    before = {name: values.clone() for name, values in trunk.state_dict().items()}
    model = build(trunk, AFFECT, seed=7)
    assert model.trunk is trunk
    assert all(torch.equal(values, before[name]) for name, values in trunk.state_dict().items())


def test_everything_wrong_with_the_outputs_is_told_at_once():
    with pytest.raises(ProblemError) as error:
        build(Trunk(), {"valence_arousal": 3, "expression": 0, "a.b": 2, "keys": 2})
    assert [problem.rule for problem in error.value.problems] == ["E17"] * 4


def test_a_net_without_outputs_is_a_problem():
    with pytest.raises(ProblemError, match="E17"):
        build(Trunk(), {})


def test_settings_are_read_from_plain_values():
    read = TypeAdapter(FaceBehaviorSettings).validate_python({"valence_arousal": "linear", "dropout": 0})
    assert read == FaceBehaviorSettings("linear", 0)
    for wrong in ({"valence_arousal": "sigmoid"}, {"dropout": 1.0}, {"dropout": -0.1}):
        with pytest.raises(ValidationError):
            TypeAdapter(FaceBehaviorSettings).validate_python(wrong)
