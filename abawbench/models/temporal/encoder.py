"""The shape of a sequence encoder, and the two that look at each frame alone."""

from __future__ import annotations

from torch import Tensor, nn

# what a stack remembers of a segment: nothing, (hidden,) or (hidden, cell)
LayerState = tuple[Tensor, ...]


class Encoder(nn.Module):
    """Sequences of vectors to sequences of vectors.

    Attributes:
        width: of the vectors it gives.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(
        self, sequences: Tensor, valid: Tensor | None, state: LayerState = (), positions: Tensor | None = None
    ) -> tuple[Tensor, LayerState]:
        """Encoded sequences, shape (sequences, frames, width), and the state behind their last valid frames.

        Args:
            sequences: shape (sequences, frames, width of the input), padded behind.
            valid: True where a frame is no padding, shape (sequences, frames); None where there is no padding.
            state: of the segment before; empty at the start.
            positions: of the frames in time, shape (sequences, frames); None counts them from 0.

        What it gives for padding has no meaning.
        """
        raise NotImplementedError


class PassOn(Encoder):
    """Gives what it takes."""

    def forward(
        self, sequences: Tensor, valid: Tensor | None, state: LayerState = (), positions: Tensor | None = None
    ) -> tuple[Tensor, LayerState]:
        """The sequences themselves."""
        del valid, state, positions
        return sequences, ()


class FrameWise(Encoder):
    """Linear layers with ReLU and dropout on each frame alone: assumed(choice), what `none` shares."""

    def __init__(self, width_in: int, width: int, layers: int, dropout: float) -> None:
        super().__init__(width)
        widths = (width_in, *[width] * layers)
        self.layers = nn.Sequential(
            *(layer for before in widths[:-1] for layer in (nn.Linear(before, width), nn.ReLU(), nn.Dropout(dropout)))
        )

    def forward(
        self, sequences: Tensor, valid: Tensor | None, state: LayerState = (), positions: Tensor | None = None
    ) -> tuple[Tensor, LayerState]:
        """Each frame by itself."""
        del valid, state, positions
        return self.layers(sequences), ()


def without_padding(sequences: Tensor, valid: Tensor | None) -> Tensor:
    """Sequences, shape (sequences, frames, width), with zeros for padding, whatever stood there."""
    return sequences if valid is None else sequences.masked_fill(~valid.unsqueeze(-1), 0)
