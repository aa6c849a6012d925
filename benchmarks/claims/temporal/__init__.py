"""Does the context of a video help, and do feedback and private layers? README.md registers what is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from abawbench.clips.features import clips_of_features
from abawbench.clips.open import open_clips
from abawbench.entries.baselines.classical import hog
from abawbench.entries.loading import find_entry_file
from abawbench.formats.write import write_annotations
from abawbench.scoring import pair
from abawbench.synthetic.settings import CORPUS_VERSION, MULTI_TASK, SPLITS, CorpusSettings
from abawbench.table import Rows, Table
from abawbench.training.sources import Source
from benchmarks.claims.claim import Arm, Cell, Claim, Comparison, Outcome, Side
from benchmarks.claims.corpora import (
    FIGURES,
    FILES,
    WITHOUT,
    corpus_path,
    draw_corpus,
    labels_of,
    learn,
    outcome_of,
    principal_components,
    whole_folder,
    write_split,
)

ENTRY = "2026_abawbench_temporal-gru"
RATES = (0.002, 0.004, 0.008, 0.016)
WIDTH = 64
# layers of each frame alone with about as many weights as the GRU
WIDE = 148
# the width of a shared GRU with about as many weights as private ones
WIDE_GRU = 104
# by arm, changes of the entry file
CHANGES: dict[str, dict[str, Any]] = {
    "frame": {"settings.temporal.encoder": "none"},
    # of three layers, one is private, which for frames alone is the head
    "wide frame": {
        "settings.temporal.encoder": "none",
        "settings.temporal.width": WIDE,
        "settings.temporal.layers": 3,
        "settings.framework.kind": "shared_bottom",
        "settings.framework.private_layers": 1,
    },
    "GRU": {},
    "transformer": {
        "settings.temporal.encoder": "transformer",
        "settings.temporal.attention_heads": 4,
        "settings.temporal.feed_forward": 128,
    },
    "wide GRU": {"settings.temporal.width": WIDE_GRU},
    "GRU, private": {"settings.framework.kind": "shared_bottom", "settings.framework.private_layers": 1},
    "GRU, feedback": {
        "settings.framework.kind": "feedback",
        "settings.framework.private_layers": 1,
        "settings.framework.feedback": {"arousal": ["valence", "action_units"]},
    },
}
MEANINGS = {
    "frame": "each frame alone: the heads of the other arms, which have a hidden layer",
    "wide frame": f"each frame alone: two shared layers of {WIDE} and the heads, with as many weights as the GRU",
    "GRU": "two layers of a GRU over the frames of a video, shared by all tasks",
    "transformer": "two layers of a transformer over the frames of a video, shared by all tasks",
    "wide GRU": f"the GRU with layers of {WIDE_GRU}, so that it has as many weights as one with feedback",
    "GRU, private": "one shared layer of a GRU, and one for each output (the second framework of AIM3)",
    "GRU, feedback": "private layers, and arousal also receives those of valence and action units (the third)",
}
FEATURES = "features"
PEOPLE, STRANGERS, ALIKE = "people", "strangers", "alike at rest"


@dataclass(frozen=True)
class Size:
    """The size of the experiment.

    Attributes:
        videos: number of videos.
        epochs: epochs of a training.
        seeds: number of seeds.
        components: number of features of a frame.
    """

    videos: int = 200
    epochs: int = 20
    seeds: int = 3
    components: int = 128

    def corpus(self, regime: str) -> CorpusSettings:
        """The corpus of a regime: videos of 100 seconds, of which every 100th frame is annotated."""
        settings = CorpusSettings(self.videos, 3000, 13, WITHOUT, step=100)
        return replace(settings, resting=0.0) if regime == ALIKE else settings


def make_claim(*, large: bool) -> Claim:
    """The claim."""
    size = Size(videos=1200, epochs=60, seeds=10) if large else Size()
    design = [Side(PEOPLE, arm) for arm in CHANGES]
    design += [Side(regime, arm) for regime in (STRANGERS, ALIKE) for arm in ("frame", "GRU")]
    units, score = FIGURES[0].name, FIGURES[-1].name

    def against(first: str, second: str, figure: str = units, regime: str = PEOPLE, **more: Any) -> Comparison:
        name = f"{first} against {second}" + ("" if regime == PEOPLE else f", {regime}")
        return Comparison(name, Side(regime, first), Side(regime, second), figure, **more)

    return Claim(
        name="temporal",
        title="Does the context of a video help, and do feedback and private layers?",
        settings={**asdict(size), "width": WIDTH, "wide": [WIDE, WIDE_GRU], "corpus_version": CORPUS_VERSION},
        arms=tuple(Arm(name, meaning, RATES) for name, meaning in MEANINGS.items()),
        design=tuple(design),
        seeds=size.seeds,
        run=partial(run_cell, size),
        figures=FIGURES,
        comparisons=(
            against("GRU", "frame", expects=1, is_primary=True),
            against("GRU, feedback", "GRU", score, expects=1, is_primary=True),
            against("GRU", "wide frame", expects=1),
            against("transformer", "frame", expects=1),
            against("GRU", "frame", regime=STRANGERS),
            against("GRU", "frame", regime=ALIKE),
            against("GRU, private", "GRU", score),
            against("GRU, feedback", "GRU, private", score),
            against("GRU, feedback", "wide GRU", score),
            replace(against("GRU", "frame", FIGURES[1].name), name="GRU against frame, expressions"),
            replace(against("GRU", "frame", FIGURES[2].name), name="GRU against frame, valence and arousal"),
        ),
        tuning_seeds=1,
        prepare=partial(prepare, size),
        facts=partial(facts, size),
    )


def data_path(size: Size, regime: str, out: Path) -> Path:
    """The folder of features and labels of a regime."""
    corpus = corpus_path(size.corpus(regime), out)
    return corpus.with_name(f"{corpus.name}-hog{size.components}{'-strangers' * (regime == STRANGERS)}")


def prepare(size: Size, out: Path, processes: int, report: Callable[[str], None]) -> None:
    """Draw the corpora, and write features and labels of each regime."""
    for regime in (PEOPLE, STRANGERS, ALIKE):
        folder = data_path(size, regime, out)
        if folder.exists():
            continue
        corpus = draw_corpus(size.corpus(regime), out, processes)
        report(f"temporal: features, {regime}")
        with whole_folder(folder) as unfinished:
            _write_data(size, regime, corpus, unfinished)


def _write_data(size: Size, regime: str, corpus: Path, folder: Path) -> None:
    clips = {clip.video: clip for clip in open_clips(corpus).clips}
    tables = {split: labels_of(corpus, split) for split in SPLITS}
    hogs = {
        split: np.concatenate([hog(clips[video].frames, cell=8) for video in table.videos])
        for split, table in tables.items()
    }
    features = principal_components(hogs, size.components)
    (folder / FEATURES).mkdir()
    for split, table in tables.items():
        order = exchanged(table) if regime == STRANGERS else np.arange(len(table))
        write_split(folder / FEATURES, table, features[split][order])
        if split != "test":
            write_annotations(MULTI_TASK, _with_rows(table, order), folder / FILES[split])


def exchanged(table: Table) -> Rows:
    """For each row of a table, the row that takes its place when frames are exchanged between the videos."""
    return np.random.default_rng(len(table)).permutation(len(table))


def put_back(truth: Table, prediction: Table) -> Table:
    """The prediction of exchanged frames in the places that the frames have in the truth, whatever its order."""
    return _with_rows(pair(MULTI_TASK, truth, prediction).prediction, np.argsort(exchanged(truth)))


def _with_rows(table: Table, order: Rows) -> Table:
    """The table with the values of other rows in the places of its own."""
    return replace(table, values={name: values[order] for name, values in table.values.items()})


def run_cell(size: Size, cell: Cell, out: Path) -> Outcome:
    """Train an arm with one seed, and let it predict the test people."""
    (seed,) = cell.seeds
    corpus, folder = corpus_path(size.corpus(cell.regime), out), data_path(size, cell.regime, out)
    entry = find_entry_file(ENTRY)
    assert entry is not None
    changes = {
        "settings.features": size.components,
        "settings.temporal.layers": 2,
        "settings.temporal.width": WIDTH,
        # of the whole video: segments count frames, and 64 of them hold one that is annotated
        "settings.temporal.segment": 0,
        **CHANGES[cell.arm],
        "settings.seed": seed,
        "training.epochs": size.epochs,
        "training.optimiser.rate": cell.weight,
    }
    truth = labels_of(corpus, "test")
    source, clips = Source((folder / FEATURES,), truth=folder), clips_of_features(folder / FEATURES)
    validation, prediction = learn(entry, source, changes, clips, truth, seed)
    if cell.regime == STRANGERS:
        prediction = put_back(truth, prediction)
    return outcome_of(corpus, truth, prediction, validation)


def facts(size: Size, out: Path) -> dict[str, float]:
    """People and frames of each split, and the weights of the arms."""
    from abawbench.formats.lists import read_subjects
    from abawbench.synthetic.official import SUBJECTS

    corpus = corpus_path(size.corpus(PEOPLE), out)
    subjects = read_subjects(corpus / SUBJECTS)
    found: dict[str, float] = {}
    for split in SPLITS:
        table = labels_of(corpus, split)
        found[f"people, {split}"] = len({subjects[video] for video in table.videos})
        found[f"frames, {split}"] = len(table)
    return found
