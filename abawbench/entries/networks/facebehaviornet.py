"""FaceBehaviorNet as an entry: one trunk, one linear head for each task."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch

from abawbench.base.problems import ProblemError
from abawbench.challenges import Categorical, Continuous, MultiLabel, Task
from abawbench.clips.clip import Clip
from abawbench.clips.feature_index import FeatureOrigin
from abawbench.entries.features import origins_of
from abawbench.entries.model import Answers, Card, FrameFeatures
from abawbench.entries.networks.frame_encoder import (
    BackboneSettings,
    EncoderEntry,
    FrameEncoder,
    WeightsFile,
    fill_heads,
    freeze,
    missing_heads,
)
from abawbench.entries.networks.streams import SharedTrunkSettings, make_trunk
from abawbench.entries.outputs import activate_scores
from abawbench.models.facebehaviornet import VALENCE_AROUSAL, FaceBehaviorNet, build
from abawbench.models.settings import Declared, FaceBehaviorSettings, terms_of
from abawbench.models.sizes import Size


@dataclass(frozen=True, slots=True)
class FaceBehaviorEntrySettings:
    """Settings of a FaceBehaviorNet entry.

    Attributes:
        trunk: backbone that encodes each crop.
        network: settings of the heads.
        sharing: streams of the tasks, each a copy of the trunk, and what they share; None for one trunk.
        coupling: terms of the coupling in training, as in `CouplingSettings`; they do not change the answers.
        action_units: action units that replace those of the vocabulary, as the 17 of the papers.
        expressions: expressions that replace those of the vocabulary, as the 7 of the papers.
        identities: classes of a task `identity`; empty for no such task.
        attributes: labels of a task `attributes`; empty for no such task.
        weights: weights of the heads, a safetensors file.
        seed: seed of the random weights of every part without a file; without a seed every part needs a file.
        feature_origin: networks of the features that it was trained on, which it takes as well as those of its own.
    """

    trunk: BackboneSettings
    network: FaceBehaviorSettings = field(default_factory=FaceBehaviorSettings)
    sharing: SharedTrunkSettings | None = None
    coupling: Declared = "none"
    action_units: tuple[str, ...] = ()
    expressions: tuple[str, ...] = ()
    identities: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    weights: WeightsFile | None = None
    seed: int | None = None
    feature_origin: FeatureOrigin | None = None


@dataclass(frozen=True, eq=False)
class FaceBehaviorEntry(EncoderEntry):
    """A FaceBehaviorNet with its weights, as an entry.

    Attributes:
        network: trunk and heads; the heads run in float32 on the CPU, where they cost little.
        seed: seed of random weights, as in the settings.
        feature_origin: networks of the features that it was trained on, as in the settings.
    """

    network: FaceBehaviorNet
    seed: int | None
    feature_origin: FeatureOrigin | None

    @property
    def origins(self) -> tuple[FeatureOrigin, ...]:
        """Origins of the features that it answers from; none where that is not known."""
        return origins_of(self.card, self.seed, self.feature_origin)

    @property
    def width(self) -> int:
        """Number of features of a frame."""
        return self.network.trunk.card.width

    @property
    def size(self) -> Size | None:
        """Parameters of the backbones, and their multiply-adds for one crop; None where it takes features."""
        return self.encoder.size if self.encoder.modules else None

    def answer(self, features: FrameFeatures, clip: Clip) -> Answers:
        """Answer for a clip by the heads, frame by frame."""
        with torch.inference_mode():
            heads = self.network.answers(torch.from_numpy(features))
        scores = {task.name: heads[_head(task)].double().numpy() for task in self.card.tasks}
        return activate_scores(self.card.tasks, scores, clip)


def create(card: Card, vocabulary: tuple[Task, ...], settings: FaceBehaviorEntrySettings) -> FaceBehaviorEntry:
    """Make the entry of `kind = "facebehaviornet"` in an entry.toml.

    Raises:
        ProblemError: E11 weights missing; E04 E08 E09 E10 weights that cannot be read, or of another network; E02 E17
            settings that contradict each other or are out of range.
    """
    tasks = tasks_of(vocabulary, settings)
    try:
        trunk, trunk_files, facts = make_trunk(
            settings.trunk, settings.sharing, "trunk", settings.seed, lambda task: (_head(task),), tasks
        )
    except ProblemError as error:
        raise ProblemError(*error.problems, *missing_heads(settings.weights, settings.seed)) from error
    network = build(trunk, {_head(task): task.width for task in tasks}, settings.network, seed=settings.seed or 0)
    files = (*trunk_files, *fill_heads(network.heads, settings.weights, settings.seed))
    (module,) = freeze([trunk])
    notes = (*card.notes, f"coupling in training: {', '.join(terms_of(settings.coupling)).replace('_', ' ') or 'none'}")
    return FaceBehaviorEntry(
        card=replace(card, tasks=tasks, weights=files, networks=(facts,), notes=notes),
        encoder=FrameEncoder((module,), (trunk.card.image_input,)),
        network=network.eval().requires_grad_(False),
        seed=settings.seed,
        feature_origin=settings.feature_origin,
    )


def tasks_of(vocabulary: tuple[Task, ...], settings: FaceBehaviorEntrySettings) -> tuple[Task, ...]:
    """The tasks of the vocabulary with the names of the settings, and those of identity and attributes where named."""
    tasks: list[Task] = []
    for task in vocabulary:
        if isinstance(task, MultiLabel) and settings.action_units:
            tasks.append(replace(task, columns=settings.action_units))
        elif isinstance(task, Categorical) and settings.expressions:
            tasks.append(replace(task, classes=settings.expressions))
        else:
            tasks.append(task)
    if settings.identities:
        tasks.append(Categorical("identity", settings.identities, None))
    if settings.attributes:
        tasks.append(MultiLabel("attributes", settings.attributes, None))
    return tuple(tasks)


def _head(task: Task) -> str:
    return VALENCE_AROUSAL if isinstance(task, Continuous) else task.name
