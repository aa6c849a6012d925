"""Scoring program for Codabench: finds the prediction, has it checked and scored, and writes what the platform reads.

    python3 score.py /app/input /app/output

The input holds the truth, the list and settings.json in ref/, and the submission in res/. A good submission gets
scores.json, with a finite number for every column, and detailed_results.html. Anything wrong is told on standard error
and in detailed_results.html; there is then no scores.json and the exit status is 1, so that it cannot rank.

Nothing of a submission is executed. Python 3.8 or later, the standard library, and frozen_scorer.py beside this file,
which needs NumPy.
"""

from __future__ import annotations

import html
import importlib
import json
import math
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

# of Finder and the Explorer, and files by which workers are told what to run: never read, never run
LITTER = {"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "metadata", "metadata.yaml"}
MOST_FILES = 10_000
# problems that are shown, and characters of each
MOST_SHOWN, LONGEST_SHOWN = 100, 2_000
STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60em;margin:1em auto;padding:0 1em;color:#222;background:#fff}"
    "table{border-collapse:collapse;margin:1em 0}td,th{padding:.2em .8em;border-bottom:1px solid #ccc;text-align:left}"
    "td+td{text-align:right;font-variant-numeric:tabular-nums}pre{white-space:pre-wrap;overflow-wrap:anywhere}"
)
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


class RefusedError(Exception):
    """A submission that gets no score; its arguments say what is wrong, each with its cure."""


def main(argv: list[str]) -> int:
    """Score a submission; the exit status is 0 if it has a score."""
    if len(argv) != 3:
        sys.stderr.write("use: python3 score.py INPUT OUTPUT\n")
        return 2
    reference, submission, output = Path(argv[1]) / "ref", Path(argv[1]) / "res", Path(argv[2])
    settings: dict[str, Any] = {"title": "", "private": True}
    output.mkdir(parents=True, exist_ok=True)
    try:
        settings = json.loads((reference / "settings.json").read_text(encoding="utf-8"))
        result, notes = evaluate(settings, reference, submission)
        scores = scores_of(settings, result, notes)
        tables = tables_of(settings, result, scores) if settings["shows_scores"] else []
    except RefusedError as error:
        return refuse(output, settings, [str(text) for text in error.args])
    except Exception as error:
        texts = [f"The scoring program failed ({type(error).__name__}). Tell the organisers; it is no fault of yours."]
        # an unforeseen error may quote the truth
        if not settings["private"]:
            import traceback

            texts.append(traceback.format_exc())
        return refuse(output, settings, texts)
    write(output / "detailed_results.html", page(settings["title"], "Accepted", tables, notes))
    # last, so that a program that is stopped before it ends leaves no score
    write(output / "scores.json", json.dumps(scores, indent=2, allow_nan=False) + "\n")
    sys.stdout.write("".join(ascii_line(text) for text in ["accepted", *notes]))
    return 0


def evaluate(settings: dict[str, Any], reference: Path, submission: Path) -> tuple[dict[str, Any], list[str]]:
    """The result of the frozen scorer, and what is odd about the submission.

    Raises:
        RefusedError: the submission gets no score.
    """
    scorer = importlib.import_module("frozen_scorer")
    if settings["fingerprint"] != scorer.FINGERPRINT:
        raise RefusedError("The scorer and the truth are of different challenges. Tell the organisers.")
    with tempfile.TemporaryDirectory() as work:
        path, ignored = find_prediction(submission, Path(work), settings["per_unit"])
        result = scorer.evaluate(
            str(reference / settings["truth"]),
            str(path),
            template=str(reference / settings["template"]),
            intervals=not settings["private"],
            private=settings["private"],
        )
        roots = [work, str(submission), str(reference)]
        texts = [shown(scorer.describe(problem), roots) for problem in result["problems"]]
    if not result["ok"]:
        raise RefusedError(*texts)
    if not is_number(result["score"]):
        raise RefusedError("The score of this submission is undefined, so it cannot rank.", *texts)
    return result, [*texts, *(f"not read: {shown(name)}" for name in ignored)]


def find_prediction(submission: Path, work: Path, per_unit: bool) -> tuple[Path, list[str]]:
    """The path of the one prediction in a submission, however deep it lies, and the names of what is not read.

    Files of units are copied to a folder of their own, without what else lies beside them.

    Raises:
        RefusedError: there is no prediction, or more than one.
    """
    files, ignored = own_files(submission)
    if not files:
        expected = "a file for each unit" if per_unit else "one prediction file"
        raise RefusedError(
            f"Z08 archive holds nothing to check: found no prediction; expected {expected}\n"
            "    fix: zip the prediction itself"
        )
    places = sorted({file.parent for file in files}) if per_unit else files
    if len(places) > 1:
        names = ", ".join(f"'{shown(place.relative_to(submission).as_posix())}'" for place in places[:3])
        expected = "files in one folder" if per_unit else "one prediction file"
        raise RefusedError(
            f"Z06 too many trials: found {len(places)} ({names}); expected {expected}\n"
            "    fix: send each trial as a submission of its own, without other files"
        )
    if not per_unit:
        if is_zip(files[0]):
            raise RefusedError(
                f"Z05 archive inside the archive: found '{shown(files[0].name)}'; expected text files only\n"
                "    fix: zip the prediction itself"
            )
        return files[0], ignored
    for file in files:
        shutil.copyfile(str(file), str(work / file.name))
    return work, ignored


def own_files(folder: Path) -> tuple[list[Path], list[str]]:
    """The participant's plain files below a folder, sorted, and the names of what is left aside."""
    files: list[Path] = []
    ignored: list[Path] = []
    for place, folders, names in os.walk(str(folder)):
        paths = [Path(place) / name for name in folders + names]
        others = [path for path in paths if is_left_aside(path)]
        ignored += others
        files += [path for path in paths if path not in others and path.is_file()]
        folders[:] = [name for name in folders if Path(place) / name not in others]
        if len(files) + len(ignored) > MOST_FILES:
            raise RefusedError(f"Z04 archive too large when unpacked: more than {MOST_FILES} files")
    # the worker adds a file `metadata` itself
    told = sorted(path.relative_to(folder).as_posix() for path in ignored if path != folder / "metadata")
    return sorted(files), told[:MOST_SHOWN]


def is_zip(path: Path) -> bool:
    """True for a file that begins as a zip does."""
    with path.open("rb") as file:
        return file.read(4) == b"PK\x03\x04"


def is_left_aside(path: Path) -> bool:
    """True for what the system or the platform left, links, pipes and devices."""
    is_litter = path.name.startswith(".") or path.name.lower() in LITTER
    return is_litter or path.is_symlink() or not (path.is_file() or path.is_dir())


def scores_of(settings: dict[str, Any], result: dict[str, Any], notes: list[str]) -> dict[str, float]:
    """A finite number for every column; what is undefined is told, and gets the least value that there is."""
    scores: dict[str, float] = {}
    for column in settings["columns"]:
        value = figure(result, column["path"])
        if not is_number(value):
            value = column["low"]
            notes.append(f"{column['title']} is undefined; {value:g} stands for it on the board")
        scores[column["key"]] = float(value)
    return scores


def tables_of(settings: dict[str, Any], result: dict[str, Any], scores: dict[str, float]) -> list[list[list[str]]]:
    """Tables for the page, each with its heading: the figures of the board, and on a public phase every other."""
    intervals = result.get("intervals") or {}
    board = [["figure", "value", "95% interval"] if intervals else ["figure", "value"]]
    for column in settings["columns"]:
        bounds = figure(intervals, column["path"])
        within = [f"{fixed(bounds[0], 4)} to {fixed(bounds[1], 4)}" if bounds else ""] if intervals else []
        board.append([column["title"], fixed(scores[column["key"]], 6), *within])
    if settings["private"]:
        return [board]
    metrics = [["metric", "value"], *leaves(result["metrics"], ())]
    return [board, metrics, [["rows", "number"], *leaves(result["rows"], ())]]


def leaves(value: Any, path: tuple[str, ...]) -> list[list[str]]:
    """Every value below a dictionary: its path, and itself as text."""
    if isinstance(value, dict):
        return [leaf for name in value for leaf in leaves(value[name], (*path, str(name)))]
    text = f"{value:,}" if isinstance(value, int) else fixed(value, 6) if is_number(value) else "undefined"
    return [[" ".join(path), text]]


def fixed(value: float, digits: int) -> str:
    """A number with so many digits; zero has no minus."""
    return f"{round(value, digits) + 0.0:.{digits}f}"


def figure(result: Any, path: list[str]) -> Any:
    """A figure of a result by its path; None where there is none."""
    for name in path:
        result = result.get(name) if isinstance(result, dict) else None
    return result


def is_number(value: Any) -> bool:
    """True for a finite number."""
    return isinstance(value, (int, float)) and math.isfinite(value)


def refuse(output: Path, settings: dict[str, Any], texts: list[str]) -> int:
    """Tell what is wrong, and leave no score; the exit status."""
    stale = output / "scores.json"
    if stale.exists():
        stale.unlink()
    if len(texts) > MOST_SHOWN:
        texts = [*texts[:MOST_SHOWN], f"and {len(texts) - MOST_SHOWN} more"]
    write(output / "detailed_results.html", page(settings["title"], "Not scored", [], texts))
    sys.stderr.write("".join(ascii_line(text) for text in ["This submission was not scored.", *texts]))
    return 1


def shown(text: str, roots: list[str] | tuple[()] = ()) -> str:
    """A text without the folders of this machine, and without characters that change how a line is shown."""
    for root in roots:
        text = text.replace(root + os.sep, "").replace(root, "the submission")
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text[:LONGEST_SHOWN])


def ascii_line(text: str) -> str:
    """A line for a stream that may take ASCII alone."""
    return text.encode("ascii", "backslashreplace").decode("ascii") + "\n"


def page(title: str, verdict: str, tables: list[list[list[str]]], texts: list[str]) -> str:
    """A page without script and without anything from outside."""
    head = f"{html.escape(title)}: {verdict}"
    parts = [
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{head}</title>',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"><style>{STYLE}</style>',
        f"<h1>{head}</h1>",
    ]
    for heads, *rows in tables:
        cells = ["".join(f"<th>{html.escape(cell)}</th>" for cell in heads)]
        cells += ["".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in rows]
        parts.append("<table>{}</table>".format("".join(f"<tr>{row}</tr>\n" for row in cells)))
    parts += [f"<pre>{html.escape(text)}</pre>" for text in texts]
    return "\n".join(parts) + "\n"


def write(path: Path, text: str) -> None:
    """Write a file as a whole."""
    unfinished = path.with_name(path.name + ".part")
    unfinished.write_bytes(text.encode("utf-8", "backslashreplace"))
    unfinished.replace(path)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    sys.exit(main(sys.argv))
