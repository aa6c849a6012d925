from __future__ import annotations

import pytest
import torch
from torch import nn

from abawbench.models.temporal.encoders import Recurrent
from abawbench.models.temporal.settings import TemporalSettings

LENGTHS = (7, 4, 1)


def encoder(kind: str, *, layers: int = 2, **changes) -> Recurrent:
    torch.manual_seed(0)
    return Recurrent(5, TemporalSettings(encoder=kind, width=6, **changes), layers).eval()


def padded() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    return torch.randn(3, 7, 5), torch.arange(7) < torch.tensor(LENGTHS).unsqueeze(-1)


@pytest.mark.parametrize("kind", ["lstm", "bilstm", "gru"])
def test_a_padded_batch_is_torch_on_each_sequence_alone(kind):
    made, (x, valid) = encoder(kind), padded()
    alone = (nn.GRU if kind == "gru" else nn.LSTM)(5, 6, 2, batch_first=True, bidirectional=kind == "bilstm")
    alone.load_state_dict(made.core.state_dict())
    found, _ = made(x, valid)
    for place, length in enumerate(LENGTHS):
        expected, _ = alone(x[place : place + 1, :length])
        assert torch.allclose(found[place, :length], expected[0], atol=1e-6)


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_two_segments_with_a_state_are_one_pass(kind):
    made, (x, valid) = encoder(kind), padded()
    whole, last = made(x, valid)
    first, state = made(x[:, :4], valid[:, :4])
    second, state = made(x[:, 4:], valid[:, 4:], state)
    joined = torch.cat([first, second], dim=1)
    assert torch.allclose(joined[valid], whole[valid], atol=1e-6)
    for found, expected in zip(state, last, strict=True):
        assert torch.allclose(found, expected, atol=1e-6)


def test_the_state_of_a_sequence_that_has_ended_stays():
    made, (x, _) = encoder("lstm"), padded()
    _, before = made(x, None)
    _, after = made(x, torch.tensor([[True] * 7, [False] * 7, [True] * 7]), before)
    for old, new in zip(before, after, strict=True):
        assert torch.equal(old[:, 1], new[:, 1])
        assert not torch.equal(old[:, 0], new[:, 0])


def test_fixed_carries_the_forward_direction_only():
    made, (x, _) = encoder("bilstm"), padded()
    whole, _ = made(x, None)
    _, state = made(x[:, :4], None)
    for part in state:
        assert not part[1::2].any()
        assert part[0::2].any()
    # of one layer the forward half goes on, the backward half sees the second segment alone
    made = encoder("bilstm", layers=1)
    whole, _ = made(x, None)
    _, state = made(x[:, :4], None)
    second, _ = made(x[:, 4:], None, state)
    alone, _ = made(x[:, 4:], None)
    assert torch.allclose(second[..., :6], whole[:, 4:, :6], atol=1e-6)
    assert torch.allclose(second[..., 6:], alone[..., 6:], atol=1e-6)


def test_compat_starts_the_backward_direction_from_its_past():
    made, (x, _) = encoder("bilstm", layers=1, mode="compat"), padded()
    theirs = nn.LSTM(5, 6, 1, batch_first=True, bidirectional=True)
    theirs.load_state_dict(made.core.state_dict())
    _, state = made(x[:, :4], None)
    found, _ = made(x[:, 4:], None, state)
    expected, _ = theirs(x[:, 4:], theirs(x[:, :4])[1])
    assert torch.allclose(found, expected, atol=1e-6)
    assert not torch.allclose(found[..., 6:], made(x[:, 4:], None)[0][..., 6:], atol=1e-3)


def test_compat_reads_padding_backwards_and_fixed_does_not():
    x, valid = padded()
    x = x * valid.unsqueeze(-1)
    for mode, moves in (("fixed", False), ("compat", True)):
        made = encoder("bilstm", mode=mode)
        alone, _ = made(x[1:2, :4], None)
        beside, _ = made(x, valid)
        assert torch.allclose(alone[0], beside[1, :4], atol=1e-5) != moves


def test_a_gru_honours_its_options():
    made = encoder("gru", layers=3, dropout=0.25)
    assert (made.core.num_layers, made.core.dropout, made.dropout.p) == (3, 0.25, 0.25)


def test_the_gru_of_the_release_has_two_layers_and_drops_three_tenths():
    made = encoder("gru", layers=4, dropout=0.0, mode="compat")
    assert (made.core.num_layers, made.core.dropout, made.dropout.p) == (2, 0.3, 0.3)


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_one_layer_with_dropout_makes_no_warning(kind):
    assert encoder(kind, layers=1, dropout=0.5).core.dropout == 0
