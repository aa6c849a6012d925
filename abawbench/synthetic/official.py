"""Writes a corpus to disk, in the layouts of s-Aff-Wild2 and of the editions with one file for each unit."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from abawbench.base.files import make_folder, write_file, write_text
from abawbench.base.installed import VERSION
from abawbench.base.json_text import parse_json
from abawbench.base.problems import Problem, ProblemError, unreadable
from abawbench.base.run_lock import LOCK, WORKERS, only_run
from abawbench.challenges import CHALLENGES
from abawbench.clips.crop import ARCFACE
from abawbench.clips.crop_file import write_crop
from abawbench.formats.write import write_annotations, write_list
from abawbench.labels import ACTION_UNITS_17, EXPRESSIONS_8
from abawbench.synthetic.corpus import Footage, make_footage
from abawbench.synthetic.pictures import Report, draw_crops, no_report, write_videos
from abawbench.synthetic.relations import EPISODES
from abawbench.synthetic.settings import CORPUS_VERSION, MULTI_TASK, SPLITS, CorpusSettings, check_settings
from abawbench.table import Table

CARD = "corpus.json"
CROPS, TRUTH = "cropped_aligned", "truth"
SUBJECTS = "subjects.csv"
TRAINING, VALIDATION = "training_set_annotations.txt", "validation_set_annotations.txt"
TEST_LIST, TEST_TRUTH = MULTI_TASK.list_files[0], "test_set_annotations.txt"
# by task: folder of its labels, challenge with a list of units, challenge with a list of rows
TRACKS = {
    "va": ("VA_Estimation_Challenge", CHALLENGES["abaw3-va"], CHALLENGES["abaw5-va"]),
    "expression": ("EXPR_Classification_Challenge", CHALLENGES["abaw3-expr"], CHALLENGES["abaw5-expr"]),
    "action_units": ("AU_Detection_Challenge", CHALLENGES["abaw3-au"], CHALLENGES["abaw5-au"]),
}
FOLDERS = {"train": "Train_Set", "validation": "Validation_Set", "test": "Test_Set"}
UNIT_LISTS, ROW_LISTS = "names_of_videos_in_each_test_set", "prediction_files_format"


def write_corpus(
    settings: CorpusSettings,
    out: Path,
    *,
    workers: int = 1,
    report: Report = no_report,
    resumed: Report = no_report,
) -> dict[str, Any]:
    """Make a corpus and write it; files of an earlier, interrupted run are kept.

    The result depends only on the settings and on the version of abawbench. Every file, and every folder of a unit,
    appears whole or not at all.

    Args:
        settings: settings of the corpus.
        out: folder of the corpus; it is new, empty, or holds the same corpus.
        workers: number of processes that draw.
        report: function that is called with the number of frames done so far and of all frames, first for the crops,
            then for the videos.
        resumed: function that is called once with the numbers of units that an earlier run drew, and of all.

    Returns:
        The content of corpus.json: versions, settings and counts.

    Raises:
        ProblemError: D36 another run is at work there, D52 the settings make no corpus, D50 the folder holds another
            corpus, D51 it holds something else, D53 a library is missing, D54 a process that draws was killed, F01 the
            folder cannot be written.
    """
    check_settings(settings)
    if settings.pictures:
        require_renderer(with_films=settings.films > 0)
    _check_folder(settings, out)
    footage = make_footage(settings)
    card = {
        "version": VERSION,
        "corpus_version": CORPUS_VERSION,
        "settings": settings.to_json(),
        "counts": counts(footage),
    }
    make_folder(out)
    with only_run(out):
        # another run may have come first
        _check_folder(settings, out)
        write_text(out / CARD, json.dumps(card, indent=2) + "\n")
        _clear_left_behind(out)
        write_labels(footage, out)
        if settings.pictures:
            write_crop(out / CROPS, ARCFACE)
            draw_crops(footage, out / CROPS, workers, report, resumed)
        if settings.films:
            write_videos(footage, out, report)
    return card


def counts(footage: Footage) -> dict[str, Any]:
    """Numbers of units, people, frames and crops; for each split also of rows, repetitions and annotated rows."""
    splits: dict[str, Any] = {}
    for split in SPLITS:
        rows, places = footage.listed[split], footage.of_split(split)
        splits[split] = {
            "units": len(places),
            "people": len({footage.units[place].person for place in places}),
            "rows": len(rows),
            "repeated": int((np.diff(rows) == 0).sum()),
            "annotated": {task: int(mask[rows].sum()) for task, mask in footage.annotated.items()},
        }
    return {
        "units": len(footage.units),
        "people": len({unit.person for unit in footage.units}),
        "frames": int(footage.starts[-1]),
        "crops": int(footage.has_crop.sum()) if footage.settings.pictures else 0,
        "splits": splits,
    }


def write_labels(footage: Footage, out: Path) -> None:
    """Write annotations, lists, subjects and truth: everything but the pictures. Files that exist are kept.

    Raises:
        ProblemError: F01, the folder cannot be written.
    """
    for name, split in ((TRAINING, "train"), (VALIDATION, "validation"), (f"{TRUTH}/{TEST_TRUTH}", "test")):
        if not (out / name).exists():
            make_folder((out / name).parent)
            write_annotations(MULTI_TASK, footage.table(footage.listed[split]), out / name)
    if not (out / TEST_LIST).exists():
        write_list(MULTI_TASK, footage.table(footage.listed["test"]), out / TEST_LIST)
    for task in TRACKS:
        _write_track(footage, task, out)
    lines = ["video,subject", *(f"{unit.name},person_{unit.person + 1:04d}" for unit in footage.units)]
    write_text(out / SUBJECTS, "\n".join(lines) + "\n")
    for split in SPLITS:
        path = out / TRUTH / f"{split}.parquet"
        if not path.exists():
            write_file(path, _truth(footage, split))


def require_renderer(*, with_films: bool) -> None:
    """Check that the libraries for drawing and encoding are installed.

    Raises:
        ProblemError: D53, OpenCV or PyAV is not installed.
    """
    import importlib.util

    libraries = {"cv2": "OpenCV"} | ({"av": "PyAV"} if with_films else {})
    missing = [title for module, title in libraries.items() if importlib.util.find_spec(module) is None]
    if missing:
        fix = "pip install 'abawbench[video]', or make labels alone (--labels-only)"
        raise ProblemError(Problem("D53", f"no {' and no '.join(missing)}", "the libraries that draw pictures", fix))


def _check_folder(settings: CorpusSettings, out: Path) -> None:
    """Check that the folder is new or empty, or holds this corpus or a part of it."""
    try:
        text = (out / CARD).read_text("utf-8")
    except FileNotFoundError:
        if out.is_dir() and any(path.name not in {LOCK, WORKERS} for path in out.iterdir()):
            found = f"files, and no {CARD}"
            raise ProblemError(Problem("D51", found, "a new folder", "name another", str(out))) from None
        return
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable(out, error, "a folder for the corpus", "name another folder") from error
    wanted: dict[str, Any] = {"version": VERSION, "corpus_version": CORPUS_VERSION}
    wanted |= json.loads(json.dumps(settings.to_json()))
    try:
        there = parse_json(text)
        held: dict[str, Any] = {"version": there["version"], "corpus_version": there.get("corpus_version", 1)}
        held |= there["settings"]
    except (ValueError, KeyError, TypeError):
        found = f"a {CARD} of something else"
        raise ProblemError(Problem("D51", found, "a corpus made here", "name another", str(out))) from None
    differing = [name for name in wanted if held.get(name) != wanted[name]]
    if differing:
        found = ", ".join(f"{name} = {held.get(name)}" for name in differing)
        expected = ", ".join(f"{name} = {wanted[name]}" for name in differing)
        raise ProblemError(Problem("D50", found, expected, "name another folder, or remove this one", str(out)))


def _clear_left_behind(out: Path) -> None:
    """Remove the temporary files and folders of a killed run."""
    for path in out.rglob(".*"):
        if path.name in {LOCK, WORKERS}:
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _write_track(footage: Footage, task: str, out: Path) -> None:
    folder, by_unit, by_row = TRACKS[task]
    for split in SPLITS:
        root = out / TRUTH if split == "test" else out
        place = root / "annotations" / folder / FOLDERS[split]
        places = [place for place in footage.of_split(split) if not footage.lacking[task][place]]
        if place.exists() or not places:
            continue
        make_folder(place.parent)
        write_annotations(by_unit, table_of_units(footage, places), place)
    tested = table_of_units(footage, footage.of_split("test"))
    for challenge, lists in ((by_unit, UNIT_LISTS), (by_row, ROW_LISTS)):
        path = out / lists / challenge.list_files[0]
        if not path.exists():
            make_folder(path.parent)
            write_list(challenge, tested, path)


def table_of_units(footage: Footage, places: list[int]) -> Table:
    """Every frame of these units, and the surplus line of the units that have one, with the labels of the last frame.

    Args:
        footage: the corpus.
        places: indices of the units.
    """
    rows = footage.rows_of(places)
    times = np.ones(len(rows), np.int64)
    ends = np.cumsum([footage.units[place].frames for place in places])
    times[ends[footage.surplus[places]] - 1] = 2
    table = footage.table(np.repeat(rows, times))
    frame = table.frame.copy()
    again = np.append(False, (frame[1:] == frame[:-1]) & (table.video[1:] == table.video[:-1]))
    return replace(table, frame=frame + again.astype(np.int32))


def _truth(footage: Footage, split: str) -> bytes:
    """The complete truth of a split, frame by frame, as Parquet."""
    import pyarrow as pa
    from pyarrow import parquet

    places = footage.of_split(split)
    rows = footage.rows_of(places)
    owner = footage.owner(rows)

    def named(codes: Any, names: list[str]) -> Any:
        return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int16)), pa.array(names))

    affect = footage.affect[rows].astype(np.float32)
    columns: dict[str, Any] = {
        "unit": named(owner, [unit.name for unit in footage.units]),
        "person": named(owner, [f"person_{unit.person + 1:04d}" for unit in footage.units]),
        "frame": pa.array((rows - footage.starts[owner] + 1).astype(np.int32)),
        "has_crop": pa.array(footage.has_crop[rows]),
        "valence": pa.array(affect[:, 0].copy()),
        "arousal": pa.array(affect[:, 1].copy()),
        "expression": named(footage.expression[rows], list(EXPRESSIONS_8)),
        "episode": named(footage.episode[rows], list(EPISODES)),
    }
    units = footage.action_units[rows]
    columns |= {name: pa.array(units[:, column].copy()) for column, name in enumerate(ACTION_UNITS_17)}
    sink = pa.BufferOutputStream()
    packed = {name: "zstd" if name in {"unit", "person", "expression", "episode"} else "none" for name in columns}
    # no dictionaries: the padding behind their indices holds whatever was in memory. Columns of names are compressed
    write: Any = parquet.write_table
    write(pa.table(columns), sink, use_dictionary=False, compression=packed, write_statistics=False)
    return sink.getvalue().to_pybytes()
