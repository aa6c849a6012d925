"""The head of one output: a small network on the vector of each frame."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn


class Head(nn.Module):
    """Dropout, hidden layers with ReLU and dropout, a linear layer (source: aim3_mtl section 4).

    Attributes:
        hidden_width: of the last hidden vector.
    """

    def __init__(self, width: int, answers: int, *, hidden: Sequence[int], dropout: float, tanh: bool) -> None:
        super().__init__()
        widths = (width, *hidden)
        layers: list[nn.Module] = [nn.Dropout(dropout)]
        for before, after in zip(widths, hidden, strict=False):
            layers += [nn.Linear(before, after), nn.ReLU(), nn.Dropout(dropout)]
        self.hidden = nn.Sequential(*layers)
        self.hidden_width = widths[-1]
        self.answer = nn.Sequential(nn.Linear(widths[-1], answers), *([nn.Tanh()] if tanh else []))

    def forward(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Answers, shape (..., answers), and the last hidden vectors after dropout, shape (..., hidden width)."""
        hidden: Tensor = self.hidden(vectors)
        answer: Tensor = self.answer(hidden)
        return answer, hidden
