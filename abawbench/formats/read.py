"""Reading truth and predictions from files and folders into Tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from abawbench.base.problems import Problem, ProblemError, Problems, not_found
from abawbench.challenges import Challenge
from abawbench.formats.class_folders import read_class_folders
from abawbench.formats.column_folders import column_folders, settle_columns
from abawbench.formats.columns import Role
from abawbench.formats.diagnose import problems_in_reading
from abawbench.formats.layout import Layout, choose_layout, has_header, layouts
from abawbench.formats.mending import Mendings, as_notes, notes_of
from abawbench.formats.parse import CORES, Parsed, parse
from abawbench.formats.parts import may_be_parts
from abawbench.formats.settle import settle
from abawbench.formats.text import BOM, body_offset, load, view
from abawbench.formats.text_table import TextColumns, Unit, rows_table, units_table
from abawbench.formats.unit_files import own_files
from abawbench.table import Mask, Table, join_tables, row_keys

# names of the validation split in a column `Split`, in lower case
VALIDATION = {"val", "valid", "validation", "dev", "devel"}


def read_truth(challenge: Challenge, path: Path) -> Table:
    """Read the annotations of a split from a file, a folder of per-unit files, or class folders of images.

    Returns:
        Rows in the order of the file (of a folder: units in the order of their names), sentinels as NaN and -1.

    Raises:
        ProblemError: every problem of every file.
    """
    return _read(challenge, path, "truth", CORES)


def read_predictions(challenge: Challenge, path: Path) -> Table:
    """Read predictions from a file in the challenge's format, a folder of per-unit files, or a table.

    A table is a Parquet file, or a CSV file with the columns video and frame.

    Raises:
        ProblemError: every problem of every file; sentinels and values out of range are problems.
    """
    return _read(challenge, path, "prediction", CORES)


def read_both(challenge: Challenge, truth: Path, prediction: Path) -> tuple[Table, Table]:
    """Read truth and prediction at the same time.

    Raises:
        ProblemError: every problem of both.
    """
    # on two cores, two threads that parse alone are faster than two that share a pool
    cores = CORES // 2
    with ThreadPoolExecutor(2) as pool:
        reading = [
            pool.submit(_read, challenge, truth, "truth", cores),
            pool.submit(_read, challenge, prediction, "prediction", cores),
        ]
    errors = [error for error in (future.exception() for future in reading) if error is not None]
    problems = [problem for error in errors if isinstance(error, ProblemError) for problem in error.problems]
    if problems:
        raise ProblemError(*problems)
    return reading[0].result(), reading[1].result()


def _read(challenge: Challenge, path: Path, role: Role, cores: int) -> Table:
    if not path.exists():
        raise not_found(path)
    if path.suffix in {".parquet", ".csv"} and path.is_file():
        from abawbench.formats.dataframe import from_file

        table = from_file(challenge, path, role)
        if table is not None:
            return table
    candidates = layouts(challenge, role)
    if path.is_dir():
        return _read_folder(challenge, path, candidates, role, cores)
    data = view(path)
    layout = choose_layout(candidates, data, of_unit=False)
    is_kept = None
    if layout.by_name:
        arranged, layout, is_kept = _arrange(bytes(data), layout, str(path))
        text = _parse_file(memoryview(arranged), layout, [layout], str(path), None, cores)
    else:
        text = _parse_file(data, layout, candidates, str(path), path, cores)
    if text.layout.per_unit:
        return units_table(challenge, text, [Unit(path.stem, path, len(text.parsed))], str(path))
    table = rows_table(challenge, text, str(path))
    return table if is_kept is None else table.take(np.flatnonzero(is_kept))


def _read_folder(challenge: Challenge, path: Path, candidates: Sequence[Layout], role: Role, cores: int) -> Table:
    for place in challenge.annotation_places.get("validation", ()):
        if role == "truth" and (path / place).exists():
            return _read(challenge, path / place, role, cores)
    if role == "truth" and any(layout.key == "image" for layout in candidates):
        return read_class_folders(challenge, path)
    files, odd = own_files(path)
    layout = next((layout for layout in candidates if layout.per_unit), None)
    units = [] if layout is None else [file for file in files if file.suffix == layout.suffix]
    columns = {} if layout is None or units else column_folders(path, layout)
    if layout is not None and columns:
        return _read_columns(challenge, layout, columns, path)
    if layout is not None and units and _is_of_unit(candidates, units[0]):
        return _with_notes(_read_units(challenge, layout, units, path), odd)
    files = [file for file in files if file.suffix in {".txt", ".csv"}]
    if len(files) == 1:
        return _with_notes(_read(challenge, files[0], role, cores), odd)
    if may_be_parts([view(file) for file in files]):
        table = _read_parts(challenge, files, role, path)
        if table is not None:
            return _with_notes(table, odd)
    suffix = next((layout.suffix for layout in candidates if layout.per_unit), None)
    form = f"one file '<unit>{suffix}' for each unit" if suffix else f"one file in the format {candidates[0].format}"
    found = f"{len(files)} text files that do not fit"
    raise ProblemError(Problem("C03", found, form, "name the file or folder itself", str(path)))


def _is_of_unit(candidates: Sequence[Layout], file: Path) -> bool:
    """True if a file among others is that of a unit, as far as its first line tells."""
    return choose_layout(candidates, view(file), of_unit=True).per_unit


def _read_columns(challenge: Challenge, layout: Layout, folders: Mapping[str, Path], path: Path) -> Table:
    """The rows of units whose columns are in a folder each."""
    units, notes = settle_columns(layout, folders, path)
    parsed = parse(b"".join(body for _, body in units), layout)
    if parsed is None:
        fix = "write every file in the same form"
        raise ProblemError(Problem("F06", "files that differ in their form", "files of one form", fix, str(path)))
    rows = [Unit(name, path / name, body.count(b"\n")) for name, body in units]
    return units_table(challenge, TextColumns(parsed, layout, notes), rows, str(path))


def _read_parts(challenge: Challenge, files: Sequence[Path], role: Role, folder: Path) -> Table | None:
    """The rows of files that are one together, each in the format of one file; None where two have a row in common."""
    tables: list[Table] = []
    problems = Problems()
    for file in files:
        try:
            tables.append(_read(challenge, file, role, 1))
        except ProblemError as error:
            problems.extend(error.problems)
    problems.raise_if_any()
    whole = join_tables(tables)
    together, *apart = [len(np.unique(row_keys(table.video, table.frame))) for table in (whole, *tables)]
    if together < sum(apart):
        return None
    found = f"{len(files)} files, each with rows of its own"
    mended = Mendings(str(folder))
    mended.add("Z09", None, found, len(files))
    return replace(whole, source=str(folder), notes=(*as_notes(mended.found), *whole.notes))


def _with_notes(table: Table, odd: Sequence[Problem]) -> Table:
    return replace(table, notes=(*table.notes, *odd))


def _parse_file(
    data: memoryview, layout: Layout, candidates: Sequence[Layout], file: str, path: Path | None, cores: int
) -> TextColumns:
    """The columns of one file; `path` names it where its bytes are those of `data`."""
    is_right = layout.header is None or has_header(data, layout)
    parsed = parse(data[body_offset(data, layout.header) :], layout, path=path, cores=cores) if is_right else None
    if parsed is not None and parsed.is_valid(layout):
        return TextColumns(parsed, layout, notes_of(data, file, layout))
    if parsed is not None and _holds_whole_sentinels(parsed, layout):
        return TextColumns(parsed, layout.with_sentinels(), notes_of(data, file, layout))
    settled = settle(bytes(data), candidates, file)
    problems_in_reading(settled, file).raise_if_any()
    parsed = parse(settled.body, settled.layout)
    if parsed is None:
        fix = "write every row in the same form"
        raise ProblemError(Problem("F06", "rows that differ in their form", "rows of one form", fix, file))
    return TextColumns(parsed, settled.layout.with_sentinels(), as_notes(settled.mended))


def _holds_whole_sentinels(parsed: Parsed, layout: Layout) -> bool:
    """True for a prediction whose only fault is that some rows hold the sentinel in every column of a task."""
    open_layout = layout.with_sentinels()
    if not parsed.is_valid(open_layout):
        return False
    marked: dict[str | None, Mask] = {}
    for column, parts in zip(open_layout.columns, parsed.columns, strict=True):
        if parts is not None and column.sentinel is not None:
            is_marked = np.concatenate(parts) == column.sentinel
            if not np.array_equal(marked.setdefault(column.task, is_marked), is_marked):
                return False
    return True


def _read_units(challenge: Challenge, layout: Layout, files: Sequence[Path], folder: Path) -> Table:
    bodies: list[bytes] = []
    units: list[Unit] = []
    odd: list[Problem] = []
    are_right = True
    for file in files:
        data = load(file)
        body = data[body_offset(data, layout.header) :]
        if not body.endswith(b"\n"):
            body += b"\n"
        elif body.endswith((b"\n\n", b"\n\r\n")):
            body = body.rstrip(b"\r\n") + b"\n"
        are_right = are_right and has_header(data, layout) and len(body) > 1
        bodies.append(body)
        units.append(Unit(file.stem, file, body.count(b"\n")))
        odd.extend(notes_of(data, str(file), layout))
    parsed = parse(b"".join(bodies), layout) if are_right else None
    is_right = parsed is not None and parsed.is_valid(layout)
    if parsed is not None and not is_right and _holds_whole_sentinels(parsed, layout):
        layout, is_right = layout.with_sentinels(), True
    if parsed is None or not is_right:
        problems = Problems()
        settled = [settle(load(file), [layout], str(file), of_unit=True) for file in files]
        for file, text in zip(files, settled, strict=True):
            problems.extend(problems_in_reading(text, str(file)).found)
        problems.raise_if_any()
        units = [Unit(file.stem, file, len(text.rows)) for file, text in zip(files, settled, strict=True)]
        odd = [note for text in settled for note in as_notes(text.mended)]
        parsed = parse(b"".join(text.body for text in settled), layout)
        if parsed is None:
            fix = "write every file in the same form"
            raise ProblemError(Problem("F06", "files that differ in their form", "files of one form", fix, str(folder)))
        layout = layout.with_sentinels()
    return units_table(challenge, TextColumns(parsed, layout, tuple(odd)), units, str(folder))


def _arrange(data: bytes, layout: Layout, file: str) -> tuple[bytes, Layout, NDArray[np.bool_] | None]:
    """Rearrange a table with named columns into the columns and the order of the layout, line by line.

    Returns:
        The rearranged bytes, the layout with its exact header, and a mask of the validation rows where a column `Split`
        names some (None otherwise).

    Raises:
        ProblemError: F04, a column is missing.
    """
    assert layout.header is not None
    exact = replace(layout, by_name=False)
    try:
        text = data.removeprefix(BOM).decode("utf-8")
    except UnicodeDecodeError:
        return data, exact, None
    head, _, body = text.partition("\n")
    names = [name.strip() for name in head.rstrip("\r").split(",")]
    wanted = layout.header.split(",")
    missing = [name for name in wanted if name not in names]
    if missing:
        found = f"no column {', '.join(missing)}"
        raise ProblemError(Problem("F04", found, layout.header, "give the columns these names", file, 1))
    if names == wanted:
        return data, exact, None
    places = [names.index(name) for name in wanted]
    split = names.index("Split") if "Split" in names else None
    lines: list[str] = []
    is_validation: list[bool] = []
    for line in body.rstrip("\r\n").split("\n"):
        fields = line.rstrip("\r").split(",")
        # a line with another number of fields stays as it is, and is reported when it is parsed
        lines.append(",".join(fields[place] for place in places) if len(fields) == len(names) else line)
        is_validation.append(split is not None and split < len(fields) and fields[split].strip().lower() in VALIDATION)
    rearranged = "\n".join([layout.header, *lines, ""]).encode()
    return rearranged, exact, np.array(is_validation) if any(is_validation) else None
