from __future__ import annotations

import math
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
import torch

from abawbench.base.problems import ProblemError
from abawbench.models.frameworks.networks import build_network
from abawbench.models.frameworks.settings import FrameworkSettings, HeadSettings, LabelForm
from abawbench.models.temporal.settings import TemporalSettings

OUTPUTS = {"valence": 1, "arousal": 1, "expression": 8, "action_units": 12}
FEEDBACK = FrameworkSettings("feedback", 1, {"arousal": ("valence", "action_units"), "expression": ("arousal",)})
ENCODERS = ("none", "lstm", "bilstm", "gru", "transformer", "windowed_transformer", "tcn")
FRAMEWORKS = {"shared_encoder": FrameworkSettings(), "shared_bottom": FrameworkSettings("shared_bottom", 1)}
FRAMEWORKS["feedback"] = FEEDBACK
FRAMEWORKS["labels"] = replace(FEEDBACK, feedback_of="labels", label_width=8)
FORMS = {
    "valence": LabelForm("number", -1, 1),
    "arousal": LabelForm("number", -1, 1),
    "expression": LabelForm("classes"),
    "action_units": LabelForm("labels"),
}
HEADS = HeadSettings((16, 8))
LENGTHS = torch.tensor([6, 10, 1])
# heads of private layers are 64 wide there
COMPAT: dict[str, Any] = {"mode": "compat", "hidden": 64, "heads": HeadSettings((16, 64))}


def network(
    framework: FrameworkSettings = FEEDBACK, *, heads: HeadSettings = HEADS, seed=0, width=5, hidden=16, **temporal
) -> Any:
    temporal = {"encoder": "transformer", "width": hidden, "layers": 2, "feed_forward": 24} | temporal
    made = build_network(width, OUTPUTS, TemporalSettings(**temporal), framework, heads, forms=FORMS, seed=seed)
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            # fresh weights are so small that no fault would show
            if name.endswith("weight") and parameter.ndim > 1:
                parameter.mul_(8)
    return made.eval()


def batch(width: int = 5) -> torch.Tensor:
    torch.manual_seed(3)
    return torch.randn(3, 10, width) * (torch.arange(10) < LENGTHS.unsqueeze(-1)).unsqueeze(-1)


def published(framework: FrameworkSettings, feature_width: int = 1024) -> Any:
    temporal = TemporalSettings("transformer", width=1024, layers=4, attention_heads=16, feed_forward=2048, dropout=0.3)
    with torch.device("meta"):
        return build_network(feature_width, OUTPUTS, temporal, framework, HeadSettings())


PUBLISHED_FEEDBACK = FrameworkSettings("feedback", 3, {"arousal": ("valence", "action_units")})


def parameters(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("framework", "count"),
    [
        (FrameworkSettings(), 36_229_654),
        (FrameworkSettings("shared_bottom", 3), 111_828_502),
        (PUBLISHED_FEEDBACK, 134_124_566),
    ],
)
def test_published_frameworks_have_their_parameters(framework, count):
    made = published(framework, 2646)
    projection = parameters(made.shared.projection)
    assert projection == 2_710_528
    assert parameters(made) - projection == count


def test_published_layers_have_their_parameters():
    made = published(PUBLISHED_FEEDBACK)
    assert parameters(made.shared.layers[0]) == 8_399_872
    assert parameters(made.private["output_arousal"].layers[0]) == 15_744_512
    assert parameters(made.heads["output_arousal"]) == 918_529


def test_the_bottom_is_one_layer_and_three_are_private():
    made = published(FrameworkSettings("shared_bottom", 3))
    assert len(made.shared.layers) == 1
    assert [len(made.private[f"output_{name}"].layers) for name in OUTPUTS] == [3] * 4


def test_the_target_of_feedback_is_wider_and_has_more_heads():
    made = published(PUBLISHED_FEEDBACK)
    assert (made.private["output_arousal"].width, made.private["output_arousal"].heads) == (1536, 24)
    assert (made.private["output_valence"].width, made.private["output_valence"].heads) == (1024, 16)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_without_shared_layers_features_go_straight_to_the_private_stacks(encoder):
    made = network(FrameworkSettings("shared_bottom", 2), encoder=encoder, width=8)
    assert parameters(made.shared) == 0
    seen: list[torch.Tensor] = []
    made.private["output_valence"].register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    x = batch(8)
    made(x, LENGTHS)
    assert torch.equal(seen[0], x)


@pytest.mark.parametrize(("encoder", "framework"), list(product(ENCODERS, FRAMEWORKS)))
def test_a_video_alone_answers_as_in_a_padded_batch(encoder, framework):
    made, x = network(FRAMEWORKS[framework], encoder=encoder, normalise="batch"), batch()
    together, _ = made(x, LENGTHS)
    for place, length in enumerate(LENGTHS.tolist()):
        alone, _ = made(x[place : place + 1, :length], torch.tensor([length]))
        for name, width in OUTPUTS.items():
            assert together[name].shape == (3, 10, width)
            assert torch.allclose(alone[name][0], together[name][place, :length], atol=1e-5)
            assert not together[name][place, length:].any()


@pytest.mark.parametrize("encoder", ENCODERS)
def test_what_stands_in_the_padding_makes_no_difference(encoder):
    made, x = network(encoder=encoder), batch()
    filled = x.clone()
    filled[0, 6:], filled[2, 1:] = torch.nan, torch.inf
    expected, found = made(x, LENGTHS)[0], made(filled, LENGTHS)[0]
    for name in OUTPUTS:
        assert torch.equal(expected[name], found[name])


@pytest.mark.parametrize(
    ("mode", "private_layers", "adding"),
    [("fixed", 1, 1), ("fixed", 2, 4), ("compat", 1, 5), ("compat", 2, 4)],
)
def test_fixed_adds_positions_once_and_compat_in_every_stack(mode, private_layers, adding):
    made = network(FrameworkSettings("shared_bottom", private_layers), mode=mode, width=64, hidden=64)
    assert sum(getattr(module, "adds_positions", False) for module in made.modules()) == adding


def test_in_compat_a_video_answers_otherwise_in_a_padded_batch():
    made, x = network(**COMPAT), batch()
    together, _ = made(x, LENGTHS)
    alone, _ = made(x[:1, :6], LENGTHS[:1])
    for name in OUTPUTS:
        assert (alone[name][0] - together[name][0, :6]).abs().max() > 1e-3
        assert not together[name][0, 6:].any()


def test_modes_agree_where_neither_padding_nor_positions_differ():
    x = batch()[1:2]
    for encoder in ("none", "lstm", "bilstm", "windowed_transformer", "tcn"):
        # in compat, private layers above a windowed transformer are plain ones
        framework = FrameworkSettings() if encoder == "windowed_transformer" else FEEDBACK
        fixed, compat = (network(framework, encoder=encoder, mode=mode) for mode in ("fixed", "compat"))
        for name, answer in fixed(x, LENGTHS[1:2])[0].items():
            assert torch.equal(answer, compat(x, LENGTHS[1:2])[0][name])


def release(width, layers, heads, feed_forward):
    layer = torch.nn.TransformerEncoderLayer(width, heads, feed_forward, batch_first=True)
    return torch.nn.TransformerEncoder(layer, layers, enable_nested_tensor=False).eval()


def copied(theirs: torch.nn.TransformerEncoder, ours: Any) -> torch.nn.TransformerEncoder:
    """Torch's own encoder with the weights of ours."""
    names = {
        "self_attn.in_proj_": "attention_in.",
        "self_attn.out_proj.": "attention_out.",
        "linear1.": "widen.",
        "linear2.": "narrow.",
        "norm1.": "attention_norm.",
        "norm2.": "feed_forward_norm.",
    }
    for their_layer, layer in zip(theirs.layers, ours.layers, strict=True):
        own = layer.state_dict()
        their_layer.load_state_dict({a + e: own[b + e] for a, b in names.items() for e in ("weight", "bias")})
    return theirs


def positions_of_release(frames: int, width: int) -> torch.Tensor:
    """Row 0 is zero."""
    table = torch.zeros(frames, width, dtype=torch.float64)
    for place in range(1, frames):
        for column in range(width):
            angle = place / 10000 ** (2 * (column // 2) / width)
            table[place, column] = math.cos(angle) if column % 2 else math.sin(angle)
    return table.float()


@pytest.mark.parametrize("encoder", ["transformer", "windowed_transformer"])
@pytest.mark.parametrize(("hidden", "heads", "private_heads", "target_heads"), [(128, 8, 2, 3), (64, 4, 1, 2)])
def test_compat_is_the_release_at_other_widths_and_heads(encoder, hidden, heads, private_heads, target_heads):
    framework = FrameworkSettings("feedback", 1, {"arousal": ("valence",)})
    made = network(
        framework,
        heads=HeadSettings((64,)),
        hidden=hidden,
        attention_heads=heads,
        encoder=encoder,
        mode="compat",
    )
    x = batch()
    with torch.no_grad():
        if encoder == "transformer":
            shared = copied(release(hidden, 1, heads, 24), made.shared)
            bottom = shared(made.shared.projection(x) + positions_of_release(10, hidden))
        else:
            bottom, _ = made.shared(x, None)
        answers, vectors = {}, {}
        for name in OUTPUTS:
            last = [vectors["valence"]] if name == "arousal" else []
            width = hidden + 64 * len(last)
            private = copied(
                release(width, 1, target_heads if last else private_heads, 24), made.private[f"output_{name}"]
            )
            encoded = private(torch.cat([bottom, *last], dim=-1) + positions_of_release(10, width))
            head = made.heads[f"output_{name}"]
            vectors[name] = (encoded @ head.hidden[1].weight.T + head.hidden[1].bias).clamp(min=0)
            answers[name] = vectors[name] @ head.answer[0].weight.T + head.answer[0].bias
        found, _ = made(x, torch.tensor([10, 10, 10]))
    for name, answer in answers.items():
        assert torch.allclose(found[name], answer, atol=1e-4), name


@pytest.mark.parametrize(("hidden", "refused"), [(40, "40 wide and 0 heads"), (136, "200 wide and 3 heads")])
def test_compat_refuses_the_widths_with_which_the_release_stops(hidden, refused):
    framework = FrameworkSettings("feedback", 1, {"arousal": ("valence",)})
    with pytest.raises(ProblemError, match=f"E17[\\s\\S]*{refused}"):
        network(framework, hidden=hidden, heads=HeadSettings((64,)), mode="compat")


def test_no_gradient_of_a_target_reaches_its_sources():
    made = network(FrameworkSettings("feedback", 1, {"arousal": ("valence", "action_units")})).train()
    made(batch(), LENGTHS)[0]["arousal"].square().sum().backward()
    for name in ("valence", "action_units"):
        parts = [*made.private[f"output_{name}"].parameters(), *made.heads[f"output_{name}"].parameters()]
        assert parts
        assert all(p.grad is None or not p.grad.any() for p in parts)
    reached = [*made.shared.parameters(), *made.private["output_arousal"].parameters()]
    assert all(p.grad is not None for p in reached)


def test_sources_are_joined_in_the_order_of_their_names():
    made, x = network(FrameworkSettings("feedback", 1, {"arousal": ("action_units", "valence")})), batch()
    seen: list[torch.Tensor] = []
    made.private["output_arousal"].register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    _, hidden = answers_and_hidden(made, x)
    seen = seen[:1]
    assert seen[0].shape[-1] == 16 + 8 + 8
    assert torch.equal(seen[0][..., 16:], torch.cat([hidden["action_units"], hidden["valence"]], dim=-1))


def answers_and_hidden(made, features):
    """Answers, and the last hidden vectors of each head as it gives them."""
    hidden: dict[str, torch.Tensor] = {}
    for key, head in made.heads.items():
        name = key.removeprefix("output_")
        head.register_forward_hook(lambda module, inputs, given, name=name: hidden.update({name: given[1]}))
    return made(features, LENGTHS)[0], hidden


def test_a_source_changes_its_target_and_the_target_not_its_source():
    made, x = network(FrameworkSettings("feedback", 1, {"arousal": ("valence",)})), batch()
    before, _ = made(x, LENGTHS)
    with torch.no_grad():
        made.heads["output_valence"].hidden[1].bias.add_(1)
    after, _ = made(x, LENGTHS)
    assert not torch.allclose(before["arousal"], after["arousal"], atol=1e-4)
    assert torch.equal(before["expression"], after["expression"])


def test_hidden_vectors_are_what_the_last_layer_of_a_head_sees():
    made, x = network(), batch()
    answers, hidden = answers_and_hidden(made, x)
    for name, vectors in hidden.items():
        answer = made.heads[f"output_{name}"].answer(vectors)
        assert torch.allclose(answer[1], answers[name][1], atol=1e-6)


@pytest.mark.parametrize(("encoder", "framework"), list(product(("lstm", "gru"), FRAMEWORKS)))
def test_two_segments_with_a_state_are_one_pass(encoder, framework):
    made, x = network(FRAMEWORKS[framework], encoder=encoder), batch()
    whole, _ = made(x, LENGTHS)
    first, state = made(x[:, :4], LENGTHS.clamp(max=4))
    second, _ = made(x[:, 4:], (LENGTHS - 4).clamp(min=0), state)
    for name in OUTPUTS:
        assert torch.allclose(torch.cat([first[name], second[name]], dim=1), whole[name], atol=1e-5)


def test_gradients_end_at_the_state():
    made = network(encoder="lstm").train()
    _, state = made(batch(), LENGTHS)
    assert all(not part.requires_grad for layer in state for part in layer)


def test_one_head_is_bounded_and_the_others_are_not():
    made, plain = network(heads=HeadSettings((16, 8), tanh=("arousal",))), network()
    answers, expected = made(batch(), LENGTHS)[0], plain(batch(), LENGTHS)[0]
    assert torch.allclose(answers["arousal"], expected["arousal"].tanh(), atol=1e-6)
    assert torch.equal(answers["valence"], expected["valence"])


@pytest.mark.parametrize(("encoder", "mode"), list(product(ENCODERS, ("fixed", "compat"))))
def test_backward_of_a_segment_leaves_finite_gradients(encoder, mode):
    made = network(**COMPAT | {"encoder": encoder, "mode": mode}).train()
    answers, _ = made(batch(), torch.tensor([10, 3, 0]))
    sum(answer.square().sum() for answer in answers.values()).backward()
    assert all(torch.isfinite(p.grad).all() for p in made.parameters() if p.grad is not None)


def test_a_segment_in_which_nothing_counts_moves_no_weight():
    made = network().train()
    answers, _ = made(batch(), LENGTHS)
    (sum(answer.sum() for answer in answers.values()) * 0).backward()
    assert all(not p.grad.any() for p in made.parameters() if p.grad is not None)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_bfloat16_answers_about_as_float32(encoder):
    made, x = network(encoder=encoder, normalise="batch"), batch()
    expected = made(x, LENGTHS)[0]
    found = made.to(torch.bfloat16)(x, LENGTHS)[0]
    for name, answer in found.items():
        assert answer.dtype == torch.bfloat16
        assert (answer.float() - expected[name]).norm() < 0.15 * expected[name].norm()


@pytest.mark.parametrize("encoder", ENCODERS)
def test_autocast_runs_forward_and_backward(encoder):
    made = network(encoder=encoder).train()
    with torch.autocast("cpu", torch.bfloat16):
        answers, _ = made(batch(), LENGTHS)
    sum(answer.float().square().sum() for answer in answers.values()).backward()
    assert any(p.grad is not None and p.grad.any() for p in made.parameters())


def test_a_seed_gives_the_same_weights_and_leaves_torch_alone():
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    first, second, other = (network(seed=seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_the_same_features_get_the_same_bits():
    for encoder in ENCODERS:
        made, x = network(encoder=encoder), batch()
        first, second = made(x, LENGTHS)[0], made(x, LENGTHS)[0]
        assert all(torch.equal(first[name], second[name]) for name in OUTPUTS)


def test_outputs_may_have_any_names():
    outputs = {"items": 2, "a.b": 3, "a%2Eb": 1, "": 1}
    made = build_network(4, outputs, TemporalSettings(), FrameworkSettings(), HeadSettings((3,)))
    answers, _ = made(torch.zeros(1, 2, 4), torch.tensor([2]))
    assert {name: answer.shape[-1] for name, answer in answers.items()} == outputs


def test_answers_keep_the_order_of_the_outputs():
    assert list(network()(batch(), LENGTHS)[0]) == list(OUTPUTS)


def test_everything_that_does_not_hold_is_named_at_once():
    with pytest.raises(ProblemError) as caught:
        build_network(
            0,
            OUTPUTS,
            TemporalSettings("transformer", width=30, stride=100),
            FrameworkSettings("feedback", 3, {"arousal": ("valence",), "valence": ("arousal", "pain")}),
            HeadSettings(tanh=("pain",)),
        )
    text = "\n".join(problem.found for problem in caught.value.problems)
    for fault in ("features of width 0", "width = 30", "stride = 100", "arousal -> valence -> arousal", "'pain' to"):
        assert fault in text
    assert "tanh on 'pain'" in text
    assert {problem.rule for problem in caught.value.problems} == {"E17"}


@pytest.mark.parametrize(
    ("shape", "lengths"),
    [((1, 4, 6), [4]), ((4, 5), [4]), ((1, 4, 5), [5]), ((1, 4, 5), [-1]), ((1, 4, 5), [4, 4])],
)
def test_features_or_lengths_that_do_not_fit_are_a_problem(shape, lengths):
    with pytest.raises(ProblemError, match="E17"):
        network()(torch.zeros(shape), torch.tensor(lengths))


def test_statistics_of_the_training_features_are_used():
    made, plain = network(normalise="training"), network()
    made.normalisation.learn(torch.arange(5.0), torch.full((5,), 2.0))
    scored = (batch() - torch.arange(5.0)) / 2
    assert torch.allclose(made(batch(), LENGTHS)[0]["valence"], plain(scored, LENGTHS)[0]["valence"], atol=1e-5)


def test_the_layers_of_a_linear_network_make_its_outputs():
    made = network(FrameworkSettings(), heads=HeadSettings(()), encoder="none")
    layers = made.linear_layers()
    assert list(layers) == list(OUTPUTS)
    with torch.no_grad():
        outputs, _ = made(batch(), LENGTHS)
        for name, layer in layers.items():
            torch.testing.assert_close(outputs[name][1], layer(batch()[1]))


@pytest.mark.parametrize(
    ("framework", "heads", "encoder"),
    [
        (FrameworkSettings(), HeadSettings((4,)), "none"),
        (FrameworkSettings(), HeadSettings((), tanh=("valence",)), "none"),
        (FrameworkSettings(), HeadSettings(()), "gru"),
        (FRAMEWORKS["shared_bottom"], HeadSettings(()), "none"),
        (FRAMEWORKS["feedback"], HeadSettings(()), "none"),
        (FRAMEWORKS["labels"], HeadSettings(()), "none"),
    ],
)
def test_other_networks_have_no_linear_layers(framework, heads, encoder):
    assert network(framework, heads=heads, encoder=encoder).linear_layers() is None
