"""Columns of a Table to text, vectorised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from abawbench.base.problems import Problem, ProblemError
from abawbench.formats.layout import Column, Key, Layout
from abawbench.table import NO_FRAME, Floats, Table

if TYPE_CHECKING:
    import pyarrow as pa

# six decimals: an error of at most 5e-7, and no exponents, which shortest exact digits would have
DECIMALS = 6


def prediction_columns(table: Table, layout: Layout) -> list[pa.Array]:
    """The value columns of a prediction: numbers with six decimals, p0 made from the rounded p1 so that the sum is 1.

    Raises:
        ProblemError: V01 where a number is not finite or a format with probabilities gets none.
    """
    return [_prediction_column(table, column) for column in layout.columns]


def annotation_columns(table: Table, layout: Layout) -> list[pa.Array]:
    """The value columns of an annotation: shortest digits that read back exactly, sentinels where not annotated.

    Raises:
        ProblemError: V09 where something is not annotated in a format without sentinel.
    """
    return [_annotation_column(table, column) for column in layout.columns]


def row_names(table: Table, key: Key) -> pa.Array | None:
    """The first field of each row; None where the line number is the name."""
    import pyarrow as pa
    import pyarrow.compute

    compute: Any = pyarrow.compute
    if key == "line":
        return None
    if key == "frame":
        return pa.array(table.frame)
    videos = pa.array(table.videos, pa.string()).take(pa.array(table.video))
    if key in {"id", "image"} or (table.frame == NO_FRAME).all():
        return videos
    numbers = pa.array(table.frame).cast(pa.string())
    if key == "frame-path":
        return compute.binary_join_element_wise(videos, "/frame-", numbers, ".jpg", "")
    return compute.binary_join_element_wise(videos, "/", compute.utf8_lpad(numbers, 5, "0"), ".jpg", "")


def text(header: str | None, columns: list[pa.Array]) -> bytes:
    """The file as bytes: header, then one line for each row."""
    import pyarrow as pa
    from pyarrow import csv

    sink = pa.BufferOutputStream()
    if header is not None:
        sink.write(f"{header}\n".encode())
    rows = pa.table(columns, names=[str(place) for place in range(len(columns))])
    csv.write_csv(rows, sink, csv.WriteOptions(include_header=False, quoting_style="none"))
    return sink.getvalue().to_pybytes()


def _prediction_column(table: Table, column: Column) -> pa.Array:
    import pyarrow as pa

    if column.kind == "probability":
        if table.probability is None:
            raise ProblemError(
                Problem("V01", "no probabilities", "p0 and p1", "use the format with labels alone", table.source)
            )
        parts = np.rint(_finite(table.probability, column, table) * 10**DECIMALS)
        return _decimals((10**DECIMALS - parts if column.name == "p0" else parts) / 10**DECIMALS)
    values = _values(table, column)
    if column.kind == "number":
        return _decimals(_finite(values, column, table))
    return pa.array(values)


def _annotation_column(table: Table, column: Column) -> pa.Array:
    import pyarrow as pa

    if column.kind == "text":
        return pa.array([""] * len(table), pa.string())
    if column.kind == "probability":
        return _prediction_column(table, column)
    values = _values(table, column)
    absent = np.isnan(values) if column.kind == "number" else values < 0
    if absent.any():
        if column.sentinel is None:
            raise ProblemError(
                Problem(
                    "V09",
                    f"no {column.name} for {table.name(int(np.flatnonzero(absent)[0]))}",
                    "a value in every row",
                    "annotate the row or leave it out: the format has no mark for missing annotations",
                    table.source,
                    count=int(absent.sum()),
                )
            )
        values = np.where(absent, column.sentinel, values).astype(values.dtype)
    return pa.array(values).cast(pa.string()) if column.kind == "number" else pa.array(values)


def _values(table: Table, column: Column) -> Any:
    assert column.task is not None
    block = table.values[column.task]
    # Arrow takes contiguous arrays only without copying
    return np.ascontiguousarray(block if block.ndim == 1 else block[:, column.place])


def _finite(values: Floats, column: Column, table: Table) -> Floats:
    wrong = np.flatnonzero(~np.isfinite(values))
    if len(wrong):
        raise ProblemError(
            Problem(
                "V01",
                f"{column.name} = {values[wrong[0]]} for {table.name(int(wrong[0]))}",
                f"a number from {column.low:g} to {column.high:g}",
                "leave the row out and name a fill policy, or correct the model",
                table.source,
                count=len(wrong),
            )
        )
    return values


def _decimals(values: Floats) -> pa.Array:
    import pyarrow as pa

    # the wide type takes any finite prediction a model may make; the check then judges its range
    return pa.array(np.clip(values, -1e9, 1e9)).cast(pa.decimal128(18, DECIMALS), safe=False)
