"""Synthesised faces of the training people, which fill up the training split until its classes are even.

They are made from the training split alone, and are marked as synthetic wherever they are written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from abawbench.base.files import make_folder, read_input, write_file, write_folder
from abawbench.challenges import Challenge
from abawbench.clips.clip import Clip, clips_of_units
from abawbench.clips.crop_file import write_crop
from abawbench.clips.crop_index import CROPS
from abawbench.clips.synthetic_faces import MANIFEST, SyntheticFace, hashes_of_parents, manifest_of
from abawbench.entries.networks.fersnet import FersNetEntry
from abawbench.table import Rows, Table, join_tables
from abawbench.training.data import SplitFrames, split_frames
from abawbench.training.setup import Setup
from abawbench.training.sources import arrange_labels
from abawbench.training.synthesis.pairs import Numbers, faces_of

FOLDER = "synthetic"


@dataclass(frozen=True, eq=False)
class Plan:
    """The faces to synthesise.

    Attributes:
        source: position of the source face of each, shape (synthesised,).
        target: number of the expression of each, shape (synthesised,).
    """

    source: Rows
    target: Rows


def enlarge_split(setup: Setup, notice: Callable[[str], None]) -> Setup:
    """The setup with a training split that synthesised faces fill up; they are written into the run folder.

    Args:
        setup: setup of a training of the stage `balance`, whose entry is trained.
        notice: called with a sentence about the faces.

    Raises:
        ProblemError: C02 a unit without a subject, F01 a file cannot be read or written.
    """
    entry, frames, (task,) = setup.entry, setup.splits["train"], setup.entry.card.tasks
    assert isinstance(entry, FersNetEntry)
    faces = faces_of(frames, task.name, setup.subjects)
    plan = plan_faces(faces.person, faces.label, task.width, setup.settings.seed)
    notice(f"synthesising {len(plan.source):,} faces of {len(np.unique(faces.person)):,} people from {len(faces):,}")
    made = synthesise_split(entry.at(setup.options.device, "float32"), frames, faces.places, plan, setup.out / FOLDER)
    truth = enlarged_table(setup.labels.train, setup.challenge, task.name, made)
    arranged = arrange_labels(truth, setup.challenge, entry.card.tasks)
    splits = {**setup.splits, "train": split_frames([*frames.clips, *made], arranged, entry.card.tasks)}
    labels = replace(setup.labels, train=truth)
    return replace(setup, labels=labels, splits=splits, real_rows=len(setup.labels.train))


def plan_faces(person: Numbers, label: Numbers, classes: int, seed: int) -> Plan:
    """Plan the faces that fill every cell of a person and an expression, and make all expressions equally frequent.

    Each face is a source for each other expression at most once. The first faces of an expression go to the people who
    do not show it, one each; further ones have random sources, until the expression has as many faces as the most
    frequent one, for which there are always enough sources. An expression that no face shows is left out, since nothing
    could learn it.

    Args:
        person: number of the person of each face, shape (faces,).
        label: number of the expression of each face, shape (faces,).
        classes: number of expressions.
        seed: seed of the order of the sources.
    """
    people, owner = np.unique(person, return_inverse=True)
    shown = np.zeros((len(people), classes), bool)
    shown[owner, label] = True
    count = np.bincount(label, minlength=classes)
    known = count > 0
    wanted = np.where(known, (count + (~shown).sum(0)).max(where=known, initial=0) - count, 0)
    generator = np.random.default_rng([seed, 7])
    sources: list[Rows] = []
    for expression in range(classes):
        order = generator.permutation(len(label))
        order = order[label[order] != expression]
        is_filling = ~shown[owner[order], expression]
        _, first = np.unique(owner[order], return_index=True)
        is_first = np.zeros(len(order), bool)
        is_first[first] = True
        order = order[np.argsort(~(is_filling & is_first), kind="stable")]
        sources.append(order[: wanted[expression]])
    return Plan(np.concatenate(sources), np.repeat(np.arange(classes), wanted))


def synthesise_split(
    entry: FersNetEntry, frames: SplitFrames, faces: Rows, plan: Plan, folder: Path
) -> tuple[Clip, ...]:
    """Synthesise the planned faces, and write them with their manifest; what is there already is kept.

    Args:
        entry: trained entry, on the device on which it synthesises.
        frames: frames of the training split.
        faces: places of the faces that the plan counts, shape (faces,).
        plan: the plan.
        folder: folder of the synthesised faces.

    Returns:
        Clips of the synthesised faces: `<unit>-<expression>`, with the frame numbers of their sources.

    Raises:
        ProblemError: F01, a file cannot be read or written.
    """
    places = faces[plan.source]
    clip_of = np.searchsorted(frames.begins, places, side="right") - 1
    cells = np.unique(np.stack([clip_of, plan.target]), axis=1).T.tolist()
    crops = folder / CROPS
    make_folder(crops)
    rows: list[dict[str, str]] = []
    for number, expression in cells:
        clip = frames.clips[number]
        name = entry.expressions[expression]
        unit = f"{clip.video}-{name}"
        own = np.sort(places[(clip_of == number) & (plan.target == expression)]) - frames.begins[number]
        stems = [f"{frame:05d}" for frame in clip.frame[own].tolist()]
        described = [SyntheticFace(name, f"{clip.video}/{stem}", entry.card.name) for stem in stems]
        if not (crops / unit).is_dir():
            made = entry.synthesise(clip.read(own), name)
            encoded = [face.encode(picture) for face, picture in zip(described, made, strict=True)]
            write_folder(crops / unit, {f"{stem}.png": data for stem, data in zip(stems, encoded, strict=True)})
        for stem, face, parent in zip(stems, described, hashes_of_parents(clip, own), strict=True):
            picture = f"{CROPS}/{unit}/{stem}.png"
            rows.append(face.row(picture, read_input(folder / picture), parent))
    sizes = {(clip.crop, clip.size) for clip in frames.clips}
    if len(sizes) == 1 and (shown := frames.clips[0].crop) is not None:
        write_crop(crops, shown)
    write_file(folder / MANIFEST, manifest_of(rows))
    return clips_of_units(crops)


def enlarged_table(truth: Table, challenge: Challenge, task: str, clips: Sequence[Clip]) -> Table:
    """The truth of the training split with a row for each synthesised face.

    Args:
        truth: truth of the challenge.
        challenge: challenge of the truth.
        task: name of the task of the expressions; the rows have no labels of other tasks.
        clips: clips from `synthesise_split`.
    """
    names = next(each for each in challenge.tasks if each.name == task).outputs
    rows = sum(len(clip) for clip in clips)
    values = {each.name: each.empty(rows) for each in challenge.tasks}
    shown = [names.index(clip.video.rpartition("-")[2]) for clip in clips]
    counts = [len(clip) for clip in clips]
    values[task] = np.repeat(shown, counts).astype(truth.values[task].dtype)
    synthetic = Table(
        videos=tuple(clip.video for clip in clips),
        video=np.repeat(np.arange(len(clips), dtype=np.int32), counts),
        frame=np.concatenate([clip.frame for clip in clips]),
        values=values,
        source="synthesised faces",
    )
    return join_tables([replace(truth, probability=None), synthetic])
