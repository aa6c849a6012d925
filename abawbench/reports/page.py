"""The page of a report: everything that is known of one prediction, or of two, in one file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from abawbench.base.hashes import sha256_of
from abawbench.base.installed import VERSION
from abawbench.base.number_text import format_interval
from abawbench.challenges import Challenge
from abawbench.clips.crop_index import index_files
from abawbench.fill import MOST_FILLED, Policy
from abawbench.pages.page import render_page
from abawbench.reports import drawings, score_tables, tables
from abawbench.reports.confusions import Matrix, densities, matrices, planes
from abawbench.reports.controls import controls
from abawbench.reports.disclosure import disclosure, inputs
from abawbench.reports.errors import Condition, conditions, error_curves
from abawbench.reports.masking import Masking, masking_of
from abawbench.reports.peers import peers
from abawbench.reports.pictures import Pictures
from abawbench.reports.subject import Source, Subject, subject_of
from abawbench.reports.timelines import UnitFigures, main_figure, timelines, unit_figures
from abawbench.scoring import Resampling
from abawbench.scoring.calibration import reliability
from abawbench.scoring.criteria import figure_name, part_of
from abawbench.scoring.difference import difference
from abawbench.scoring.intervals import USUAL, quoted
from abawbench.table import Table
from abawbench.tuning.gains.gain import gains

# resamples of tests against controls and of gains
FEWER = 2_000
# bins of a density; crops below a timeline, and beside the frames of a cell
BINS, CROPS, CROPS_OF_CELL = 24, 12, 6
# wrong cells of matrices that lead to frames, and those of them with crops
CELLS, CELLS_WITH_CROPS = 120, 6


@dataclass(frozen=True, slots=True)
class ReportSettings:
    """What a report shows, and how it is computed.

    Attributes:
        missing: fill policy for annotated rows without a prediction.
        allow_filled: greatest share of filled rows among the annotated ones, from 0 to 1.
        resampling: resampling behind intervals and tests; controls and gains take 2,000 resamples at most.
        masked: names of units, videos or subjects that may not be shown.
        crops: folder of the crops to show, with the index of their faces; None for a page without pictures.
        leaderboard: folder with records to compare with; None for published facts alone.
    """

    missing: Policy = "error"
    allow_filled: float = MOST_FILLED
    resampling: Resampling = USUAL
    masked: Sequence[str] = ()
    crops: Path | None = None
    leaderboard: Path | None = None

    @property
    def beside(self) -> Resampling:
        """The resampling of tests against controls, and of gains."""
        return replace(self.resampling, resamples=min(self.resampling.resamples, FEWER))


def report_page(
    challenge: Challenge,
    truth: tuple[Table, Path],
    predictions: Sequence[Source],
    settings: ReportSettings,
) -> str:
    """Make the page of one prediction, or the comparison of two; equal input makes equal bytes.

    Args:
        challenge: the challenge.
        truth: annotated rows, and the path that they were read from.
        predictions: one prediction or two.
        settings: what is shown, and how it is computed.

    Raises:
        ProblemError: as for `score`; C02, a masked name that the truth does not have; P02, F01, a store, a crop or an
            index that cannot be read.
    """
    table, place = truth
    masking = masking_of(settings.masked, table.videos, settings.resampling.subjects)
    who = masking.subjects(settings.resampling.subjects)
    subjects = [
        subject_of(
            challenge,
            table,
            source.table,
            source.path,
            tuned=source.tuned,
            missing=settings.missing,
            allow_filled=settings.allow_filled,
            resampling=settings.resampling,
            masking=masking,
        )
        for source in predictions
    ]
    change = None
    if len(subjects) == 2:
        subjects = [replace(subject, short=letter) for subject, letter in zip(subjects, "AB", strict=True)]
        # under the names that are shown: the videos with the largest effect are named
        one, two = (subject.paired for subject in subjects)
        own = replace(settings.resampling, subjects=who)
        change = difference(
            challenge, one.truth, one.prediction, two.prediction, missing="error", allow_filled=1.0, resampling=own
        )
    found, sha256 = unit_figures(challenge, subjects[0]), sha256_of(place)
    pictures = Pictures(settings.crops, subjects[0].units, [masking.name(unit) != unit for unit in subjects[0].units])
    values: dict[str, Any] = {
        "cell_id": tables.cell_id,
        "challenge": challenge,
        "subjects": subjects,
        "version": VERSION,
        "head": _head(challenge, subjects, change),
        "tables": _tables(challenge, subjects, change, found, sha256, settings),
        "gains": [_gains(challenge, subject, masking, settings) for subject in subjects if subject.tuned is None],
        "views": [_view(challenge, subject, pictures, who, "ab"[side]) for side, subject in enumerate(subjects)],
        "errors": _errors(challenge, subjects, settings.crops, who),
        "timelines": _timelines(challenge, subjects, found, pictures),
        "pictures": _about_pictures(settings, pictures),
        "origin": list(inputs(challenge, place, sha256, masking)),
        "disclosures": [disclosure(challenge, subject, masking) for subject in subjects],
        "masked": len({masking.name(unit) for unit in subjects[0].units} - set(subjects[0].units)),
    }
    return render_page("abawbench.reports", "report.html.j2", values, styles=("report.css",), scripts=("report.js",))


def _head(challenge: Challenge, subjects: Sequence[Subject], change: Mapping[str, Any] | None) -> dict[str, Any]:
    """The score in a sentence, the large figures, and what a reader must know at once."""
    first = subjects[0].score
    sizes = first.intervals
    where = f"on {challenge.id}, {sizes['clusters']:,} {sizes['unit']}s and {first.rows['truth']:,} rows"
    notes = [] if first.size.verdict == "official size" else [first.size.text]
    notes += [sizes["warning"]] if sizes["warning"] else []
    return {
        "sentence": f"{' and '.join(map(_score_in_words, subjects))} {where}.",
        "difference": None if change is None else _difference_in_words(subjects, change),
        "notes": [*notes, *dict.fromkeys(flag for subject in subjects for flag in subject.score.flags)],
        "figures": [
            (
                figure_name(path),
                [
                    (subject, part_of(subject.score.to_json(), path), tables.interval_of(subject, path))
                    for subject in subjects
                ],
            )
            for path in [("score",), *((("terms", name) for name in first.terms) if len(first.terms) > 1 else ())]
        ],
    }


def _score_in_words(subject: Subject) -> str:
    """The score with the interval to quote; of values that were tuned on this truth the cross-fitted one first."""
    score, interval = subject.score.score, quoted(subject.score.intervals["score"])
    if score is None:
        return f"{subject.short} has no score"
    tuned = subject.tuned
    if tuned is not None and tuned.is_in_sample:
        fair = tuned.cross_fitted.get("score")
        if fair is None:
            return f"{subject.short} scores {score:z.4f}, which flatters: it was tuned on videos that are scored,"
        bounds = "" if fair.interval is None else f" (95 % interval {format_interval(fair.interval)})"
        return f"{subject.short} scores {fair.value:z.4f} cross-fitted{bounds}, {score:z.4f} in-sample,"
    within = "" if interval is None else f" (95 % interval {format_interval(interval[1])}, {interval[0]})"
    return f"{subject.short} scores {score:z.4f}{within}"


def _difference_in_words(subjects: Sequence[Subject], change: Mapping[str, Any]) -> str:
    value, p, interval = change["difference"], change["p"], change["interval"]
    figure = figure_name(change["figure"].split("."))
    if value is None or p is None:
        return "There is no figure to compare the two by."
    better, worse = ("A", "B") if value > 0 else ("B", "A")
    within = "" if interval is None else f", 95 % interval of the difference {interval[0]:+.4f} to {interval[1]:+.4f}"
    detail = (
        f"by {abs(value):z.4f} in {figure} (p = {p:z.4f} by swaps of {change['clusters']:,} {change['unit']}s{within})"
    )
    if value == 0:
        return f"Both have the same {figure}."
    if any(subject.tuned is not None and subject.tuned.is_in_sample for subject in subjects):
        return (
            f"In-sample {better} leads {detail}; values were tuned on this truth, so it does not show which is better."
        )
    if p < 0.05:
        return f"{better} is better than {worse} {detail}."
    return f"This truth does not show which is better: {better} leads {detail}."


def _tables(
    challenge: Challenge,
    subjects: Sequence[Subject],
    change: Mapping[str, Any] | None,
    found: Sequence[UnitFigures],
    sha256: str,
    settings: ReportSettings,
) -> dict[str, Any]:
    against = [controls(challenge, subject.unmasked, settings.beside) for subject in subjects]
    others = list(peers(challenge, sha256, settings.leaderboard))
    main = main_figure(challenge, subjects[0].score.statistics)
    unit = subjects[0].score.intervals["unit"]
    return {
        "standing": list(score_tables.standing(subjects, against, others)),
        "figures": score_tables.figures(subjects, change),
        "classes": list(tables.classes(challenge, subjects)),
        "parts": tables.parts(challenge, subjects),
        "units": list(tables.units(challenge, found, main, change, unit)),
        "coverage": list(tables.coverage(challenge, subjects)),
    }


def _gains(challenge: Challenge, subject: Subject, masking: Masking, settings: ReportSettings) -> tables.TableView:
    stream = None if subject.rows is None else subject.rows.stream
    found = gains(challenge, subject.unmasked, stream, resampling=settings.beside)
    return tables.gain_table(subject, found, masking)


def _view(
    challenge: Challenge, subject: Subject, pictures: Pictures, who: Mapping[str, str] | None, prefix: str
) -> dict[str, Any]:
    """What is drawn of one prediction."""
    found = list(matrices(challenge, subject))
    cells = list(_cells(found, pictures, prefix))
    linked = {cell["id"] for cell in cells}
    measured = () if subject.rows is None else reliability(challenge, subject.paired, subject.rows.answers, who)
    return {
        "prefix": prefix,
        "subject": subject,
        "matrices": [matrix for matrix in found if not matrix.label],
        "labels": list(tables.labels(found, prefix, linked)),
        "cells": cells,
        "linked": linked,
        "densities": [
            (
                column,
                drawings.density(
                    counts, low, high, f"{column}, truth", "prediction", f"Predicted over true {column}, as shades"
                ),
            )
            for column, counts, low, high in densities(challenge, subject, BINS)
        ],
        "planes": [
            (
                name,
                drawings.density(
                    counts,
                    low,
                    high,
                    columns[0],
                    columns[1],
                    f"Where the {name} lies: {columns[0]} and {columns[1]}",
                    diagonal=False,
                ),
            )
            for columns, name, counts, low, high in planes(challenge, subject, BINS)
        ],
        "reliability": [
            (one, drawings.reliability(one, f"Accuracy over confidence: {one.task} {one.part}".strip()))
            for one in measured
            if not one.part
        ],
        "calibration": tables.calibration(measured),
        "lineage": tables.lineage(challenge, subject),
    }


def _cells(found: Sequence[Matrix], pictures: Pictures, prefix: str) -> Iterator[dict[str, Any]]:
    """The wrong cells with the most rows and the frames behind them; the first of these with crops."""
    wrong = [(matrix, key) for matrix in found for key, cell in matrix.cells.items() if not cell.is_right]
    wrong.sort(key=lambda one: -one[0].cells[one[1]].rows)
    for place, (matrix, key) in enumerate(wrong[:CELLS]):
        cell = matrix.cells[key]
        shown = [
            (stretch, picture)
            for stretch in cell.stretches[: CROPS_OF_CELL if place < CELLS_WITH_CROPS else 0]
            for picture in pictures.along(stretch.place, stretch.first, stretch.last, 1)
        ]
        yield {"id": tables.cell_id(matrix, key, prefix), "matrix": matrix, "cell": cell, "crops": shown}


def _errors(
    challenge: Challenge, subjects: Sequence[Subject], crops: Path | None, who: Mapping[str, str] | None
) -> dict[str, Any]:
    """The curves of the errors by task and condition, and why there are none of some conditions."""
    known: list[list[Condition]] = []
    for subject in subjects:
        faces = next((folder for folder in (crops, subject.crops) if folder and index_files(folder)), None)
        known.append(list(conditions(subject, faces)))
    sides = {subject.short: side for subject, side in zip(subjects, drawings.SIDES, strict=False)}
    drawn: list[Any] = []
    for curves in error_curves(challenge, subjects, known, who):
        first = curves[0]
        label = f"{first.measure}, {first.task}, over {first.condition}"
        drawn.append((first, drawings.error_curve(curves, [sides[curve.subject] for curve in curves], label)))
    lacking = dict.fromkeys((one.name, one.reason) for found in known for one in found if one.reason)
    return {"drawn": drawn, "lacking": list(lacking)}


def _timelines(
    challenge: Challenge, subjects: Sequence[Subject], found: Sequence[UnitFigures], pictures: Pictures
) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = []
    for one in timelines(challenge, subjects, found):
        first, last = int(one.frame[0]), int(one.frame[-1])
        label = f"Truth and prediction of {one.figures.unit}, frames {first} to {last}"
        crops = pictures.along(one.figures.place, first, last, CROPS)
        shown.append({"unit": one.figures, "drawing": drawings.timeline(one, label), "crops": crops})
    return shown


def _about_pictures(settings: ReportSettings, pictures: Pictures) -> str:
    if settings.crops is None:
        return "No crops are shown: name their folder with --crops."
    if not pictures.units:
        return "The folder of --crops has no crops of units that may be shown."
    return ""
