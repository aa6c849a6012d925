"""Do recognition and synthesis of expressions help each other by selective sharing? README.md registers it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

from benchmarks.claims.claim import Arm, Claim, Comparison, Figure, Side, macro_f1_of
from benchmarks.claims.coupled_cells import Size, face_settings
from benchmarks.claims.drawn_faces import draw_faces

FIGURE = "expression F1"
REGIME = "60 people"
SEEDS = 4
# weights of the loss of synthesis beside that of recognition, and of AdamW's decay where nothing is synthesised
SYNTHESIS, DECAY = (1.0, 3.0, 10.0, 30.0), (0.0, 0.05, 0.2, 0.8)
ARMS = (
    Arm("hard", "one trunk, recognition and synthesis; the weight is that of the loss of synthesis", SYNTHESIS),
    Arm("hard-matched", "hard with a trunk as large as both branches and the units of ConvFLU", SYNTHESIS),
    Arm("cross-stitch", "two branches, cross-stitch after three stages, recognition and synthesis", SYNTHESIS),
    Arm("convflu", "two branches, ConvFLU after three stages, recognition and synthesis", SYNTHESIS),
    Arm("single", "a trunk for recognition alone; the weight is the decay", DECAY),
    Arm("single-matched", "single with a trunk as large as that of hard-matched", DECAY),
    Arm("cross-stitch, recognition alone", "cross-stitch without the loss of synthesis", DECAY),
    Arm("convflu, recognition alone", "convflu without the loss of synthesis", DECAY),
)
# for a GPU
MORE = (
    Arm("nddr", "two branches, NDDR after three stages, recognition and synthesis", SYNTHESIS),
    Arm("sluice", "two branches, sluice after three stages, recognition and synthesis", SYNTHESIS),
    Arm("nddr, recognition alone", "nddr without the loss of synthesis", DECAY),
    Arm("sluice, recognition alone", "sluice without the loss of synthesis", DECAY),
)


@dataclass(frozen=True)
class SharingSize:
    """The size of the experiment.

    Attributes:
        faces: drawn people by split.
        people: people to learn from, drawn anew for each seed.
        widths: channels of the stem and of the three stages.
        steps: steps of a training.
        batch: faces of a step.
    """

    faces: Size = field(default_factory=Size)
    people: int = 60
    widths: tuple[int, int, int, int] = (8, 16, 24, 32)
    steps: int = 120
    batch: int = 32


SIZE = SharingSize()
LARGE = SharingSize(Size(training=(520, 16), test=(1000, 8)), widths=(16, 32, 64, 128), steps=1500, batch=64)


def prepare(size: SharingSize, out: Path, processes: int, report: Callable[[str], None]) -> None:
    """Draw the faces of each split."""
    settings = face_settings(size.faces, "independent")
    for split in ("training", "validation", "test"):
        draw_faces(settings[split], out, processes, report)


def make_claim(*, large: bool) -> Claim:
    """The claim about selective sharing."""
    from benchmarks.claims.selective_sharing.networks import facts_of, run_cell

    size = LARGE if large else SIZE
    arms = (*ARMS, *MORE) if large else ARMS
    return Claim(
        name="selective_sharing",
        title="Does selective sharing with synthesis help recognition, beyond its weights?",
        settings={"version": 1, "size": asdict(size)},
        arms=arms,
        design=tuple(Side(REGIME, arm.name) for arm in arms),
        seeds=10 if large else SEEDS,
        tuning_seeds=2 if large else 1,
        run=partial(run_cell, size, large),
        figures=(Figure(FIGURE, macro_f1_of("expression")),),
        comparisons=_comparisons(arms),
        prepare=partial(prepare, size),
        facts=partial(facts_of, size, arms),
    )


def _comparisons(arms: tuple[Arm, ...]) -> tuple[Comparison, ...]:
    primary = (
        _compare("ConvFLU is better than hard sharing", "convflu", "hard", 1),
        _compare("synthesis is what helps ConvFLU", "convflu", "convflu, recognition alone", 1),
        _compare("ConvFLU is better than one large network", "convflu", "single-matched", 1),
    )
    pairs = [
        ("convflu", "hard-matched"),
        ("convflu", "cross-stitch"),
        ("convflu", "single"),
        ("cross-stitch", "hard"),
        ("cross-stitch", "cross-stitch, recognition alone"),
        ("cross-stitch", "single-matched"),
        ("hard", "single"),
        ("hard-matched", "hard"),
        ("hard-matched", "single-matched"),
        ("single-matched", "single"),
        ("convflu, recognition alone", "single"),
        ("convflu, recognition alone", "single-matched"),
        ("nddr", "hard"),
        ("nddr", "nddr, recognition alone"),
        ("sluice", "hard"),
        ("sluice", "sluice, recognition alone"),
    ]
    known = {arm.name for arm in arms}
    return (*primary, *(_compare(f"{a} - {b}", a, b) for a, b in pairs if {a, b} <= known))


def _compare(name: str, first: str, second: str, expects: Literal[-1, 0, 1] = 0) -> Comparison:
    return Comparison(name, Side(REGIME, first), Side(REGIME, second), FIGURE, expects, is_primary=expects != 0)
