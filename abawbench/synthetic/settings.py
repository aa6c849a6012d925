"""Settings of a corpus, and what makes them a corpus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, get_args

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import CHALLENGES
from abawbench.synthetic.person import RESTING
from abawbench.synthetic.quirks import QUIRKS
from abawbench.synthetic.relations import Relatedness

MULTI_TASK = CHALLENGES["abaw4-mtl"]
SPLITS = ("train", "validation", "test")
TASKS = tuple(task.name for task in MULTI_TASK.tasks)
# version of the corpus, which changes with the bytes that settings give; 1: faces at rest with a spread of 0.05 only,
# and crops of every frame whatever the step
CORPUS_VERSION = 2


@dataclass(frozen=True, slots=True)
class CorpusSettings:
    """Settings of a corpus, which decide its content.

    Attributes:
        videos: number of videos.
        frames: mean number of frames of a video; the actual number is 0.7 to 1.3 times as large.
        seed: seed of all draws.
        without: names of the quirks that are turned off.
        step: distance of two frames that have labels and crops, in frames.
        pictures: whether crops are drawn; otherwise the corpus has labels only.
        films: number of videos that are encoded too.
        resting: standard deviation of what neutral faces show, see `abawbench.synthetic.person.make_person`.
        relatedness: relations between expressions and action units, see
            `abawbench.synthetic.relations.make_relations`.
        labelled: by task, number of training frames with labels; other tasks have as many as the quirks leave.
        overlap: share of the training frames with a label of the rarer of the tasks `expression` and `action_units`
            that have labels of the other too, from 0 to 1; None if the quirks decide it.
        flipped: share of the training labels of expressions and action units that are made wrong, in [0, 1].
    """

    videos: int = field(metadata={"help": "Number of videos.", "least": 3, "default": 30})
    frames: int = field(metadata={"help": "Frames of a video, on average.", "least": 16, "default": 200})
    seed: int = field(default=0, metadata={"help": "Seed of all draws.", "least": 0})
    without: tuple[str, ...] = ()
    step: int = field(default=1, metadata={"help": "Distance of the frames that have labels and crops.", "least": 1})
    pictures: bool = True
    films: int = field(
        default=0,
        metadata={"help": "Number of videos that are encoded as mp4 files as well.", "least": 0, "flags": ("--film",)},
    )
    resting: float = field(
        default=RESTING,
        metadata={"help": "Spread of what neutral faces show; 0.05 in version 1.", "least": 0, "most": 0.4},
    )
    relatedness: Relatedness = field(
        default="true", metadata={"help": "Relations between expressions and action units: as in the table, or not."}
    )
    labelled: Mapping[str, int] = field(default_factory=dict)
    overlap: float | None = field(
        default=None,
        metadata={
            "help": "Share of the rarer of expressions and action units in training with labels of both.",
            "least": 0,
            "most": 1,
        },
    )
    flipped: float = field(
        default=0.0,
        metadata={
            "help": "Share of wrong labels of expressions and action units in training, beside the quirk.",
            "least": 0,
            "most": 1,
        },
    )

    @property
    def quirks(self) -> frozenset[str]:
        """Names of the quirks that are turned on."""
        return frozenset(QUIRKS).difference(self.without)

    def to_json(self) -> dict[str, Any]:
        """The settings as corpus.json holds them."""
        return {item.name: getattr(self, item.name) for item in fields(self)} | {
            "without": sorted(self.without),
            "labelled": dict(sorted(self.labelled.items())),
        }


def check_settings(settings: CorpusSettings) -> CorpusSettings:
    """Check settings, and return them.

    Raises:
        ProblemError: D52, a number is too small or too great, a quirk or a task is unknown, or two settings contradict
            each other.
    """
    wrong: list[Problem] = []
    for item in fields(settings):
        value = getattr(settings, item.name)
        if "least" not in item.metadata or value is None:
            continue
        least, most = item.metadata["least"], item.metadata.get("most")
        if not value >= least or (most is not None and value > most):
            expected = f"at least {least}" if most is None else f"{least} to {most}"
            wrong.append(Problem("D52", f"{item.name} = {value:,}", expected, "choose another number"))
    wrong += [
        Problem("D52", f"no quirk '{name}'", f"some of {', '.join(QUIRKS)}", "correct the name")
        for name in settings.without
        if name not in QUIRKS
    ]
    for task, count in settings.labelled.items():
        if task not in TASKS:
            found = f"labels of '{task}'"
            wrong.append(Problem("D52", found, f"some of {', '.join(TASKS)}", "correct the name"))
        elif count < 1:
            wrong.append(Problem("D52", f"{task}={count}", "at least 1 label", "choose another number"))
    if settings.relatedness not in get_args(Relatedness):
        found, expected = f"relatedness '{settings.relatedness}'", f"one of {', '.join(get_args(Relatedness))}"
        wrong.append(Problem("D52", found, expected, "correct the name"))
    if settings.overlap is not None and len({"expression", "action_units"}.intersection(settings.labelled)) == 1:
        found = "an overlap, and the number of labels of one of the tasks"
        expected = "numbers for expression and action_units, or for neither"
        wrong.append(Problem("D52", found, expected, "add the other number"))
    if settings.films > settings.videos:
        found = f"{settings.films} films of {settings.videos} videos"
        wrong.append(Problem("D52", found, "no more films than videos", "make more videos or fewer films"))
    if settings.films and not settings.pictures:
        wrong.append(Problem("D52", "films, and labels alone", "one of both", "leave one of them out"))
    if wrong:
        raise ProblemError(*wrong)
    return settings
