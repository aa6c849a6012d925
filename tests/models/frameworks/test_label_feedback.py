"""Feedback of labels: embeddings of predicted and given labels (aim3_mtl section 5)."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from abawbench.base.problems import ProblemError
from abawbench.models.frameworks.label_feedback import LabelEmbedding
from abawbench.models.frameworks.networks import build_network
from abawbench.models.frameworks.settings import FrameworkSettings, HeadSettings, LabelForm, framework_problems
from abawbench.models.temporal.settings import TemporalSettings
from tests.models.frameworks.test_networks import FORMS, OUTPUTS, batch, network

SOURCES = ("valence", "action_units")
LABELS = FrameworkSettings("feedback", 1, {"arousal": SOURCES}, feedback_of="labels", label_width=8)
WHOLE = torch.tensor([10, 10, 10])


def embedding(form: LabelForm, vectors: list[list[float]]) -> LabelEmbedding:
    made = LabelEmbedding(len(vectors), form, len(vectors[0]))
    with torch.no_grad():
        made.vectors.weight.copy_(torch.tensor(vectors))
    return made


def test_a_number_weighs_its_vector_by_its_place_in_its_range():
    made = embedding(LabelForm("number", -1, 1), [[2.0, -4.0]])
    found = made(torch.tensor([[-1.0], [0.0], [0.5], [3.0]]))
    # beyond the range too, as in the release
    assert found.tolist() == [[0, 0], [1, -2], [1.5, -3], [4, -8]]


def test_classes_weigh_their_vectors_by_their_probabilities():
    made = embedding(LabelForm("classes"), [[1.0, 0.0], [0.0, 1.0], [4.0, 4.0]])
    logits = torch.tensor([[0.0, 0.0, 0.0], [2.0, 1.0, -1.0]])
    odds = logits.exp()
    expected = (odds / odds.sum(1, keepdim=True)) @ made.vectors.weight
    assert torch.allclose(made(logits), expected)
    assert made(logits)[0].tolist() == pytest.approx([5 / 3, 5 / 3])


def test_labels_weigh_their_vectors_each_by_its_own_probability():
    made = embedding(LabelForm("labels"), [[1.0], [10.0]])
    assert made(torch.tensor([[0.0, 0.0], [100.0, -100.0]])).tolist() == [[5.5], [1.0]]


def test_given_labels_replace_predictions_and_one_that_is_not_annotated_weighs_nothing():
    made = embedding(LabelForm("labels"), [[1.0], [10.0]])
    given = torch.tensor([[1.0, 1.0], [0.0, 0.0], [torch.nan, torch.nan]])
    assert made(torch.zeros(3, 2), given).tolist() == [[11.0], [0.0], [5.5]]


def test_the_target_is_as_wide_as_with_hidden_vectors_of_the_release():
    temporal = TemporalSettings("transformer", width=1024, layers=4, attention_heads=16, feed_forward=2048, dropout=0.3)
    framework = FrameworkSettings("feedback", 3, {"arousal": SOURCES}, feedback_of="labels")
    with torch.device("meta"):
        made = build_network(2646, OUTPUTS, temporal, framework, HeadSettings(), forms=FORMS)
    assert (made.private["output_arousal"].width, made.private["output_arousal"].heads) == (1536, 24)
    projection = sum(parameter.numel() for parameter in made.shared.projection.parameters())
    assert sum(parameter.numel() for parameter in made.parameters()) - projection == 134_124_566 + 13 * 256


def test_fresh_vectors_of_labels_have_a_deviation_of_1():
    framework = replace(LABELS, label_width=256)
    made = network(framework)
    # the helper of the tests makes weights eight times as large
    assert made.embeddings["output_action_units"].vectors.weight.std().item() == pytest.approx(8, rel=0.05)


def test_the_target_sees_the_embeddings_of_its_sources_in_their_order():
    made, x = network(replace(LABELS, feedback={"arousal": ("action_units", "valence")})), batch()
    seen: list[torch.Tensor] = []
    made.private["output_arousal"].register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    answers, _ = made(x, WHOLE)
    units, valence = (made.embeddings[f"output_{name}"].vectors.weight for name in ("action_units", "valence"))
    expected = [answers["action_units"].sigmoid() @ units, (answers["valence"] + 1) / 2 * valence]
    assert torch.allclose(seen[0][..., 16:], torch.cat(expected, dim=-1), atol=1e-5)


def test_no_gradient_of_the_target_reaches_its_sources_but_their_vectors():
    made = network(LABELS).train()
    made(batch(), WHOLE)[0]["arousal"].square().sum().backward()
    for name in SOURCES:
        parts = [*made.private[f"output_{name}"].parameters(), *made.heads[f"output_{name}"].parameters()]
        assert all(part.grad is None or not part.grad.any() for part in parts)
        assert made.embeddings[f"output_{name}"].vectors.weight.grad.any()
    assert all(part.grad is not None for part in made.shared.parameters())


def test_given_labels_change_their_target_alone():
    made, x = network(LABELS), batch()
    before, _ = made(x, WHOLE)
    given = {"valence": torch.full((3, 10, 1), torch.nan), "action_units": torch.full((3, 10, 12), torch.nan)}
    same, _ = made.forward_segment(x, WHOLE, given=given)
    given["valence"][:, 4] = 1.0
    after, _ = made.forward_segment(x, WHOLE, given=given)
    assert torch.equal(before["arousal"], same["arousal"])
    assert not torch.allclose(before["arousal"], after["arousal"], atol=1e-4)
    assert all(torch.equal(before[name], after[name]) for name in OUTPUTS if name != "arousal")


def test_one_embedding_serves_every_target():
    made = network(replace(LABELS, feedback={"arousal": SOURCES, "expression": ("valence",)}))
    assert list(made.embeddings) == ["output_valence", "output_action_units"]


def test_labels_without_a_form_are_refused():
    with pytest.raises(ProblemError, match=r"E17[\s\S]*labels of 'valence'"):
        build_network(4, OUTPUTS, TemporalSettings(), LABELS, HeadSettings())


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"label_width": 0}, ["label_width = 0"]),
        ({"truth_share": 1.5}, ["truth_share = 1.5"]),
        ({"feedback_of": "logits"}, ["feedback_of = 'logits'"]),
        ({"kind": "shared_bottom", "feedback": {}}, ["feedback_of = 'labels' with kind = 'shared_bottom'"]),
    ],
)
def test_a_setting_that_does_not_hold_is_named(change, found):
    problems = framework_problems(OUTPUTS, replace(LABELS, **change), HeadSettings())
    assert [problem.found for problem in problems] == found
