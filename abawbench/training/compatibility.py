"""Compatibility of entry, settings and data, checked before anything is learned."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from abawbench.base.problems import Problem, Problems
from abawbench.clips.clip import Clip
from abawbench.clips.features import FeatureClip
from abawbench.entries.networks.network import NetworkEntry
from abawbench.models.temporal.settings import RECURRENT, TemporalSettings
from abawbench.training.learners import LearningEntry
from abawbench.training.settings import TrainingSettings, unknown_name

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
        *_of_processes(settings, processes),
    ):
        problems.add(Problem("E19", found, expected, fix, file))
    problems.raise_if_any()


def _of_data(entry: LearningEntry, clips: Sequence[Clip], *, takes_features: bool) -> Iterable[Misfit]:
    picture = entry.card.picture
    for clip in clips:
        if isinstance(clip, FeatureClip) and clip.width != entry.width:
            fix = "extract them with the backbones of this entry, or correct settings.features"
            yield f"{clip.width} features a frame in {clip.video}", f"{entry.width} as the entry takes", fix
        elif not takes_features and picture is not None and clip.size != picture.size:
            expected = f"{picture.size} pixels, as the entry's picture says"
            yield f"crops of {clip.size} pixels in {clip.video}", expected, "align the faces to that size"
    if not takes_features and not entry.encoder.modules:
        yield "crops for an entry that takes features", "features", "name folders of features, or add backbones"


def _of_networks(entry: LearningEntry, settings: TrainingSettings, *, takes_features: bool) -> Iterable[Misfit]:
    temporal = temporal_of(entry)
    are_features_fixed = takes_features or (settings.freeze_backbone and settings.augmentation is None)
    if takes_features and settings.augmentation is not None:
        yield "training.augmentation of features", "crops", "remove it, or name a folder of crops"
    if not are_features_fixed and temporal.normalise != "none":
        found = f"normalise = {temporal.normalise} of features that change while the network learns"
        fix = "set normalise = none, or training.freeze_backbone = true without augmentation"
        yield found, "features that stay as they are", fix
    carries = temporal.encoder in RECURRENT and temporal.carry_state
    if settings.videos and not (carries and temporal.stride in {None, temporal.segment}):
        found = f"training.videos = {settings.videos} with the encoder {temporal.encoder}"
        yield found, "a recurrent encoder that carries its state over segments", "set training.videos = 0"


def _of_frames(entry: LearningEntry, settings: TrainingSettings) -> Iterable[Misfit]:
    if settings.mixing is not None and settings.coupling is not None:
        yield "training.mixing beside a coupling", "one of them", "remove training.mixing, or the coupling"
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


def _of_processes(settings: TrainingSettings, processes: int) -> Iterable[Misfit]:
    if processes > 1 and settings.mixing is not None:
        found = f"training.mixing in {processes} processes"
        yield found, "one process, which has both crops of a mixture", "remove training.mixing, or start one process"
