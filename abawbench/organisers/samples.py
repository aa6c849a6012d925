"""Samples of a challenge: a small truth, the list of its rows and a good prediction, in the official formats."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np

from abawbench.base.files import make_folder, write_file
from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Categorical, Challenge, Continuous, Task
from abawbench.formats.layout import Layout, layouts, prediction_layouts
from abawbench.formats.write import write_annotations, write_list, write_predictions
from abawbench.table import NO_FRAME, Floats, Integers, Mask, Table, Values

# fewest units, and fewest rows of each
FEWEST_UNITS, FEWEST_ROWS = 2, 6
# one row in so many has no annotation of a task, where the format has a sentinel
GAP = 13
# share of rows that a good prediction has right, and its weight of the truth
RIGHT, WEIGHT = 0.8, 0.7
# names of units, as the data sets have them
VIDEOS = ("2-30-640x360", "video45_1", "14-30-1920x1080_left", "14-30-1920x1080_right", "101", "6-30-1920x1080")
AH_VIDEO = "99{person:03d}/Visite_{visit}/99{person:03d}_Question_{question}_{date}_Video.mp4"
TRANSCRIPTS = ("Well, I usually get up early, and then I eat.", "I would like to, but, I do not know.", "Yes.")
# first and step of the ids of clips
FIRST_CLIP, CLIP_STEP = 21, 3


@dataclass(frozen=True)
class Sample:
    """Files of a challenge: by relative path their bytes, one item where the format is one file.

    Attributes:
        truth: the annotations; some rows are not annotated where the format has a sentinel, and every class and label
            occurs.
        template: the organisers' list of what to predict.
        prediction: a prediction that is accepted and better than chance, with probabilities where the format has them.
    """

    truth: Mapping[str, bytes]
    template: Mapping[str, bytes]
    prediction: Mapping[str, bytes]


def sample(challenge: Challenge, *, units: int = 6, rows: int = 40, seed: int = 0) -> Sample:
    """Make a sample of a challenge, the same for the same arguments.

    Args:
        challenge: any challenge, one's own too.
        units: number of videos or of persons in videos, at least 2.
        rows: number of rows of each; a format whose rows are whole videos or images has units times rows of them.
        seed: seed of the values.

    Raises:
        ProblemError: C02, fewer than 2 units or than 6 rows.
    """
    if units < FEWEST_UNITS or rows < FEWEST_ROWS:
        found = f"{units} units of {rows} rows"
        expected = f"at least {FEWEST_UNITS} units of {FEWEST_ROWS} rows"
        raise ProblemError(Problem("C02", found, expected, "ask for a larger sample"))
    layout = prediction_layouts(challenge)[0]
    table, answers = _tables(challenge, layout, units, rows, np.random.default_rng(seed))
    with tempfile.TemporaryDirectory() as work:
        truth, template, prediction = (Path(work) / name for name in ("truth", "list", "prediction"))
        write_annotations(challenge, table, truth)
        write_list(challenge, table, template)
        listed = _listed(template, layout, table)
        write_predictions(challenge, answers, template, prediction)
        suffix = layouts(challenge, "truth")[0].suffix
        return Sample(
            _spoken(_read(truth, f"truth{suffix}"), challenge),
            listed if layout.format == "units" else _named_list(challenge, layout, listed),
            _read(prediction, f"{_prediction_name(layout)}{layout.suffix}"),
        )


def predict(challenge: Challenge, truth: Table, template: Path, *, seed: int = 0) -> dict[str, bytes]:
    """A good prediction of a truth that is there, in the official format: by relative path the bytes of its files.

    Args:
        challenge: the challenge.
        truth: the annotations; rows without one get any answer.
        template: the organisers' list.
        seed: seed of the values.

    Raises:
        ProblemError: the list does not fit the challenge or the truth.
    """
    random = np.random.default_rng(seed)
    layout = prediction_layouts(challenge)[0]
    answers: dict[str, Values] = {}
    for task in challenge.tasks:
        whole = truth.values[task.name].copy()
        whole[~task.is_annotated(whole)] = 0
        answers[task.name] = _answer(task, whole, random)
    probability = None
    if layout.has_probabilities:
        probability = _probability(answers[challenge.tasks[0].name], random)
    with tempfile.TemporaryDirectory() as work:
        out = Path(work) / "prediction"
        table = replace(truth, values=answers, probability=probability, source="", notes=())
        write_predictions(challenge, table, template, out, "prior", 1.0)
        return _read(out, f"{_prediction_name(layout)}{layout.suffix}")


def write(files: Mapping[str, bytes], folder: Path) -> Path:
    """Write files of a sample or of a planted fault into a folder.

    Args:
        files: bytes by relative path.
        folder: folder that holds the files; it is made where it does not exist.

    Returns:
        The path to hand to a verb: the file, if it is one, or else the folder.

    Raises:
        ProblemError: F01 the folder cannot be written, Z02 a path leads out of it.
    """
    for name in files:
        if ".." in PurePosixPath(name).parts or PurePosixPath(name).is_absolute():
            raise ProblemError(Problem("Z02", repr(name), "a relative path", "name a file in the folder", str(folder)))
    make_folder(folder)
    for name, data in files.items():
        make_folder((folder / name).parent)
        write_file(folder / name, data)
    return folder / next(iter(files)) if len(files) == 1 else folder


def write_sample(sample: Sample, folder: Path) -> dict[str, Path]:
    """Write a sample into a new folder.

    Args:
        sample: the files.
        folder: the folder, which is not there yet or empty.

    Returns:
        The paths to hand to a verb, by `truth`, `list` and `prediction`.

    Raises:
        ProblemError: F12, something is in the folder already; F01, it cannot be written.
    """
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        fix = "name another folder, or remove it"
        raise ProblemError(Problem("F12", "something that is there already", "a new folder", fix, str(folder)))
    files = {"truth": sample.truth, "list": sample.template, "prediction": sample.prediction}
    return {name: write(content, folder / name) for name, content in files.items()}


def _tables(
    challenge: Challenge, layout: Layout, units: int, rows: int, random: np.random.Generator
) -> tuple[Table, Table]:
    """The truth and a prediction of it, of the same rows."""
    videos, video, frame = _names(layout, units, rows)
    count = len(video)
    source = np.arange(count)
    if layout.format == "mtl":
        # a path that is listed twice, as in the official list
        source = np.insert(source, 2, 1)
    truths: dict[str, Values] = {}
    answers: dict[str, Values] = {}
    for place, task in enumerate(challenge.tasks):
        is_annotated = (np.arange(count) + 4 * place) % GAP != GAP - 1
        if task.sentinel is None:
            is_annotated[:] = True
        whole = _truth(task, is_annotated, random)
        answers[task.name] = _answer(task, whole, random)[source]
        whole[~is_annotated] = np.nan if task.is_real else -1
        truths[task.name] = whole[source]
    truth = Table(videos, video[source], frame[source], truths)
    probability = None
    if layout.has_probabilities:
        probability = _probability(answers[challenge.tasks[0].name], random)
    return truth, replace(truth, values=answers, probability=probability)


def _names(layout: Layout, units: int, rows: int) -> tuple[tuple[str, ...], Integers, Integers]:
    """Names of units, and the unit and the frame of each row."""
    count = units * rows
    if layout.key == "image":
        names = tuple(f"{number}.jpg" for number in range(count))
    elif layout.key == "id" and layout.format == "ah-trial":
        names = tuple(f"Videos/{_ah_video(number)}" for number in range(count))
    elif layout.key == "id":
        names = tuple(f"{FIRST_CLIP + CLIP_STEP * number:05d}" for number in range(count))
    elif layout.key == "frame-path":
        names = tuple(_ah_video(number).replace(" ", "_") for number in range(units))
    elif layout.key == "frame":
        names = tuple(f"{8 + 4 * number:04d}" for number in range(units))
    else:
        more = (f"{number}-25-1280x720" for number in range(200, 200 + units))
        names = (*VIDEOS, *more)[:units]
    if layout.key in {"image", "id"}:
        return names, np.arange(count, dtype=np.int32), np.full(count, NO_FRAME, np.int32)
    step = 3 if layout.format == "mtl" else 1
    frame = layout.frame_base + step * np.arange(rows, dtype=np.int32)
    return names, np.repeat(np.arange(units, dtype=np.int32), rows), np.tile(frame, units)


def _ah_video(number: int) -> str:
    person, question = divmod(number, 5)
    # some dates hold a blank
    date = f"2025-01-{1 + person % 28:02d}{' ' if question == 3 else '_'}09-{2 * question:02d}-00"
    return AH_VIDEO.format(person=person + 1, visit=1 + person % 2, question=question + 1, date=date)


def _truth(task: Task, is_annotated: Mask, random: np.random.Generator) -> Values:
    """Values of every row; among the annotated rows every class occurs, and every label is both on and off."""
    count = len(is_annotated)
    annotated = np.flatnonzero(is_annotated)
    if isinstance(task, Continuous):
        values = task.low + (task.high - task.low) * random.random((count, len(task.columns)))
        return np.round(values, 3)
    if isinstance(task, Categorical):
        classes = random.integers(0, len(task.classes), count).astype(np.int8)
        some = annotated[: len(task.classes)]
        classes[some] = np.arange(len(some))
        random.shuffle(rows := classes[annotated])
        classes[annotated] = rows
        return classes
    labels = (random.random((count, len(task.columns))) < 0.35).astype(np.int8)
    for column in range(len(task.columns)):
        labels[annotated[column % len(annotated)], column] = 1
        labels[annotated[(column + 1) % len(annotated)], column] = 0
    return labels


def _answer(task: Task, truth: Values, random: np.random.Generator) -> Values:
    """A good prediction of a task, of every row."""
    if isinstance(task, Continuous):
        noise = task.low + (task.high - task.low) * random.random(truth.shape)
        return np.round(WEIGHT * truth + (1 - WEIGHT) * noise, 4)
    most = len(task.classes) if isinstance(task, Categorical) else 2
    others = random.integers(0, most, truth.shape)
    return np.where(random.random(truth.shape) < RIGHT, truth, others).astype(np.int8)


def _probability(classes: Values, random: np.random.Generator) -> Floats:
    """Probabilities of class 1 that mostly agree with the classes; a threshold of its own is legal."""
    return np.round(0.15 + 0.45 * classes + 0.25 * random.random(len(classes)), 4)


def _prediction_name(layout: Layout) -> str:
    return "trial-0" if layout.format in {"ah-trial", "ah-frames"} else "predictions"


def _read(path: Path, name: str) -> dict[str, bytes]:
    """A file under this name, or the files of a folder."""
    if path.is_dir():
        return {file.name: file.read_bytes() for file in sorted(path.iterdir())}
    return {name: path.read_bytes()}


def _listed(template: Path, layout: Layout, table: Table) -> dict[str, bytes]:
    """The list as organisers give it: dummy values behind names of AH, numbers of lines behind names of units."""
    if layout.format == "unit-txt":
        counts = np.bincount(table.video, minlength=len(table.videos)).tolist()
        lines = [f"{name},{count}" for name, count in zip(table.videos, counts, strict=True)]
        template.write_text("\n".join(lines) + "\n")
    elif layout.header is None:
        dummy = ",0.5,0.5,0" if layout.has_probabilities else ",0"
        template.write_text("".join(f"{line}{dummy}\n" for line in template.read_text().splitlines()))
    return _read(template, "")


def _named_list(challenge: Challenge, layout: Layout, listed: dict[str, bytes]) -> dict[str, bytes]:
    """A list under the organisers' name for it, if they have one for a file."""
    if len(listed) > 1:
        return listed
    names = [PurePosixPath(name).name for name in challenge.list_files if not name.endswith("/")]
    (data,) = listed.values()
    return {names[0] if names else f"list{layout.suffix}": data}


def _spoken(truth: dict[str, bytes], challenge: Challenge) -> dict[str, bytes]:
    """A truth with transcripts, where its format has them."""
    if not layouts(challenge, "truth")[0].has_text:
        return truth
    ((name, data),) = truth.items()
    lines = data.decode().splitlines()
    spoken = [f"{line}{TRANSCRIPTS[place % len(TRANSCRIPTS)]}\n" for place, line in enumerate(lines)]
    return {name: "".join(spoken).encode()}
