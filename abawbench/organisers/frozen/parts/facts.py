"""The challenge, as it was when this file was made."""

# The flags are settled when a scorer is made: of `if FLAG:` and of `a if FLAG else b` the branch is kept that runs.

from __future__ import annotations

from typing import Any

CHALLENGE = ""
FINGERPRINT = ""
VERSION = ""
MADE = ""
# files (layouts, tasks in the order of the columns) and figures (criteria, terms)
RECORD: dict[str, Any] = {}

# what the tasks are: real numbers, one class of several, labels
HAS_NUMBERS: bool = True
HAS_CLASSES: bool = True
HAS_LABELS: bool = True
# a submission has a file for each unit, or has names of rows; files may have several layouts
TAKES_UNIT_FILES: bool = True
TAKES_NAMES: bool = True
HAS_LAYOUTS: bool = True
# a file for each unit; frame numbers; probabilities of two classes; text at the end of rows; columns found by name
HAS_UNIT_FILES: bool = True
HAS_FRAMES: bool = True
HAS_PROBABILITIES: bool = True
HAS_TEXT: bool = True
HAS_NAMED_COLUMNS: bool = True
# blanks beside values are accepted
HAS_BLANKS: bool = True
