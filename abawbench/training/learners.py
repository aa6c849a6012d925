"""Entries that learn: their fit to settings and data, their modules, and their score on the validation split."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from abawbench.base.problems import Problem, Problems
from abawbench.challenges import Challenge, Task
from abawbench.clips.clip import Clip
from abawbench.clips.features import FeatureClip
from abawbench.entries.crops import crop_misfit
from abawbench.entries.features import feature_misfit
from abawbench.entries.model import FrameFeatures
from abawbench.entries.networks.facebehaviornet import FaceBehaviorEntry
from abawbench.entries.networks.fersnet import FersNetEntry
from abawbench.entries.networks.frame_encoder import FrameEncoder
from abawbench.entries.networks.network import NetworkEntry
from abawbench.entries.networks.streams import SHARING
from abawbench.entries.outputs import UnitAnswers, decode
from abawbench.models.facebehaviornet import VALENCE_AROUSAL
from abawbench.models.fersnet.discriminator import SMALLEST
from abawbench.models.fersnet.network import FersNet
from abawbench.models.image_input import ImageInput
from abawbench.models.sharing.streams import StreamTrunk
from abawbench.models.temporal.segments import State
from abawbench.models.temporal.settings import RECURRENT, TemporalSettings
from abawbench.scoring.criteria import evaluate, nested, number
from abawbench.scoring.score import pair
from abawbench.scoring.statistics import collect
from abawbench.table import Rows, Table
from abawbench.training.data import Crops, SplitFrames, encode
from abawbench.training.optimisers import copy_tensors
from abawbench.training.settings import TrainingSettings, unknown_name

Outputs = dict[str, Tensor]
LearningEntry = NetworkEntry | FaceBehaviorEntry | FersNetEntry
# found, expected, fix
Misfit = tuple[str, str, str]


def temporal_of(entry: LearningEntry) -> TemporalSettings:
    """The temporal settings of an entry; those of FaceBehaviorNet have no encoder."""
    return entry.network.temporal if isinstance(entry, NetworkEntry) else TemporalSettings()


def refuse_misfits(
    entry: LearningEntry, settings: TrainingSettings, clips: Sequence[Clip], file: str, *, processes: int
) -> None:
    """Check that the entry can be trained with these settings on these data.

    Args:
        entry: entry to train.
        settings: settings of the training.
        clips: clips of the data, all of crops or all of features.
        file: file of the entry.
        processes: number of processes that learn together.

    Raises:
        ProblemError: E19, everything of data and settings that does not fit the entry.
    """
    problems = Problems()
    tasks = [task.name for task in entry.card.tasks]
    if settings.balance and settings.balance not in tasks:
        problems.add(unknown_name(f"training.balance = {settings.balance}", settings.balance, tasks))
    takes_features = isinstance(clips[0], FeatureClip)
    for found, expected, fix in (
        *_of_data(entry, clips, takes_features=takes_features),
        *_of_networks(entry, settings, takes_features=takes_features),
        *_of_frames(entry, settings),
        *_of_ridge(entry, settings, processes),
        *_of_sharing(entry, settings, takes_features=takes_features, processes=processes),
        *_of_processes(settings, processes),
        *_of_synthesis(entry, settings, processes, takes_features=takes_features),
    ):
        problems.add(Problem("E19", found, expected, fix, file))
    problems.raise_if_any()


def _of_data(entry: LearningEntry, clips: Sequence[Clip], *, takes_features: bool) -> Iterable[Misfit]:
    for clip in clips:
        if isinstance(clip, FeatureClip) and (unfit := feature_misfit(entry, clip)) is not None:
            found, expected, fix = unfit
            yield f"{found} in {clip.video}", expected, f"{fix}, or correct settings.features"
        elif (misfit := crop_misfit(entry.card, clip)) is not None:
            found, expected, fix = misfit
            yield f"{found} in {clip.video}", expected, fix
    if not takes_features and not entry.encoder.modules:
        yield "crops for an entry that takes features", "features", "name folders of features, or add backbones"


def _of_networks(entry: LearningEntry, settings: TrainingSettings, *, takes_features: bool) -> Iterable[Misfit]:
    temporal = temporal_of(entry)
    is_frozen = settings.freeze_backbone or settings.ridge is not None
    are_features_fixed = takes_features or (is_frozen and settings.augmentation is None)
    if takes_features and settings.augmentation is not None:
        yield "training.augmentation of features", "crops", "remove it, or name a folder of crops"
    if not are_features_fixed and temporal.normalise != "none":
        found = f"normalise = {temporal.normalise} of features that change while the network learns"
        fix = "set normalise = none, or training.freeze_backbone = true without augmentation"
        yield found, "features that stay as they are", fix
    carries = temporal.carry_state and temporal.stride in {None, temporal.segment}
    if settings.videos and (temporal.encoder == "none" or (temporal.encoder in RECURRENT and not carries)):
        found = f"training.videos = {settings.videos} with the encoder {temporal.encoder}"
        expected = "a temporal encoder; a recurrent one that carries its state over segments"
        yield found, expected, "set training.videos = 0"


def _of_frames(entry: LearningEntry, settings: TrainingSettings) -> Iterable[Misfit]:
    if settings.mixing is not None and settings.coupling is not None:
        yield "training.mixing beside a coupling", "one of them", "remove training.mixing, or the coupling"
    if settings.mixing is not None and isinstance(entry, NetworkEntry) and entry.network.label_sources:
        yield "training.mixing beside feedback of labels", "one of them", "remove training.mixing, or the feedback"
    if temporal_of(entry).encoder == "none":
        return
    for name, is_set in (
        ("balance", settings.balance),
        ("mixing", settings.mixing is not None),
        ("databases", settings.databases != "one"),
    ):
        if is_set:
            fix = f"remove training.{name}, or take the encoder none"
            yield f"training.{name} of segments", "single frames, which alone can be drawn freely", fix


def _of_ridge(entry: LearningEntry, settings: TrainingSettings, processes: int) -> Iterable[Misfit]:
    if settings.ridge is None:
        return
    if not isinstance(entry, NetworkEntry) or entry.network.linear_layers() is None:
        expected = "a linear network: encoder none, framework shared_encoder, heads.hidden = [] and no tanh"
        yield "training.ridge of a network with hidden layers", expected, "remove training.ridge, or the layers"
    if processes > 1:
        yield f"training.ridge in {processes} processes", "one process", "start one process"


def _of_sharing(
    entry: LearningEntry, settings: TrainingSettings, *, takes_features: bool, processes: int
) -> Iterable[Misfit]:
    trunks = [module for module in entry.encoder.modules if isinstance(module, StreamTrunk)]
    is_frozen = settings.freeze_backbone or settings.ridge is not None or takes_features
    is_fresh = all(file.role != SHARING for file in entry.card.weights)
    if is_frozen and is_fresh and any(trunk.param_groups(1.0) for trunk in trunks):
        found = "features" if takes_features else "frozen backbones"
        yield f"{found} with sharing units that were never trained", "units that learn", "train on crops, not frozen"
    if processes > 1 and any(trunk.regulariser() is not None for trunk in trunks):
        found = f"the penalty of sluice in {processes} processes"
        yield found, "one process, which sees the whole batch", "write penalty = 0.0, or start one process"


def _of_processes(settings: TrainingSettings, processes: int) -> Iterable[Misfit]:
    if processes > 1 and settings.mixing is not None:
        found = f"training.mixing in {processes} processes"
        yield found, "one process, which has both crops of a mixture", "remove training.mixing, or start one process"


def _of_synthesis(
    entry: LearningEntry, settings: TrainingSettings, processes: int, *, takes_features: bool
) -> Iterable[Misfit]:
    is_network = isinstance(entry, FersNetEntry)
    if is_network and takes_features:
        yield "features for an entry that takes crops", "crops", "name a folder of crops"
    if is_network and settings.freeze_backbone:
        yield "training.freeze_backbone of a FERSNet", "a network with a backbone", "remove training.freeze_backbone"
    if settings.synthesis is None:
        return
    if not is_network:
        yield "training.synthesis", "an entry of kind fersnet", "remove training.synthesis"
    if processes > 1:
        yield f"training.synthesis in {processes} processes", "one process", "start one process"
    if settings.synthesis.stage == "balance":
        if is_network and not entry.card.weights:
            found, fix = (
                "training.synthesis.stage = balance of an untrained network",
                "train it jointly first, name its run",
            )
            yield found, "a network that has learned to synthesise", fix
        return
    for name, is_set, expected in (
        ("mixing", settings.mixing is not None, "no mixtures of pairs"),
        ("balance", settings.balance, "each face as the source of one pair"),
        ("databases", settings.databases != "one", "each face as the source of one pair"),
        ("precision", settings.precision != "float32", "float32"),
    ):
        if is_set:
            yield f"training.{name} beside training.synthesis", expected, f"remove training.{name}"
    size = entry.encoder.image_inputs[0].size if is_network else SMALLEST
    if settings.synthesis.adversarial and size < SMALLEST:
        expected = f"{SMALLEST} pixels or more, two patches of the discriminator"
        yield f"settings.size = {size}", expected, "set training.synthesis.adversarial = 0, or take larger pictures"
    if settings.augmentation is not None and settings.augmentation.shared != "clip":
        found = f"training.augmentation.shared = {settings.augmentation.shared} beside training.synthesis"
        yield found, "clip: both faces of a pair have one change", "set training.augmentation.shared = clip"


class Learner(nn.Module):
    """The modules of an entry that are trained.

    Attributes:
        tasks: tasks of the entry.
        image_inputs: image input of each backbone.
        is_frozen: True where the backbones are not trained.
    """

    def __init__(self, tasks: Sequence[Task], image_inputs: Sequence[ImageInput], *, is_frozen: bool) -> None:
        super().__init__()
        self.tasks, self.image_inputs, self.is_frozen = tuple(tasks), tuple(image_inputs), is_frozen

    def encoders(self) -> Sequence[nn.Module]:
        """The backbones, which encode pictures."""
        raise NotImplementedError

    def parts(self) -> Iterator[nn.Module]:
        """The modules whose gradients may be clipped one by one."""
        raise NotImplementedError

    @property
    def label_sources(self) -> tuple[str, ...]:
        """Names of the outputs whose labels are fed back to others."""
        return ()

    @property
    def truth_share(self) -> float:
        """The share of the time steps that feed back annotated labels at the start of a training."""
        return 0.0

    def forward(
        self,
        features: Tensor,
        lengths: Tensor,
        state: State | None,
        positions: Tensor | None,
        given: Mapping[str, Tensor] | None = None,
    ) -> tuple[Outputs, State | None]:
        """Compute the outputs of each task, shape (frames, width), and the state after the last frames.

        Args:
            features: features of all frames, shape (frames, width), one sequence after the other.
            lengths: number of frames of each sequence, on the CPU.
            state: state after the segments before; None at the start.
            positions: positions of the frames in time, shape (frames,); None to count them.
            given: labels fed back in place of predictions, by source, shape (frames, labels); NaN for predictions.
        """
        raise NotImplementedError

    def frame_features(self, pictures: Sequence[Tensor]) -> Tensor:
        """Encode pictures for each backbone, shape (frames, channels, size, size), as features, (frames, width)."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.is_frozen):
            parts = [encoder(own.contiguous()) for encoder, own in zip(self.encoders(), pictures, strict=True)]
        return torch.cat(parts, 1) if len(parts) > 1 else parts[0]

    def train(self, mode: bool = True) -> Learner:
        """Set the training mode; frozen backbones stay in evaluation mode."""
        super().train(mode)
        for encoder in self.encoders() if mode else ():
            # torch 2.13 crashes on some processors in the gradient of a convolution with channels last
            torch.nn.utils.convert_conv2d_weight_memory_format(encoder, torch.contiguous_format)
        if self.is_frozen:
            for encoder in self.encoders():
                encoder.eval()
        return self

    def learned(self) -> dict[str, Tensor]:
        """Weights and statistics that training changes, by name."""
        frozen = self.encoders() if self.is_frozen else ()
        kept = {id(tensor) for encoder in frozen for tensor in (*encoder.parameters(), *encoder.buffers())}
        return {name: tensor for name, tensor in self.state_dict(keep_vars=True).items() if id(tensor) not in kept}

    def load(self, weights: dict[str, Tensor]) -> None:
        """Copy weights and statistics into those of the same names."""
        copy_tensors(weights, self.learned())

    def groups(self) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
        """Parameters of the backbones, empty where these are frozen, and all others, without those of sharing units."""
        below = {id(parameter): parameter for encoder in self.encoders() for parameter in encoder.parameters()}
        above = [parameter for parameter in self.parameters() if id(parameter) not in below]
        units = {id(parameter) for group in self.unit_groups(1.0) for parameter in group["params"]}
        own = [parameter for key, parameter in below.items() if key not in units]
        return ([] if self.is_frozen else own), above

    def unit_groups(self, rate: float) -> list[dict[str, Any]]:
        """Groups of the parameters of sharing units, with their rates; none where the backbones are frozen.

        Args:
            rate: learning rate of the training.
        """
        return [] if self.is_frozen else [group for trunk in self._shared() for group in trunk.param_groups(rate)]

    def penalty(self) -> Tensor | None:
        """The penalty of the sharing units in the last forward pass; None where there is none."""
        penalties = [] if self.is_frozen else [trunk.regulariser() for trunk in self._shared()]
        return next((penalty for penalty in penalties if penalty is not None), None)

    def gates(self) -> dict[str, float]:
        """Mean gates or weights of the sharing units in the last forward pass, by stage and direction."""
        return {name: mean for trunk in self._shared() for name, mean in trunk.stats().items()}

    def _shared(self) -> list[StreamTrunk | FersNet]:
        return [encoder for encoder in self.encoders() if isinstance(encoder, StreamTrunk | FersNet)]


class SequenceLearner(Learner):
    """The learner of a network entry: backbones, and the network above them."""

    def __init__(self, entry: NetworkEntry, *, is_frozen: bool, takes_features: bool) -> None:
        encoder = FrameEncoder((), ()) if takes_features else entry.encoder
        super().__init__(entry.card.tasks, encoder.image_inputs, is_frozen=is_frozen)
        self.backbones = nn.ModuleList(encoder.modules)
        self.network = entry.network
        _require_gradients(self)

    def encoders(self) -> Sequence[nn.Module]:
        """The backbones."""
        return list(self.backbones)

    def parts(self) -> Iterator[nn.Module]:
        """Each backbone, the shared stack, each embedding, and for each output its private stack and head together."""
        network = self.network
        yield from (*self.backbones, network.shared, *network.embeddings.children())
        for name, head in network.heads.items():
            yield nn.ModuleList((network.private[name], head))

    @property
    def label_sources(self) -> tuple[str, ...]:
        """Names of the outputs whose labels are fed back to others."""
        return self.network.label_sources

    @property
    def truth_share(self) -> float:
        """The share of the time steps that feed back annotated labels at the start of a training."""
        return self.network.framework.truth_share

    def forward(
        self,
        features: Tensor,
        lengths: Tensor,
        state: State | None,
        positions: Tensor | None,
        given: Mapping[str, Tensor] | None = None,
    ) -> tuple[Outputs, State | None]:
        """Compute outputs and state as `Learner.forward`, of features that `MultiTaskNetwork.normalise` returned."""
        longest = int(lengths.max())
        is_row = None
        if not bool((lengths == longest).all()):
            is_row = (torch.arange(longest) < lengths[:, None]).to(features.device)

        def padded(flat: Tensor) -> Tensor:
            shape = (len(lengths), longest, *flat.shape[1:])
            return flat.view(shape) if is_row is None else flat.new_zeros(shape).index_put((is_row,), flat)

        heads, after = self.network.forward_segment(
            padded(features),
            lengths,
            state,
            None if positions is None else padded(positions),
            {source: padded(weights) for source, weights in (given or {}).items()},
        )
        flat = {name: output.flatten(0, 1) if is_row is None else output[is_row] for name, output in heads.items()}
        # real values have a head for each column
        outputs = {
            task.name: torch.cat([flat[column] for column in task.outputs], 1) if task.is_real else flat[task.name]
            for task in self.tasks
        }
        return outputs, after


class FrameLearner(Learner):
    """The learner of FaceBehaviorNet: a trunk and heads, frame by frame."""

    def __init__(self, entry: FaceBehaviorEntry, *, is_frozen: bool) -> None:
        super().__init__(entry.card.tasks, entry.encoder.image_inputs, is_frozen=is_frozen)
        self.network = entry.network
        _require_gradients(self)

    def encoders(self) -> Sequence[nn.Module]:
        """The trunk."""
        return [self.network.trunk]

    def parts(self) -> Iterator[nn.Module]:
        """The trunk, and each head."""
        yield from (self.network.trunk, *self.network.heads.children())

    def forward(
        self,
        features: Tensor,
        lengths: Tensor,
        state: State | None,
        positions: Tensor | None,
        given: Mapping[str, Tensor] | None = None,
    ) -> tuple[Outputs, State | None]:
        """Compute outputs as `Learner.forward`, frame by frame, without a state."""
        del lengths, state, positions, given
        answers = self.network.answers(features)
        return {task.name: answers[VALENCE_AROUSAL if task.is_real else task.name] for task in self.tasks}, None


class FersNetLearner(Learner):
    """The learner of FERSNet's recognition, frame by frame; `SynthesisLoop` lets it learn synthesis too."""

    def __init__(self, entry: FersNetEntry) -> None:
        super().__init__(entry.card.tasks, entry.encoder.image_inputs, is_frozen=False)
        self.network = entry.network
        _require_gradients(self)

    def encoders(self) -> Sequence[nn.Module]:
        """The whole network, which encodes pictures for its classifier."""
        return [self.network]

    def parts(self) -> Iterator[nn.Module]:
        """Each part of the network."""
        yield from self.network.children()

    def forward(
        self,
        features: Tensor,
        lengths: Tensor,
        state: State | None,
        positions: Tensor | None,
        given: Mapping[str, Tensor] | None = None,
    ) -> tuple[Outputs, State | None]:
        """Compute outputs as `Learner.forward`, frame by frame, without a state."""
        del lengths, state, positions, given
        return {self.tasks[0].name: self.network.classifier(features)}, None


def make_learner(entry: LearningEntry, *, is_frozen: bool, takes_features: bool) -> Learner:
    """Make the learner of an entry, whose modules training changes in place.

    Args:
        entry: entry to train.
        is_frozen: True where the backbones are not trained.
        takes_features: True where the data are features instead of crops.
    """
    if isinstance(entry, NetworkEntry):
        return SequenceLearner(entry, is_frozen=is_frozen, takes_features=takes_features)
    if isinstance(entry, FersNetEntry):
        return FersNetLearner(entry)
    return FrameLearner(entry, is_frozen=is_frozen)


def first_sequences(state: State | None, sequences: int) -> State | None:
    """The state of the first sequences."""
    if state is None:
        return None
    # layers come first in the state of a recurrent stack
    return tuple(tuple(part[:, :sequences].contiguous() for part in layer) for layer in state)


def _require_gradients(learner: Learner) -> None:
    learner.requires_grad_(True)
    if learner.is_frozen:
        for encoder in learner.encoders():
            encoder.requires_grad_(False)


@dataclass(frozen=True, eq=False)
class ValidationScore:
    """The score of one validation.

    Attributes:
        score: official total; None where it is not defined.
        terms: part of each task in the total.
        metrics: figures of all metrics.
    """

    score: float | None
    terms: dict[str, float | None]
    metrics: dict[str, Any]

    @property
    def standing(self) -> float | None:
        """The value by which epochs are compared: the score, or the sum of the terms that are defined."""
        if self.score is not None:
            return self.score
        defined = [value for value in self.terms.values() if value is not None]
        return sum(defined) if defined else None


@dataclass(frozen=True, eq=False)
class Validation:
    """The split that an entry is validated on.

    Attributes:
        challenge: challenge of the scores.
        truth: labels of the split, in the challenge's columns.
        frames: frames of the split.
        inputs: features of all places, or crops.
    """

    challenge: Challenge
    truth: Table
    frames: SplitFrames
    inputs: FrameFeatures | Crops

    def evaluate(self, entry: LearningEntry) -> ValidationScore:
        """Score the entry's answers to the frames of the truth, with the same result as `predict` and `score`.

        Annotated rows without a crop get the answer to the nearest frame.
        """
        prediction = decode(entry.card, self._answers(entry), self.challenge)
        paired = pair(self.challenge, self.truth, prediction, missing="nearest", allow_filled=1)
        statistics = collect(self.challenge, paired.truth, paired.prediction, valid=paired.valid)
        figures = evaluate(self.challenge, statistics.total, statistics.pilots)
        tree = nested({path: number(value[()]) for path, value in figures.items()})
        return ValidationScore(tree["score"], tree.get("terms", {}), tree["metrics"])

    def _answers(self, entry: LearningEntry) -> Iterator[UnitAnswers]:
        for place, clip in enumerate(self.frames.clips):
            begin = int(self.frames.begins[place])
            own = begin + np.flatnonzero(clip.valid)
            answers = entry.answer(self._features(entry, own), clip)
            wanted = self.truth.frame[self.truth.video == self.truth.videos.index(clip.video)]
            # repeated rows of the truth are answered as often
            found = np.searchsorted(clip.frame, wanted)
            found = found[(found < len(clip)) & (clip.frame[np.minimum(found, len(clip) - 1)] == wanted)]
            found = found[clip.valid[found]]
            yield UnitAnswers(clip.video, clip.frame[found], {task: values[found] for task, values in answers.items()})

    def _features(self, entry: LearningEntry, places: Rows) -> FrameFeatures:
        if isinstance(self.inputs, Crops):
            return encode(entry, self.inputs, self.frames.crop[places])
        return self.inputs[places]
