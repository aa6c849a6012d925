"""Transformers over a segment: with sinusoid positions, and with relative positions inside a window."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from abawbench.base.problems import ProblemError
from abawbench.models.temporal.encoders import Encoder, LayerState, without_padding
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
        """Encode sequences, shape (sequences, frames, width), attending to `keys`, (sequences, 1, 1, frames)."""
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
        heads: number of heads of each layer.
        adds_positions: whether sinusoids are added before the first layer.
        mode: mode of the settings.
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
        """Encode sequences by the layers.

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
    """Sines in the even and cosines in the odd columns, shape (*positions, width), float64.

    Source: arXiv:1706.03762 section 3.5, base 10000.
    """
    evens = torch.arange(0, width, 2, device=positions.device, dtype=torch.float64)
    angles = positions.to(torch.float64).unsqueeze(-1) * 10000 ** (-evens / width)
    return torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(-2)[..., :width]


# epsilon of the layer norms (source: AIM3-RUC/ABAW4:models/networks/fft.py)
EPSILON = 1e-4


class RelativeAttention(nn.Module):
    """Attention over the whole sequence; keys and values know their distance from the query up to a window.

    Source: arXiv:1803.02155, distances beyond the window having no vector, one set of vectors for all heads
    (AIM3-RUC/ABAW4:models/networks/fft.py).
    """

    def __init__(self, width: int, heads: int, window: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.window = heads, window
        head_width = width // heads
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.key_distance = nn.Parameter(torch.randn(2 * window + 1, head_width) * head_width**-0.5)
        self.value_distance = nn.Parameter(torch.randn(2 * window + 1, head_width) * head_width**-0.5)
        self.dropout = nn.Dropout(dropout)

    def forward(self, sequences: Tensor, keys: Tensor | None) -> Tensor:
        """Attend over sequences, shape (sequences, frames, width), to `keys`, (sequences, 1, 1, frames)."""
        batch, frames, width = sequences.shape
        shape = (batch, frames, self.heads, width // self.heads)
        query, key, value = (part(sequences).view(shape).transpose(1, 2) for part in (self.query, self.key, self.value))
        query = query * shape[-1] ** -0.5
        scores = query @ key.transpose(-2, -1) + self._to_columns(query @ self.key_distance.T)
        if keys is not None:
            scores = scores.masked_fill(~keys, -torch.inf)
        weights: Tensor = self.dropout(scores.softmax(dim=-1))
        attended = weights @ value + self._to_distances(weights) @ self.value_distance
        return self.out(attended.transpose(1, 2).reshape(batch, frames, width))

    def _to_columns(self, by_distance: Tensor) -> Tensor:
        """Spread values by distance, (..., frames, 2 window + 1), to keys, (..., frames, frames), zero elsewhere."""
        frames = by_distance.shape[-2]
        padded = by_distance.new_zeros((*by_distance.shape[:-1], frames + 2 * self.window))
        columns = self._columns(frames, by_distance.device).expand_as(by_distance)
        return padded.scatter(-1, columns, by_distance)[..., self.window : self.window + frames]

    def _to_distances(self, by_column: Tensor) -> Tensor:
        """Gather values by key, (..., frames, frames), as values by distance, (..., frames, 2 window + 1)."""
        frames = by_column.shape[-1]
        padded = functional.pad(by_column, (self.window, self.window))
        columns = self._columns(frames, by_column.device)
        return padded.gather(-1, columns.expand(*by_column.shape[:-1], -1))

    def _columns(self, frames: int, device: torch.device) -> Tensor:
        """The columns of the distances of each frame, among keys that are padded by a window on either side."""
        start = torch.arange(frames, device=device).unsqueeze(-1)
        return start + torch.arange(2 * self.window + 1, device=device)


class WindowedLayer(nn.Module):
    """Relative attention and one convolution with ReLU, each added to its input and then normalised."""

    def __init__(self, width: int, heads: int, settings: TemporalSettings) -> None:
        super().__init__()
        self.attention = RelativeAttention(width, heads, settings.window, settings.dropout)
        self.attention_norm = nn.LayerNorm(width, EPSILON)
        self.convolution = nn.Conv1d(width, width, settings.kernel, padding=settings.kernel // 2)
        self.convolution_norm = nn.LayerNorm(width, EPSILON)
        self.dropout = nn.Dropout(settings.dropout)

    def forward(self, sequences: Tensor, valid: Tensor | None, keys: Tensor | None) -> Tensor:
        """Encode sequences of shape (sequences, frames, width)."""
        sequences = self.attention_norm(sequences + self.dropout(self.attention(sequences, keys)))
        convolved = self.convolution(without_padding(sequences, valid).transpose(1, 2)).transpose(1, 2)
        # twice, on the convolution and on what is added (source: AIM3-RUC/ABAW4:models/networks/fft.py)
        convolved = self.dropout(self.dropout(functional.relu(convolved)))
        return self.convolution_norm(sequences + convolved)


class WindowedTransformer(Encoder):
    """The encoder `fft` of the release: a projection (shared stacks) and layers; padding is masked in both modes.

    Source: aim3_mtl section 4.
    """

    def __init__(
        self, width_in: int, width: int, heads: int, settings: TemporalSettings, layers: int, *, projects: bool
    ) -> None:
        super().__init__(width)
        self.projection = nn.Linear(width_in, width) if projects else nn.Identity()
        self.layers = nn.ModuleList(WindowedLayer(width, heads, settings) for _ in range(layers))

    def forward(
        self, sequences: Tensor, valid: Tensor | None, state: LayerState = (), positions: Tensor | None = None
    ) -> tuple[Tensor, LayerState]:
        """Encode sequences by the layers; distances count frames of the sequence."""
        del state, positions
        hidden: Tensor = self.projection(sequences)
        keys = None if valid is None else (valid | ~valid.any(dim=1, keepdim=True))[:, None, None, :]
        for layer in self.layers:
            hidden = layer(hidden, valid, keys)
        return hidden, ()
