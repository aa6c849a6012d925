from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from abawbench.training.pretraining.autoencoder import build_autoencoder, positions
from abawbench.training.pretraining.figures import fill_in, patches_of, pictures_of
from abawbench.training.pretraining.pretrain import optimiser_of
from abawbench.training.pretraining.settings import settings_for

TINY = settings_for("tiny")


@pytest.fixture(scope="module")
def network():
    return build_autoencoder(TINY)


def pictures(count: int = 3) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(5).random((count, 3, 32, 32), np.float32))


def noise(count: int = 3) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(6).random((count, 16), np.float32))


def test_positions_are_sines_and_cosines_of_column_then_row():
    found = positions(8, 3)
    assert found.shape == (10, 8)
    assert not found[0].any()
    for patch in range(9):
        row, column = patch // 3, patch % 3
        waves = [1.0, 1 / 10000**0.5]
        expected = [
            *(math.sin(column * wave) for wave in waves),
            *(math.cos(column * wave) for wave in waves),
            *(math.sin(row * wave) for wave in waves),
            *(math.cos(row * wave) for wave in waves),
        ]
        np.testing.assert_allclose(found[1 + patch], expected, atol=1e-12)


def test_first_weights_are_those_of_the_published_code(network):
    state = dict(network.network.named_parameters())
    for name in ("vit.embeddings.position_embeddings", "decoder.decoder_pos_embed"):
        np.testing.assert_allclose(state[name][0].detach(), positions(32, 4), atol=1e-6)
        assert not state[name].requires_grad
    for name in ("vit.embeddings.cls_token", "decoder.mask_token"):
        assert 0.01 < float(state[name].detach().std()) < 0.03
    # Glorot: uniform up to sqrt(6 / (inputs + outputs)); query, key and value together have 3 x 32 outputs
    thirds = [value for name, value in state.items() if "q_proj.weight" in name or "query.weight" in name]
    assert float(thirds[0].detach().abs().max()) == pytest.approx(math.sqrt(6 / (4 * 32)), rel=0.02)
    assert float(state["decoder.decoder_pred.weight"].detach().abs().max()) == pytest.approx(
        math.sqrt(6 / (32 + 192)), rel=0.02
    )


def test_the_seed_decides_the_weights_and_leaves_torch_alone(network):
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    again = build_autoencoder(TINY)
    assert torch.equal(torch.rand(3), expected)
    for one, other in zip(network.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)
    other = build_autoencoder(settings_for("tiny", seed=1))
    assert any(not torch.equal(a, b) for a, b in zip(network.parameters(), other.parameters(), strict=True))


def test_patches_with_the_lowest_noise_are_seen(network):
    _, _, hidden = network(pictures(), noise())
    expected = np.ones((3, 16))
    np.put_along_axis(expected, np.argsort(noise().numpy(), axis=1)[:, :4], 0, axis=1)
    np.testing.assert_array_equal(hidden.detach(), expected)


def test_what_is_hidden_does_not_reach_the_answer(network):
    seen = pictures()
    changed = pictures_of(
        torch.where(network(seen, noise())[2][..., None].bool(), torch.rand(3, 16, 192), patches_of(seen, 8)), 8
    )
    assert not torch.equal(seen, changed)
    np.testing.assert_allclose(network(seen, noise())[1].detach(), network(changed, noise())[1].detach(), atol=1e-6)


def test_the_loss_is_the_squared_error_over_hidden_patches_each_normalised(network):
    loss, said, hidden = (value.detach().numpy() for value in network(pictures(), noise()))
    given = (pictures().numpy() - np.array([0.485, 0.456, 0.406])[:, None, None]) / np.array([0.229, 0.224, 0.225])[
        :, None, None
    ]
    errors = []
    for picture in range(3):
        for patch in range(16):
            if hidden[picture, patch]:
                row, column = patch // 4 * 8, patch % 4 * 8
                values = given[picture, :, row : row + 8, column : column + 8].transpose(1, 2, 0).ravel()
                target = (values - values.mean()) / math.sqrt(values.var(ddof=1) + 1e-6)
                errors.append(((said[picture, patch] - target) ** 2).mean())
    assert len(errors) == 36
    assert float(loss) == pytest.approx(np.mean(errors), rel=1e-5)


def test_weights_decay_but_biases_and_norms_do_not(network):
    decaying, free = optimiser_of(network, settings_for("tiny")).param_groups
    assert (decaying["weight_decay"], free["weight_decay"]) == (0.05, 0)
    assert decaying["betas"] == (0.9, 0.95)
    assert {value.ndim for value in free["params"]} == {1}
    count = sum(value.requires_grad for value in network.parameters())
    assert len(decaying["params"]) + len(free["params"]) == count


def test_patches_and_pictures_are_inverse():
    assert torch.equal(pictures_of(patches_of(pictures(), 8), 8), pictures())


def test_a_network_that_says_all_fills_in_the_picture():
    true = pictures() * 0.5 + 0.25
    patches = patches_of(true, 8)
    said = (patches - patches.mean(2, keepdim=True)) / (patches.var(2, keepdim=True) + 1e-6).sqrt()
    hidden = (noise() > 0.5).float()
    seen, filled = fill_in(true, said, hidden, 8)
    np.testing.assert_allclose(filled, true, atol=1e-5)
    grey = patches_of(seen, 8)
    assert (grey[hidden.bool()] == 0.5).all()
    assert torch.equal(grey[~hidden.bool()], patches[~hidden.bool()])
