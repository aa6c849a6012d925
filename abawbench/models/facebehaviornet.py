"""FaceBehaviorNet: one trunk, and a linear head on its features for each task.

Source: arXiv:1910.11111, arXiv:2105.03790; any trunk may replace their VGG-FACE.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from abawbench.base.problems import Problem, ProblemError
from abawbench.models.backbones.model import Backbone
from abawbench.models.settings import FaceBehaviorSettings

VALENCE_AROUSAL = "valence_arousal"


class FaceBehaviorNet(nn.Module):
    """A trunk with heads; the first case study has tasks of affect, the second identity and attributes.

    Attributes:
        trunk: backbone that makes a feature vector of a picture.
        heads: linear layer of each output by its name.
        outputs: width of each output by its name.
        settings: settings of the heads.
    """

    def __init__(self, trunk: Backbone, outputs: Mapping[str, int], settings: FaceBehaviorSettings) -> None:
        super().__init__()
        problems = tuple(_problems_of(outputs))
        if problems:
            raise ProblemError(*problems)
        self.settings = settings
        self.outputs = dict(outputs)
        self.trunk = trunk
        self.dropout = nn.Dropout(settings.dropout)
        # a trunk with streams makes several vectors of a picture
        self._columns = {name: trunk.columns(name) for name in outputs}
        self.heads = nn.ModuleDict(
            {name: nn.Linear(own.stop - own.start, outputs[name]) for name, own in self._columns.items()}
        )
        self._takes_landmarks = "landmarks" in inspect.signature(trunk.forward).parameters

    def features(self, pictures: Tensor, landmarks: Tensor | None = None) -> Tensor:
        """Encode pictures as the features that the heads share.

        Args:
            pictures: pictures normalised as the card of the trunk says, shape (pictures, channels, size, size).
            landmarks: points of each face, shape (pictures, 68, 2), for a trunk that takes them.

        Returns:
            Shape (pictures, width of the trunk).

        Raises:
            ProblemError: E06, landmarks for a trunk that takes none.
        """
        if landmarks is None:
            return self.trunk(pictures)
        if not self._takes_landmarks:
            found = f"landmarks for a trunk of kind {self.trunk.card.kind}"
            fix = "leave the landmarks out, or choose a trunk with them"
            raise ProblemError(Problem("E06", found, "pictures alone", fix))
        return self.trunk(pictures, landmarks)

    def answers(self, features: Tensor) -> dict[str, Tensor]:
        """Outputs by name, each shape (pictures, width), of features, shape (pictures, width of the trunk).

        Logits, except `valence_arousal`: values, between -1 and 1 where the settings say `tanh`.
        """
        kept = self.dropout(features)
        answers: dict[str, Tensor] = {name: head(kept[:, self._columns[name]]) for name, head in self.heads.items()}
        if self.settings.valence_arousal == "tanh" and VALENCE_AROUSAL in answers:
            answers[VALENCE_AROUSAL] = answers[VALENCE_AROUSAL].tanh()
        return answers

    def forward(self, pictures: Tensor, landmarks: Tensor | None = None) -> dict[str, Tensor]:
        """Outputs by name of pictures: the `answers` to their `features`.

        Raises:
            ProblemError: E06, landmarks for a trunk that takes none.
        """
        return self.answers(self.features(pictures, landmarks))


def build(
    trunk: Backbone,
    outputs: Mapping[str, int],
    settings: FaceBehaviorSettings | None = None,
    *,
    seed: int | None = None,
) -> FaceBehaviorNet:
    """Build a network with untrained heads, in evaluation mode.

    Args:
        trunk: backbone, which keeps its weights.
        outputs: width of each output by its name: `valence_arousal` 2, `action_units`, `expression`; `identity` and
            `attributes`; others by any name.
        settings: settings of the heads; None for the defaults.
        seed: seed of the weights of the heads, which leaves torch's own random state as it was; None draws from that
            state.

    Raises:
        ProblemError: E17, every fault of the outputs.
    """
    settings = FaceBehaviorSettings() if settings is None else settings
    if seed is None:
        return FaceBehaviorNet(trunk, outputs, settings).eval()
    with torch.random.fork_rng(devices=[]):
        # not torch.manual_seed, which would seed accelerators too
        torch.default_generator.manual_seed(seed)
        return FaceBehaviorNet(trunk, outputs, settings).eval()


def _problems_of(outputs: Mapping[str, int]) -> Iterable[Problem]:
    if not outputs:
        yield Problem("E17", "no output", "a head for one task at least", "name an output and its width")
    # a head is an attribute of the dictionary that holds it
    taken = nn.ModuleDict()
    for name, width in outputs.items():
        if not name.isidentifier() or hasattr(taken, name):
            yield Problem("E17", f"an output {name!r}", "a word that torch does not use itself", "rename the output")
        if width < 1:
            yield Problem("E17", f"{name} of width {width}", "a width of at least 1", "correct the width")
        elif name == VALENCE_AROUSAL and width != 2:
            yield Problem("E17", f"{name} of width {width}", "2: valence and arousal", "correct the width")
