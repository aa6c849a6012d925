"""Official text formats to and from Table: reading, checking, repairing, writing, packing.

A challenge says how its files are laid out: `layout`, with the kinds of `columns`.
In: the bytes (`text`) show which layout a file has, and become columns in one vectorised pass (`parse`).
A file that `parse` does not take is read line by line: `diagnose` names what is wrong with it.
`read` is the door to a Table from files and folders, by way of the names of rows (`keys`), or from a `dataframe`.
Against the organisers' `lists`: `rows`, `names`, `file_problems` and `check` (a zip: `archive`); `mend` and `repair`.
Out: `write` fills the rows of a list, turns columns into text and checks it; `pack` puts checked trials into one zip.
"""

from __future__ import annotations

from abawbench.formats.lists import subjects_from
from abawbench.formats.read import read_both, read_predictions, read_truth
from abawbench.formats.text import load

__all__ = ["load", "read_both", "read_predictions", "read_truth", "subjects_from"]
