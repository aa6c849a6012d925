"""Do synthesised faces help the classes that are rare in training? README.md registers it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from abawbench.labels import EXPRESSIONS_7
from abawbench.metrics.f1 import f1_per_class_from
from abawbench.synthetic.settings import CORPUS_VERSION
from benchmarks.claims.claim import Arm, Claim, Comparison, Figure, Floats, Side, Statistics, macro_f1_of

RARE = ("Disgust", "Fear", "Sadness")
REGIME = "three rare classes"
FIGURE, RARE_FIGURE = "expression F1", "F1 of the rare"
# frequency of an added face in times that of a real one; what it makes of a rare class in times a frequent one, all
# added faces being of the rare; and the highest learning rate
SHARES, FACTORS, RATES = (0.1, 0.3, 1.0, 3.0), (1.9, 3.7, 10.0, 28.0), (0.0003, 0.001, 0.003, 0.01)
ARMS = (
    Arm("before", "the network after the joint training, which all other arms start from"),
    Arm("as they are", "the real faces, each equally often; the weight is the learning rate", RATES),
    Arm("weighted", "the same, with rare classes weighted in the loss; the weight is theirs", FACTORS),
    Arm("copied", "copies of the real rare faces are added; the weight is their frequency", SHARES),
    Arm("synthesised", "faces that the network synthesised are added; likewise", SHARES),
    Arm("drawn", "the drawn faces that were left out are added; likewise", SHARES),
)
PRIMARY = (("synthesised", "as they are"), ("synthesised", "copied"))
EXPLAINING = (
    ("synthesised", "weighted"),
    ("copied", "as they are"),
    ("weighted", "as they are"),
    ("drawn", "as they are"),
    ("drawn", "copied"),
    ("drawn", "synthesised"),
    ("as they are", "before"),
)


@dataclass(frozen=True)
class RareSize:
    """The size of the experiment.

    Attributes:
        people: people to learn from, others for each seed.
        validation: people to tune with.
        test: people to test with.
        frames: faces of a person in each expression.
        kept: share of the people who show a rare expression in training.
        epochs: epochs of the joint training.
        steps: steps of the second stage.
        batch: faces of a step of the second stage.
    """

    people: int = 160
    validation: int = 40
    test: int = 120
    frames: int = 2
    kept: float = 0.1
    epochs: int = 27
    steps: int = 400
    batch: int = 32


SIZE = RareSize()
LARGE = RareSize(people=640, validation=160, test=1000, epochs=54, steps=3000, batch=64)


def make_claim(*, large: bool) -> Claim:
    """The claim about synthesised faces of rare classes."""
    from benchmarks.claims.synthesis_rare.second_stage import run_cell

    size, seeds = (LARGE, 10) if large else (SIZE, 4)
    return Claim(
        name="synthesis_rare",
        title="Do synthesised faces help the classes that are rare in training?",
        settings={"version": 1, "corpus_version": CORPUS_VERSION, **asdict(size)},
        arms=ARMS,
        design=tuple(Side(REGIME, arm.name) for arm in ARMS),
        seeds=seeds,
        tuning_seeds=2 if large else 1,
        run=partial(run_cell, size, large),
        figures=(Figure(FIGURE, macro_f1_of("expression")), Figure(RARE_FIGURE, rare_f1)),
        comparisons=(
            _compare("synthesised faces help", *PRIMARY[0], 1),
            _compare("they help more than copies of the rare faces", *PRIMARY[1], 1),
            *(_compare(f"{a} - {b}", a, b) for a, b in EXPLAINING),
            *(_compare(f"{a} - {b}", a, b, figure=RARE_FIGURE) for a, b in (*PRIMARY, *EXPLAINING)),
        ),
        prepare=partial(prepare, size, seeds, large),
        facts=partial(facts, size, seeds),
    )


def prepare(size: RareSize, seeds: int, on_gpu: bool, out: Path, processes: int, report: Callable[[str], None]) -> None:
    """Draw the people, and train the network of each seed jointly."""
    from benchmarks.claims.synthesis_rare.generators import faces_of, train_jointly

    del processes
    for split in ("validation", "test"):
        faces_of(size, split, 0, out)
    for seed in range(seeds):
        train_jointly(size, seed, on_gpu, out, report)


def rare_f1(statistics: Statistics) -> Floats:
    """Mean F1 of the rare classes, from confusion counts."""
    rare = [EXPRESSIONS_7.index(name) for name in RARE]
    return f1_per_class_from(statistics["expression"])[..., rare].mean(-1)


def facts(size: RareSize, seeds: int, out: Path) -> dict[str, float]:
    """Faces of training, and in how many of the synthesised ones the judges of the generator find the expression."""
    from benchmarks.claims.synthesis_rare.second_stage import judged

    return judged(size, seeds, out)


def _compare(name: str, first: str, second: str, expects: Literal[-1, 0, 1] = 0, *, figure: str = FIGURE) -> Comparison:
    return Comparison(name, Side(REGIME, first), Side(REGIME, second), figure, expects, is_primary=expects != 0)
