"""Official text formats to and from Table: reading, checking, repairing, writing, packing.

`layout` describes the files of a challenge, with the kinds of their `columns`.
Reading: `text` loads the bytes, `layout` finds their layout, and `parse` makes columns in one vectorised pass; where it
fails, `settle` brings the text into its official form and `diagnose` reports what is left, line by line. `read` makes
Tables of files and folders, with the names of rows from `keys`; `dataframe` makes them of DataFrames.
Checking: `check` compares a submission (a zip: `archive`) with the organisers' `lists`, by `file_problems`, `rows` and
`names`; `repair` writes what `settle` has mended; `mending` names its kinds; `checked` checks and reads in one pass.
Writing: `write` fills the rows of a list and checks the text; `pack` puts checked trials into one zip.
"""

from __future__ import annotations

from abawbench.formats.lists import read_subjects
from abawbench.formats.read import read_both, read_predictions, read_truth
from abawbench.formats.text import load

__all__ = ["load", "read_both", "read_predictions", "read_subjects", "read_truth"]
