from __future__ import annotations

import pytest
import torch
from torch import nn

from abawbench.models.frameworks.networks import Head


def test_a_head_is_its_formula():
    torch.manual_seed(0)
    head = Head(4, 3, hidden=(5, 2), dropout=0.5, tanh=False).eval()
    first, second, last = (module for module in head.modules() if isinstance(module, nn.Linear))
    x = torch.randn(6, 7, 4)
    hidden = (((x @ first.weight.T + first.bias).clamp(min=0)) @ second.weight.T + second.bias).clamp(min=0)
    answer, found = head(x)
    assert torch.allclose(found, hidden, atol=1e-6)
    assert torch.allclose(answer, hidden @ last.weight.T + last.bias, atol=1e-6)


def test_a_bounded_head_is_the_hyperbolic_tangent_of_the_other():
    torch.manual_seed(0)
    head, bounded = (Head(4, 1, hidden=(5,), dropout=0.1, tanh=tanh).eval() for tanh in (False, True))
    bounded.load_state_dict(head.state_dict())
    x = torch.randn(9, 4) * 50
    assert torch.allclose(bounded(x)[0], head(x)[0].tanh(), atol=1e-6)
    assert head(x)[0].abs().max() > 1


def test_a_head_without_hidden_layers_is_linear_and_hides_its_input():
    head = Head(4, 2, hidden=(), dropout=0.1, tanh=False).eval()
    x = torch.randn(3, 4)
    answer, hidden = head(x)
    assert torch.equal(hidden, x)
    assert torch.allclose(answer, nn.functional.linear(x, *head.answer.parameters()), atol=1e-6)
    assert head.hidden_width == 4


def test_what_is_hidden_is_dropped_in_training():
    torch.manual_seed(0)
    head = Head(50, 1, hidden=(400,), dropout=0.3, tanh=False)
    nn.init.zeros_(head.hidden[1].weight)
    nn.init.ones_(head.hidden[1].bias)
    _, hidden = head(torch.randn(20, 50))
    assert (hidden == 0).float().mean().item() == pytest.approx(0.3, abs=0.03)
    assert hidden.max().item() == pytest.approx(1 / 0.7, rel=1e-5)


@pytest.mark.parametrize(("answers", "parameters"), [(1, 656_385), (8, 658_184), (12, 659_212)])
def test_published_heads_have_their_parameters(answers, parameters):
    with torch.device("meta"):
        head = Head(1024, answers, hidden=(512, 256), dropout=0.3, tanh=False)
    assert sum(p.numel() for p in head.parameters()) == parameters
