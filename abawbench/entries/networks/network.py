"""Networks as entries: backbones, a temporal encoder, a multi-task framework and heads, named in an entry.toml."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

import numpy as np
import torch

from abawbench.base.problems import Problem, ProblemError, did_you_mean
from abawbench.challenges import Task
from abawbench.clips.clip import Clip, nearest_valid
from abawbench.clips.feature_index import FeatureOrigin
from abawbench.entries.features import origins_of
from abawbench.entries.model import Answers, Card, FrameFeatures, Weights
from abawbench.entries.networks.frame_encoder import (
    BackboneSettings,
    EncoderEntry,
    FrameEncoder,
    Prepared,
    WeightsFile,
    fill_heads,
    freeze,
)
from abawbench.entries.networks.streams import SharedTrunkSettings, make_trunk
from abawbench.entries.outputs import activate_scores, head_widths, join_heads, label_forms
from abawbench.models.backbones import Backbone
from abawbench.models.frameworks.networks import MultiTaskNetwork, build_network
from abawbench.models.frameworks.settings import FrameworkSettings, HeadSettings
from abawbench.models.sizes import Size
from abawbench.models.temporal.segments import answer_sequence
from abawbench.models.temporal.settings import TemporalSettings


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """Settings of a network entry.

    Attributes:
        OUT_OF_RANGE: rule of a problem with a value out of its range.
        backbones: backbones that encode each crop; their vectors are joined end to end.
        sharing: streams of the tasks, each a copy of the one backbone, and what they share; None for no streams.
        tasks: names of the tasks that it answers; empty for all of the vocabulary.
        features: width of the features, for an entry that takes features and has no backbone; 0 until a training sets
            it to that of its data.
        temporal: settings of the sequence encoder.
        framework: layers that the tasks share.
        heads: settings of the head of each task.
        time: unit of time in a sequence: its rows, or the frames of the video that they stand for.
        weights: weights of everything above the backbones, a safetensors file.
        seed: seed of the random weights of every part without a file; without a seed every part needs a file.
        feature_origin: networks of the features that it was trained on, which it takes as well as those of its own.
    """

    OUT_OF_RANGE: ClassVar[str] = "E17"

    backbones: tuple[BackboneSettings, ...] = ()
    sharing: SharedTrunkSettings | None = None
    tasks: tuple[str, ...] = ()
    features: int | None = None
    temporal: TemporalSettings = field(default_factory=TemporalSettings)
    framework: FrameworkSettings = field(default_factory=FrameworkSettings)
    heads: HeadSettings = field(default_factory=HeadSettings)
    time: Literal["rows", "frames"] = "rows"
    weights: WeightsFile | None = None
    seed: int | None = None
    feature_origin: FeatureOrigin | None = None


@dataclass(frozen=True, eq=False)
class NetworkEntry(EncoderEntry):
    """A network with its weights, as an entry.

    Attributes:
        network: everything above the backbones; it runs in float32 on the CPU, where it costs little.
        time: unit of time in a sequence, as in the settings.
        seed: seed of random weights, as in the settings.
        feature_origin: networks of the features that it was trained on, as in the settings.
    """

    network: MultiTaskNetwork
    time: Literal["rows", "frames"]
    seed: int | None
    feature_origin: FeatureOrigin | None

    @property
    def origins(self) -> tuple[FeatureOrigin, ...]:
        """Origins of the features that it answers from; none where that is not known."""
        return origins_of(self.card, self.seed, self.feature_origin)

    @property
    def width(self) -> int:
        """Number of features of a frame."""
        return self.network.feature_width

    def forward(self, prepared: Prepared) -> FrameFeatures:
        """Encode prepared crops, shape (crops, width). Raises: ProblemError E06, the entry has no backbone."""
        if not self.encoder.modules:
            expected = f"features, {self.width} for each frame"
            fix = "name a folder of features, or add backbones to the entry"
            raise ProblemError(Problem("E06", f"crops for {self.card.name}", expected, fix))
        return super().forward(prepared)

    @property
    def size(self) -> Size | None:
        """Parameters of the backbones, and their multiply-adds for one crop; None where it takes features."""
        return self.encoder.size if self.encoder.modules else None

    def answer(self, features: FrameFeatures, clip: Clip) -> Answers:
        """Answer for a clip; a frame without a crop gets the features of the nearest frame with one.

        Source: situAI/ABAW2023_VA-EXPR_Situ-RUCAIM3, which tries +-1, +-2, ... frames.
        """
        tasks = self.card.tasks
        sequence = torch.from_numpy(features)
        if len(features) and not clip.valid.all():
            place = np.cumsum(clip.valid) - 1
            sequence = sequence[torch.from_numpy(place[nearest_valid(clip.valid)])]
        frame = clip.frame.astype(np.int64) if self.time == "frames" else None
        heads = {name: part.numpy() for name, part in answer_sequence(self.network, sequence, frame=frame).items()}
        rows = clip.valid if len(features) else np.empty(0, bool)
        return activate_scores(tasks, join_heads(tasks, {name: part[rows] for name, part in heads.items()}), clip)


def create(card: Card, vocabulary: tuple[Task, ...], settings: NetworkSettings) -> NetworkEntry:
    """Make the entry of `kind = "network"` in an entry.toml.

    Raises:
        ProblemError: every fault of its parts: E11 weights missing; E04 E08 E09 E10 weights that cannot be read, or of
            another network; E02 E17 settings that contradict each other or are out of range.
    """
    problems: list[Problem] = []
    tasks = {task.name: task for task in vocabulary}
    strange = [name for name in settings.tasks if name not in tasks]
    if strange:
        found, expected = f"settings.tasks: {', '.join(strange)}", f"names of {', '.join(tasks)}"
        problems.append(Problem("E02", found, expected, did_you_mean(strange[0], tasks)))
    vocabulary = tuple(task for task in vocabulary if not settings.tasks or task.name in settings.tasks)
    if settings.sharing is not None and len(settings.backbones) != 1:
        found = f"settings.sharing with {len(settings.backbones)} backbones"
        problems.append(Problem("E02", found, "one backbone, of which each stream has a copy", "name one"))
    sharing = settings.sharing if len(settings.backbones) == 1 else None
    parts: list[tuple[Backbone, tuple[Weights, ...], dict[str, Any]]] = []
    for place, backbone in enumerate(settings.backbones, start=1):
        role = "backbone" if len(settings.backbones) == 1 else f"backbone {place}"
        try:
            parts.append(make_trunk(backbone, sharing, role, settings.seed, _outputs, vocabulary))
        except ProblemError as error:
            problems.extend(error.problems)
    if bool(settings.backbones) == (settings.features is not None):
        both = "backbones and features" if settings.backbones else "neither backbones nor features"
        fix = "add [[settings.backbones]], or features = WIDTH"
        problems.append(Problem("E02", both, "either backbones for crops, or the width of features", fix))
    if settings.features == 0:
        fix = "train it, and name the folder of the run"
        raise ProblemError(*problems, Problem("E11", "settings.features = 0: not trained yet", "weights", fix))
    # any width will do where a backbone is missing: the other problems are still found
    widths = head_widths(vocabulary)
    width = sum(backbone.card.width for backbone, _, _ in parts) or settings.features or 1
    try:
        network = build_network(
            width,
            widths,
            settings.temporal,
            settings.framework,
            settings.heads,
            forms=label_forms(vocabulary),
            columns={} if sharing is None or not parts else {name: parts[0][0].columns(name) for name in widths},
            seed=settings.seed or 0,
        )
        heads = fill_heads(network, settings.weights, settings.seed)
    except ProblemError as error:
        raise ProblemError(*problems, *error.problems) from error
    if problems:
        raise ProblemError(*problems)
    files = [file for _, own, _ in parts for file in own]
    modules = freeze([backbone for backbone, _, _ in parts])
    return NetworkEntry(
        card=replace(card, tasks=vocabulary, weights=(*files, *heads), networks=tuple(facts for _, _, facts in parts)),
        encoder=FrameEncoder(modules, tuple(backbone.card.image_input for backbone, _, _ in parts)),
        network=network.eval().requires_grad_(False),
        time=settings.time,
        seed=settings.seed,
        feature_origin=settings.feature_origin,
    )


def _outputs(task: Task) -> tuple[str, ...]:
    return tuple(head_widths((task,)))
