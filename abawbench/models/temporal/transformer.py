"""The transformer: post-norm layers over a segment, with sinusoid positions."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from abawbench.base.problems import ProblemError
from abawbench.models.temporal.encoder import Encoder, LayerState
from abawbench.models.temporal.settings import COMPAT_POSITIONS, TemporalSettings, network_problem


class TransformerLayer(nn.Module):
    """Attention and a feed-forward network with ReLU, each added to its input and then normalised.

    Source: arXiv:1706.03762; order and dropouts: aim3_mtl section 4.
    """

    def __init__(self, width: int, heads: int, feed_forward: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.attention_in = nn.Linear(width, 3 * width)
        self.attention_out = nn.Linear(width, width)
        self.attention_norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, feed_forward)
        self.narrow = nn.Linear(feed_forward, width)
        self.feed_forward_norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, sequences: Tensor, keys: Tensor | None) -> Tensor:
        """Shape (sequences, frames, width) as the input; `keys`, (sequences, 1, 1, frames), may be attended to."""
        batch, frames, width = sequences.shape
        queried = self.attention_in(sequences).view(batch, frames, 3, self.heads, width // self.heads)
        query, key, value = queried.permute(2, 0, 3, 1, 4)
        attended = functional.scaled_dot_product_attention(
            query, key, value, attn_mask=keys, dropout_p=self.dropout.p if self.training else 0.0
        )
        attended = self.attention_out(attended.transpose(1, 2).reshape(batch, frames, width))
        sequences = self.attention_norm(sequences + self.dropout(attended))
        fed = self.narrow(self.dropout(functional.relu(self.widen(sequences))))
        return self.feed_forward_norm(sequences + self.dropout(fed))


class Transformer(Encoder):
    """A projection (shared stacks), positions, and layers without a norm behind the last.

    `compat` attends to padding (F1), and knows 512 positions of which the first is zero (F12).

    Attributes:
        heads: of each layer.
        adds_positions: whether sinusoids are added before the first layer.
    """

    def __init__(
        self, width_in: int, width: int, heads: int, settings: TemporalSettings, layers: int, *,
        projects: bool, adds_positions: bool,
    ) -> None:  # fmt: skip
        super().__init__(width)
        self.heads, self.adds_positions, self.mode = heads, adds_positions, settings.mode
        self.projection = nn.Linear(width_in, width) if projects else nn.Identity()
        self.layers = nn.ModuleList(
            TransformerLayer(width, heads, settings.feed_forward, settings.dropout) for _ in range(layers)
        )

    def forward(
        self, sequences: Tensor, valid: Tensor | None, state: LayerState = (), positions: Tensor | None = None
    ) -> tuple[Tensor, LayerState]:
        """What leaves the last layer.

        Raises:
            ProblemError: E17, `compat` and more than 512 frames.
        """
        del state
        hidden: Tensor = self.projection(sequences)
        if self.adds_positions:
            hidden = hidden + self._positions(hidden, positions)
        keys = None
        if valid is not None and self.mode == "fixed":
            # a sequence without a frame attends to its padding: not every kernel of torch gives numbers without any key
            keys = (valid | ~valid.any(dim=1, keepdim=True))[:, None, None, :]
        for layer in self.layers:
            hidden = layer(hidden, keys)
        return hidden, ()

    def _positions(self, hidden: Tensor, positions: Tensor | None) -> Tensor:
        frames = hidden.shape[1]
        if self.mode == "fixed":
            counted = torch.arange(frames, device=hidden.device) if positions is None else positions
            return sinusoids(counted, self.width).to(hidden.dtype)
        if frames > COMPAT_POSITIONS:
            found, expected = f"mode = 'compat' with {frames} frames", f"at most {COMPAT_POSITIONS} positions"
            raise ProblemError(network_problem(found, expected, "cut into shorter segments, or mode = 'fixed'"))
        table = sinusoids(torch.arange(frames, device=hidden.device), self.width)
        table[0] = 0
        return table.to(hidden.dtype)


def sinusoids(positions: Tensor, width: int) -> Tensor:
    """Sines in the even and cosines in the odd places, shape (*positions, width), float64.

    Source: arXiv:1706.03762 section 3.5, base 10000.
    """
    evens = torch.arange(0, width, 2, device=positions.device, dtype=torch.float64)
    angles = positions.to(torch.float64).unsqueeze(-1) * 10000 ** (-evens / width)
    return torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(-2)[..., :width]
