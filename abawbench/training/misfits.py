"""What of settings, data and entry does not fit in a training."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from abawbench.base.problems import Problem, Problems
from abawbench.clips.clip import Clip
from abawbench.clips.features import FeatureClip
from abawbench.entries.crops import crop_misfit
from abawbench.entries.features import feature_misfit
from abawbench.entries.networks.fersnet import FersNetEntry
from abawbench.entries.networks.network import NetworkEntry
from abawbench.entries.networks.streams import SHARING
from abawbench.models.fersnet.discriminator import SMALLEST
from abawbench.models.sharing.streams import StreamTrunk
from abawbench.models.temporal.settings import RECURRENT
from abawbench.training.learners import LearningEntry, temporal_of
from abawbench.training.settings import TrainingSettings, unknown_name

# found, expected, fix
Misfit = tuple[str, str, str]


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
