"""The formats of a record's exports, and writing them without harm to what is there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args

from abawbench.base.files import make_folder, read_input, write_files
from abawbench.base.problems import Problem, ProblemError
from abawbench.records.model import Record

Format = Literal["every-eval-ever", "eval-results", "model-card"]
FORMATS: tuple[str, ...] = get_args(Format)


def export_record(
    record: Record, form: Format, *, evaluator: str = "", relationship: str = "", dataset: str = ""
) -> dict[str, bytes]:
    """The files of a record in another format, by their paths in a folder.

    Args:
        record: the record.
        form: the format.
        evaluator: who made the score, for `every-eval-ever`.
        relationship: relationship of the evaluator to the makers of the entry, likewise.
        dataset: id of the benchmark's data set on the Hugging Face Hub, for `eval-results`.

    Raises:
        ProblemError: C02, something that the format needs is not given, or given where it has no place for it.
    """
    given = {"evaluator": evaluator, "relationship": relationship, "dataset": dataset}
    needed = {"every-eval-ever": {"evaluator", "relationship"}, "eval-results": {"dataset"}}.get(form, set[str]())
    wrong = [name for name, value in given.items() if bool(value) != (name in needed)]
    if wrong:
        found = f"{form} {'without' if wrong[0] in needed else 'with'} {' and '.join(f'--{name}' for name in wrong)}"
        expected = f"{form} with {' and '.join(f'--{name}' for name in sorted(needed)) or 'none of them'}"
        raise ProblemError(Problem("C02", found, expected, "no record says it: state it, or leave it out"))
    if form == "every-eval-ever":
        from abawbench.exports.every_eval_ever import every_eval_ever

        return every_eval_ever(record, evaluator, relationship)
    if form == "eval-results":
        from abawbench.exports.eval_results import eval_results

        return eval_results(record, dataset)
    from abawbench.exports.model_card import README, model_card, subject_of_record

    return {README: model_card(subject_of_record(record), [record]).encode()}


def write_beside(files: Mapping[str, bytes], folder: Path) -> tuple[Path, ...]:
    """Write files into a folder that may hold others.

    Args:
        files: contents by path in the folder.
        folder: the folder; it is made where it is not there.

    Returns:
        The paths of the files.

    Raises:
        ProblemError: C02 another file is at one of the paths, F01 a file cannot be written.
    """
    placed = {folder / name: data for name, data in files.items()}
    for path, data in placed.items():
        if path.exists() and not (path.is_file() and read_input(path) == data):
            fix = "remove it, or name another folder"
            raise ProblemError(Problem("C02", "something else is there already", "a new file", fix, str(path)))
    for path in placed:
        make_folder(path.parent)
    write_files(placed)
    return tuple(placed)
