"""Feedback of labels: an output as a sum of vectors, one for each of its labels (source: aim3_mtl section 5)."""

from __future__ import annotations

from torch import Tensor, nn, where

from abawbench.models.frameworks.settings import LabelForm


class LabelEmbedding(nn.Module):
    """The embedding of the labels of one output.

    Each class, label or number has a vector; a frame gets their sum, weighted by probabilities, or by the place of a
    number in its range, 0 at the low end and 1 at the high end.

    Attributes:
        form: form of the output.
        vectors: vector of each label, N(0, 1) at first, as in the release.
    """

    def __init__(self, labels: int, form: LabelForm, width: int) -> None:
        super().__init__()
        self.form = form
        self.vectors = nn.Embedding(labels, width)

    def forward(self, answers: Tensor, given: Tensor | None = None) -> Tensor:
        """Embed the labels of an output, shape (..., width of the embedding); no gradient reaches the answers.

        Args:
            answers: answers of its head, shape (..., labels).
            given: weights of labels that stand for the answers, shape (..., labels); NaN where the answers count.
        """
        weights = self._weights_of(answers.detach())
        if given is not None:
            weights = where(given.isnan(), weights, given.to(weights.dtype))
        return weights @ self.vectors.weight

    def _weights_of(self, answers: Tensor) -> Tensor:
        match self.form.kind:
            case "number":
                return (answers - self.form.low) / (self.form.high - self.form.low)
            case "classes":
                return answers.softmax(dim=-1)
            case "labels":
                return answers.sigmoid()
