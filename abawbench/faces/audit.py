"""The audit beside the crops: `audit.csv`, `left_out.csv` and the page `audit.html`."""

from __future__ import annotations

import csv
import io
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from abawbench.base.problems import Problem
from abawbench.clips.crop_index import FOLLOWED, MEASURES, MISSING, Index, index_files, read_index
from abawbench.faces.identities import SAME
from abawbench.faces.work_folder import put_file
from abawbench.table import Integers, Mask

TABLE, PAGE, LEFT_OUT = "audit.csv", "audit.html", "left_out.csv"
PAGE_TEMPLATE = "audit.html.j2"
SCORE, BLUR = MEASURES.index("score"), MEASURES.index("blur")
# limits beyond which a person should look: share of frames, seconds, pixels, sharpness, share of frames
LOW_RATE, LONG_GAP_S, SMALL, BLURRED, MANY_SECOND = 0.9, 1.0, 40.0, 8.0, 0.1
# width of a timeline in drawing units; stretches narrower than one unit are drawn one unit wide, to be visible
STRIP = 1000
SHOWN_TRACKS = 60


@dataclass(frozen=True, slots=True)
class AuditRow:
    """The audit of one unit, or of a video without units. The fields are the columns of `audit.csv`.

    Attributes:
        video: name of the video.
        unit: name of the unit; empty for a video without units.
        frames: number of frames of the video.
        claimed: number of frames that the file's header promises; 0 if it promises none.
        faces: number of frames with a crop.
        rate: `faces` divided by `frames`.
        followed: number of crops that optical flow placed between two detections.
        gaps: number of stretches without a crop.
        longest_gap: number of frames of the longest gap.
        size: median side of the face box, in pixels of the video.
        blur: median sharpness of the crops (standard deviation of the Laplacian of the grey 112 x 112 crop); a low
            value means blurred.
        score: median confidence of the detector, in [0, 1].
        second: number of frames with a crop in which another face is seen too.
        jumps: number of changes to a track that does not look like the same person.
        tracks: number of tracks that the unit is made of.
        cuts: number of cuts in the video.
        look: reasons why a person should look at this row, separated by semicolons.
    """

    video: str
    unit: str
    frames: int
    claimed: int
    faces: int
    rate: float
    followed: int
    gaps: int
    longest_gap: int
    size: float
    blur: float
    score: float
    second: int
    jumps: int
    tracks: int
    cuts: int
    look: str


def write_audit(out: Path, problems: Sequence[Problem]) -> None:
    """Write `audit.csv`, `left_out.csv` and `audit.html` from the indexes of a folder.

    Args:
        out: folder of the crops and indexes.
        problems: problems of the run, one for each input that was left out.

    Raises:
        ProblemError: F01, an index cannot be read or the folder cannot be written.
    """
    rows: list[AuditRow] = []
    sheets: list[Mapping[str, Any]] = []
    lacking: list[tuple[object, ...]] = []
    for path in index_files(out):
        index = read_index(path)
        own = tuple(audit_rows(index))
        rows += own
        lacking += left_out(index)
        sheets.append(_sheet(index, own))
    inputs = [(problem.file or "", "", "", "", "", f"{problem.rule} {problem.found}") for problem in problems]
    put_file(out, TABLE, _csv([field.name for field in fields(AuditRow)], (asdict(row).values() for row in rows)))
    put_file(out, LEFT_OUT, _csv(["what", "unit", "from", "to", "frames", "why"], [*inputs, *lacking]))
    put_file(out, PAGE, _page(rows, sheets, problems))


def audit_rows(index: Index) -> Generator[AuditRow]:
    """The audit of a video: one row for each unit, or a single row if it has no unit."""
    facts = index.facts
    fixed = {"video": index.video, "frames": facts["frames"], "claimed": facts["claimed"], "cuts": len(facts["cuts"])}
    if not index.units:
        look = "faces in passing only" if facts["tracks"] else "no face"
        nothing = dict.fromkeys(("faces", "followed", "gaps", "longest_gap", "second", "jumps", "tracks"), 0)
        yield AuditRow(**fixed, **nothing, unit="", rate=0.0, size=0.0, blur=0.0, score=0.0, look=look)
        return
    numbers, faces_of_frame = np.unique(index.frame[index.state != MISSING], return_counts=True)
    crowded = numbers[faces_of_frame > 1]
    for unit in index.units:
        rows = index.rows_of(unit)
        present = rows[index.state[rows] != MISSING]
        left, top, right, bottom = (index.measures[present, side] for side in range(4))
        gaps = runs(index.state[rows] == MISSING)
        side = np.sqrt((right - left) * (bottom - top))
        values: dict[str, Any] = {
            "faces": len(present),
            "rate": round(len(present) / facts["frames"], 4),
            "followed": int((index.state[present] == FOLLOWED).sum()),
            "gaps": len(gaps),
            "longest_gap": max((end - begin for begin, end in gaps), default=0),
            "size": round(float(np.median(side)), 1),
            "blur": round(float(np.median(index.measures[present, BLUR])), 2),
            "score": round(float(np.median(index.measures[present, SCORE])), 3),
            "second": int(np.isin(index.frame[present], crowded).sum()),
            "jumps": len(jumps(index, unit)),
            "tracks": len(np.unique(index.track[present])),
        }
        yield AuditRow(**fixed, **values, unit=unit, look="; ".join(_doubts(values, facts)))


def jumps(index: Index, unit: str) -> list[int]:
    """Numbers of the frames at which a unit changes to a track that does not look like the same person."""
    apart = {track["number"]: track["apart"] for track in index.facts["tracks"]}
    rows = index.rows_of(unit)
    rows = rows[index.state[rows] != MISSING]
    track = index.track[rows]
    changes = np.flatnonzero(track[1:] != track[:-1]) + 1
    doubtful = [at for at in changes if max(apart[int(track[at])], apart[int(track[at - 1])]) > SAME]
    return [int(index.frame[rows[at]]) for at in doubtful]


def runs(flags: Mask) -> list[tuple[int, int]]:
    """Begin and end (exclusive) of each stretch of True.

    >>> runs(np.array([True, True, False, True]))
    [(0, 2), (3, 4)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(begin), int(end)) for begin, end in edges.reshape(-1, 2)]


def _doubts(values: Mapping[str, float], facts: Mapping[str, Any]) -> Generator[str]:
    if values["rate"] < LOW_RATE:
        yield f"face in {values['rate']:.0%} of the frames"
    if values["longest_gap"] > LONG_GAP_S * facts["rate"]:
        yield f"{values['longest_gap']:,} frames in a row without it"
    if values["second"] > MANY_SECOND * values["faces"]:
        yield f"another face beside it in {values['second']:,} frames"
    if values["jumps"]:
        yield f"{values['jumps']:,} doubtful change{'s'[: values['jumps'] > 1]} of track"
    if values["size"] < SMALL:
        yield f"face of {values['size']:.0f} pixels"
    if values["blur"] < BLURRED:
        yield "blurred"


def left_out(index: Index) -> Generator[tuple[object, ...]]:
    """Rows of `left_out.csv`: stretches of frames without a crop, and tracks that belong to no unit."""
    for unit in index.units or ("",):
        rows = index.rows_of(unit) if unit else np.arange(len(index.frame))
        frames: Integers = index.frame[rows]
        for begin, end in runs(index.state[rows] == MISSING):
            yield index.video, unit, frames[begin], frames[end - 1], end - begin, "no face"
    for track in index.facts["tracks"]:
        if not track["units"]:
            why = f"track {track['number']}: a face in passing, or set aside by an override"
            yield index.video, "", track["first"], track["last"], track["frames"], why


def _csv(header: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def _sheet(index: Index, rows: Sequence[AuditRow]) -> Mapping[str, Any]:
    """The variables of the page's template for one video."""
    facts = index.facts
    numbers = np.unique(index.frame)
    units = [
        {
            "row": row,
            "thumbs": facts["thumbs"][row.unit],
            "strips": _strips(index, row.unit),
            "jumps": [_place(numbers, at) for at in jumps(index, row.unit)],
        }
        for row in rows
        if row.unit
    ]
    tracks = facts["tracks"]
    longest = sorted(tracks, key=lambda track: (-track["frames"], track["number"]))[:SHOWN_TRACKS]
    return {
        "video": index.video,
        "kind": facts["kind"],
        "frames": facts["frames"],
        "claimed": facts["claimed"],
        "rate": facts["rate"],
        "first": int(numbers[0]),
        "last": int(numbers[-1]),
        "cuts": [_place(numbers, at) for at in facts["cuts"]],
        "scene": facts["scene"],
        "units": units,
        "aside": [(facts["aside"][str(t["number"])], t) for t in longest if str(t["number"]) in facts["aside"]],
        "tracks": sorted(longest, key=lambda track: track["number"]),
        "more_tracks": len(tracks) - len(longest),
        "problems": facts["problems"],
        "look": [row.look for row in rows if row.look],
    }


def _strips(index: Index, unit: str) -> list[tuple[str, float, float]]:
    """Stretches of a unit's timeline as (state, begin, width)."""
    states = index.state[index.rows_of(unit)]
    scale = STRIP / len(states)
    found: list[tuple[str, float, float]] = []
    for name, flags in (("seen", states != MISSING), ("followed", states == FOLLOWED)):
        # followed frames lie between detected ones; drawn one by one they would be a grey blur
        if name == "followed" and flags.mean() > 0.2:
            continue
        found += [(name, round(b * scale, 2), round(max((e - b) * scale, 1), 2)) for b, e in runs(flags)]
    return found


def _place(numbers: Integers, number: int) -> float:
    return round(float(np.searchsorted(numbers, number)) * STRIP / len(numbers), 2)


def _page(rows: Sequence[AuditRow], sheets: Sequence[Mapping[str, Any]], problems: Sequence[Problem]) -> str:
    """The page as HTML, with every picture inside it."""
    import jinja2

    source = files("abawbench.faces").joinpath(PAGE_TEMPLATE).read_text("utf-8")
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    totals = {
        "videos": len(sheets),
        "units": sum(bool(row.unit) for row in rows),
        "frames": sum(sheet["frames"] for sheet in sheets),
        "faces": sum(row.faces for row in rows),
        "look": sum(bool(sheet["look"]) for sheet in sheets),
    }
    return environment.from_string(source).render(totals=totals, sheets=sheets, problems=problems, strip=STRIP)
