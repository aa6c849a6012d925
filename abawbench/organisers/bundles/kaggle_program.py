"""Metric for a Kaggle competition, in one file: `score`, and the frozen scorer that it calls.

Both tables are written as the challenge's own text files, and these are checked and scored. The names of rows and units
stand in the solution, so that no type that pandas finds for an id can change them. Messages to teams hold nothing of
the solution.
"""

import functools
import math
import re
import sys
import tempfile
import types
from pathlib import Path
from typing import Any, Dict, List, NoReturn  # noqa: UP035

import pandas as pd

# both are filled in when the bundle is made
SETTINGS: Dict[str, Any] = {}  # noqa: UP006
FROZEN_SCORER = ""

# columns of the solution beside those of values; each name of a row or unit has a word before it, so that it stays text
PLACE, UNIT, ROW, USAGE = "place_in_truth", "unit_name", "row_name", "Usage"
NUMBER = re.compile(r"[+-]?(\d+(?:\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
MOST_SHOWN = 20


class ParticipantVisibleError(Exception):
    """What is wrong with a submission: Kaggle shows it to the team."""


class HostVisibleError(Exception):
    """What is wrong with the solution: Kaggle shows it to the organisers alone."""


# the annotations are classes and not texts, as Kaggle reads them
def score(solution: pd.DataFrame, submission: pd.DataFrame, row_id_column_name: str) -> float:
    """The score of a submission.

    Args:
        solution: the truth, or the part of it that is scored.
        submission: a row for each row of the solution, in any order.
        row_id_column_name: name of the column of ids.

    Returns:
        The official score: higher is better.

    Raises:
        ParticipantVisibleError: the submission has problems.
        HostVisibleError: the solution has problems.
    """
    columns = [name for name, _ in SETTINGS["columns"]]
    truth = require_solution(solution, row_id_column_name, columns)
    answers = require_submission(submission, truth, row_id_column_name)
    given = [name for name in [*SETTINGS["probabilities"], *columns] if name in answers]
    with tempfile.TemporaryDirectory() as work:
        known = write_solution(truth, columns, Path(work, "truth"))
        prediction = write(answers, given, truth, Path(work, "predictions"))
        answer = scorer().evaluate(known, prediction, private=True)
    problems = [problem for problem in answer["problems"] if not problem["rule"].startswith("N")]
    of_host = [one for one in problems if str(one["file"]).startswith(known) or one["rule"] in {"T10", "V09"}]
    if of_host:
        raise HostVisibleError("\n".join(scorer().describe(problem) for problem in of_host[:MOST_SHOWN]))
    if problems or not answer["ok"]:
        texts = [describe(problem, truth, row_id_column_name, work) for problem in problems]
        raise ParticipantVisibleError("\n".join(texts[:MOST_SHOWN]))
    if answer["score"] is None or not math.isfinite(answer["score"]):
        raise HostVisibleError("the score is not defined for these rows")
    return float(answer["score"])


def require_solution(solution: pd.DataFrame, row_id: str, columns: List[str]) -> pd.DataFrame:  # noqa: UP006
    """The solution in the order of the truth. Raises: HostVisibleError, it is not that of the bundle."""
    lacking = [name for name in [row_id, PLACE, UNIT, ROW, *columns] if name not in solution]
    if lacking:
        raise HostVisibleError("the solution lacks the columns {}: upload solution.csv".format(", ".join(lacking)))
    if solution[[PLACE, UNIT, ROW, *columns]].isna().to_numpy().any():
        raise HostVisibleError("the solution has empty fields: upload solution.csv")
    if not len(solution) or solution[row_id].duplicated().any() or solution[PLACE].duplicated().any():
        raise HostVisibleError("the solution is empty, or has ids or places twice: upload solution.csv")
    return solution.sort_values(PLACE).reset_index(drop=True)


def require_submission(submission: pd.DataFrame, truth: pd.DataFrame, row_id: str) -> pd.DataFrame:
    """The rows of a submission in the order of the truth. Raises: ParticipantVisibleError, they are not all there."""
    columns, optional = [name for name, _ in SETTINGS["columns"]], SETTINGS["probabilities"]
    needed = [row_id, *columns]
    if any(name in submission for name in optional):
        needed += optional
    lacking = [name for name in needed if name not in submission]
    others = [str(name) for name in submission.columns if name not in [*needed, *optional]]
    if lacking or others or not submission.columns.is_unique:
        found = [f"without {', '.join(lacking)}"] * bool(lacking) + [f"with {', '.join(others[:3])}"] * bool(others)
        refuse("F04 wrong header", " and ".join(found) or "a column twice", ", ".join(needed))
    given = submission[row_id].astype(str)
    wanted = truth[row_id].astype(str)
    if given.duplicated().any():
        twice = given[given.duplicated()]
        refuse(f"T03 rows repeated, {len(twice):,} times", listed(twice), "each id once")
    missing = wanted[~wanted.isin(given)]
    if len(missing):
        refuse(f"T01 rows missing, {len(missing):,} times", f"no row {listed(missing)}", "a row for each id")
    # Kaggle scores a part of the rows at a time: only beside the whole solution is every other row too many
    surplus = given[~given.isin(wanted)]
    if len(surplus) and (len(truth) == SETTINGS["rows"] or len(given) > SETTINGS["rows"]):
        refuse(f"T02 rows not asked for, {len(surplus):,} times", listed(surplus), "the ids of the sample alone")
    return submission.set_index(given).loc[wanted.tolist()].reset_index(drop=True)


def write_solution(truth: pd.DataFrame, columns: List[str], place: Path) -> str:  # noqa: UP006
    """Write the truth and return its path. Raises: HostVisibleError, a value is no number."""
    try:
        return write(truth, columns, truth, place)
    except ParticipantVisibleError as error:
        raise HostVisibleError(f"the solution: {error}") from None


def write(rows: pd.DataFrame, names: List[str], truth: pd.DataFrame, place: Path) -> str:  # noqa: UP006
    """Write rows as a file of the challenge, or a folder of files of units, and return its path.

    Raises:
        ParticipantVisibleError: a value is no number.
    """
    whole = {name for name, is_whole in SETTINGS["columns"] if is_whole}
    fields = [[texts_of(value, name in whole, name) for value in rows[name].tolist()] for name in names]
    if SETTINGS["has_key"]:
        fields.insert(0, [name.partition(" ")[2] for name in truth[ROW].tolist()])
    lines = [",".join(line) + "\n" for line in zip(*fields)]  # noqa: B905
    head = "" if SETTINGS["header"] is None else SETTINGS["header"] + "\n"
    if not SETTINGS["per_unit"]:
        path = place.with_suffix(SETTINGS["suffix"])
        path.write_text(head + "".join(lines), encoding="utf-8")
        return str(path)
    place.mkdir()
    units: Dict[str, List[str]] = {}  # noqa: UP006
    for unit, line in zip(truth[UNIT].tolist(), lines):  # noqa: B905
        units.setdefault(unit.partition(" ")[2], [head]).append(line)
    for unit, parts in units.items():
        (place / (unit + SETTINGS["suffix"])).write_text("".join(parts), encoding="utf-8")
    return str(place)


def texts_of(value: Any, is_whole: bool, name: str) -> str:
    """A value as the text of a field. Raises: ParticipantVisibleError, it is no number."""
    if isinstance(value, str):
        if not NUMBER.fullmatch(value):
            refuse("V01 not a number", f"{name} = {value[:40]!a}", "a number")
        return value
    if hasattr(value, "item"):
        value = value.item()
    if value is None or value is pd.NA:
        return "nan"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        refuse("V01 not a number", f"{name} = {value!a}"[:60], "a number")
    # pandas makes 1 to 1.0 where a column has an empty field
    if isinstance(value, float) and is_whole and value.is_integer():
        return str(int(value))
    return repr(value)


def describe(problem: Dict[str, Any], truth: pd.DataFrame, row_id: str, work: str) -> str:  # noqa: UP006
    """A problem of a submission in words, with the id of its row in the place of file and line."""
    unit = None
    if problem["file"] is not None and SETTINGS["per_unit"]:
        unit = Path(problem["file"].rpartition(":")[2]).stem
    place = None if unit is None else f"unit {unit}"
    if problem["line"] is not None:
        ids = [row for row, name in zip(truth[row_id].tolist(), truth[UNIT].tolist()) if place in {None, name}]  # noqa: B905
        number = problem["line"] - (1 if SETTINGS["header"] is None else 2)
        place = f"row {ids[number]}" if 0 <= number < len(ids) else place
    text = scorer().describe({**problem, "file": place, "line": None})
    return text.replace(work, "")


def refuse(title: str, found: str, expected: str) -> NoReturn:
    """Refuse a submission for one problem. Raises: ParticipantVisibleError, always."""
    text = f"{title}: found {found}; expected {expected}"
    raise ParticipantVisibleError(text.encode("ascii", "backslashreplace").decode("ascii"))


def listed(ids: Any) -> str:
    """The first ids in quotes, and how many more there are."""
    names = [repr(name[:80]) for name in ids.tolist()]
    return ", ".join(names[:3]) + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")


@functools.lru_cache(maxsize=1)
def scorer() -> Any:
    """The frozen scorer as a module."""
    module = types.ModuleType("frozen_scorer")
    # where its classes look themselves up
    sys.modules["frozen_scorer"] = module
    exec(compile(FROZEN_SCORER, "frozen_scorer.py", "exec"), module.__dict__)  # noqa: S102
    return module
