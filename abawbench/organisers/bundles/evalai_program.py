"""Scoring of one submission on EvalAI, with the frozen scorer beside this file.

Hosted workers call `evaluate(test_annotation_file, user_annotation_file, phase_codename, submission_metadata=...)`, and
remote ones `evaluate(user_submission_file, phase_codename, test_annotation_file=None)`: both are taken. Python 3.8 or
later, the standard library, and frozen_scorer.py, which needs NumPy.
"""

from __future__ import annotations

import importlib
import json
import math
import stat
import tempfile
import zipfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
# number of problems that are told
MOST_SHOWN = 60


class RefusedError(Exception):
    """A submission that gets no score; the text says what is wrong with it, and EvalAI shows it as standard error."""


class SetupError(Exception):
    """A call or a file of the organisers that is not as the bundle was made."""


def evaluate(*places: str, **named: Any) -> dict[str, Any]:
    """Score a submission.

    Args:
        places: the annotation file, the submission and the codename of the phase; or the submission, the codename, and
            maybe the annotation file.
        named: the same by name, and whatever else EvalAI sends, which is not used.

    Returns:
        `result` has every column of the board, for the split of the phase; `error` has the half width of every interval
        and is left out where one is not defined. The team sees `submission_result`, and the organisers alone
        `submission_metadata`.

    Raises:
        RefusedError: the submission has problems. Nothing is returned, so that nothing can rank.
        SetupError: the call or the annotation file is not as it should be, the scorer failed, or a figure is not
            defined.
    """
    settings = json.loads((HERE / "settings.json").read_text("ascii"))
    annotation, submission, codename = sort_arguments(places, named, settings["phases"])
    phase = settings["phases"][codename]
    scorer = importlib.import_module(".frozen_scorer", __package__)
    with tempfile.TemporaryDirectory() as work:
        truth, template = unpack(annotation, Path(work))
        answer = answer_of(scorer, submission, truth, template, phase)
        # names of EvalAI's own files and folders are of no use to a team
        names = {truth: "the truth", template: "the list", submission: Path(submission).name}
        texts = [in_ascii(scorer.describe(problem), names) for problem in answer["problems"]]
    if not answer["ok"]:
        more = [f"and {len(texts) - MOST_SHOWN} more"] if len(texts) > MOST_SHOWN else []
        raise RefusedError("this submission was not scored.\n\n" + "\n".join(texts[:MOST_SHOWN] + more))
    return output_of(answer, texts, settings["columns"], phase)


def answer_of(scorer: Any, submission: str, truth: str, template: str, phase: dict[str, Any]) -> dict[str, Any]:
    """What the frozen scorer says of a submission. Raises: SetupError, it failed on a private phase."""
    try:
        return scorer.evaluate(truth, submission, template=template, intervals=True, private=phase["private"])
    except Exception as error:
        if not phase["private"]:
            raise
        # the words of an unforeseen error may quote the truth
        name = type(error).__name__
        raise SetupError(f"The scorer failed ({name}). This is no fault of yours: tell the organisers.") from None


def sort_arguments(places: tuple[str, ...], named: dict[str, Any], phases: dict[str, Any]) -> tuple[str, str, str]:
    """The annotation file, the submission and the codename of the phase, from either way to call.

    A codename has no slash and no dot, and the paths that workers give have both: so a codename in the second place
    tells a remote call from a hosted one.

    Raises:
        SetupError: the codename is unknown, or a file is missing.
    """
    is_remote = "user_annotation_file" not in named and (
        "user_submission_file" in named or len(places) == 1 or (len(places) > 1 and places[1] in phases)
    )
    if is_remote and len(places) > 2 and places[2] in phases:
        raise SetupError("The second and the third argument are codenames of phases: give paths with their folders.")
    order = ["test_annotation_file", "user_annotation_file", "phase_codename"]
    if is_remote:
        order = ["user_submission_file", "phase_codename", "test_annotation_file"]
    given = {**{name: named.get(name) for name in order}, **dict(zip(order, places))}  # noqa: B905
    codename = given["phase_codename"]
    if codename not in phases:
        raise SetupError(
            f"EvalAI asks for the phase {codename!a}, which this evaluation script does not know. It knows "
            f"{', '.join(sorted(phases))}. Correct the codename in challenge_config.yaml."
        )
    submission = given[order[0] if is_remote else order[1]]
    if not submission or not Path(submission).is_file():
        raise SetupError(f"There is no submission at {submission!a}.")
    annotation = given["test_annotation_file"] or str(HERE / "annotations" / f"{codename}.zip")
    if not Path(annotation).is_file():
        raise SetupError(
            f"There is no annotation file for the phase {codename}: upload that of the bundle, or put its folder "
            "`annotations` beside main.py."
        )
    return annotation, submission, codename


def unpack(annotation: str, work: Path) -> tuple[str, str]:
    """The paths of truth and list, unpacked from the annotation file of the bundle.

    Raises:
        SetupError: it is another file, or was packed anew.
    """
    try:
        with zipfile.ZipFile(annotation) as archive:
            for entry in archive.infolist():
                is_plain = stat.S_IFMT(entry.external_attr >> 16) in {0, stat.S_IFREG}
                if not is_plain or work.resolve() not in (work / entry.filename).resolve().parents:
                    raise ValueError(entry.filename)
                archive.extract(entry, work)
        paths = json.loads((work / "paths.json").read_text("utf-8"))
        return str(work / paths["truth"]), str(work / paths["template"])
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError, OSError):
        raise SetupError("The annotation file is not that of the bundle: upload it again.") from None


def output_of(answer: dict[str, Any], notes: list[str], columns: list[Any], phase: dict[str, Any]) -> dict[str, Any]:
    """What EvalAI takes: every column each time, and finite numbers alone.

    Raises:
        SetupError: a figure is not defined.
    """
    values: dict[str, float] = {}
    errors: dict[str, float] = {}
    for title, path in columns:
        value = part_of(answer, path)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise SetupError(f"The figure {title} is not defined, so nothing can be ranked. Tell the organisers.")
        values[title] = float(value)
        bounds = part_of(answer["intervals"], path)
        if bounds is not None:
            errors[f"error_{title}"] = (bounds[1] - bounds[0]) / 2
    head = {**{name: answer[name] for name in ("challenge", "fingerprint", "version")}, "notes": notes}
    whole = {name: answer[name] for name in ("score", "terms", "metrics", "rows", "intervals")}
    # figures of classes and numbers of rows say more of a private truth than its board does
    shown: dict[str, Any] = {"columns": values} if phase["private"] else whole
    output: dict[str, Any] = {
        "result": [{phase["split"]: values}],
        "submission_result": {**head, **(shown if phase["shows_scores"] else {})},
        "submission_metadata": {**head, **whole},
    }
    # the page of the board breaks if one label has no error: it gets all of them or none
    if len(errors) == len(values):
        output["error"] = [{phase["split"]: errors}]
    return output


def part_of(tree: Any, path: list[str]) -> Any:
    """A part of nested figures by its path; None where there is none."""
    for name in path:
        tree = tree.get(name) if isinstance(tree, dict) else None
    return tree


def in_ascii(text: str, names: dict[str, str]) -> str:
    """A text with other names for some paths, in ASCII: a worker may write it to a file that takes nothing else."""
    for path, name in names.items():
        text = text.replace(path, name)
    return text.encode("ascii", "backslashreplace").decode("ascii")
