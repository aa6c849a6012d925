"""The challenge, as it was when this file was made."""

# What a challenge decides, these flags among it, is settled when a scorer is made.

from __future__ import annotations

from typing import Any

CHALLENGE = ""
FINGERPRINT = ""
VERSION = ""
MADE = ""
# files (layouts, tasks in the order of the columns) and figures (criteria, terms)
RECORD: dict[str, Any] = {}

# there are probabilities of two classes; a truth may have several layouts
HAS_PROBABILITIES: bool = True
HAS_LAYOUTS: bool = True
# a submission has a file for each unit
HAS_UNIT_FILES: bool = True
# several columns in files of units, which some write into a folder for each column
HAS_COLUMN_FOLDERS: bool = True
# the official metric is settled
HAS_TERMS: bool = True
# some task has several columns, which may be annotated in part
HAS_BLOCKS: bool = True
