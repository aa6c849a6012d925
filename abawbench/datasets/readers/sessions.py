"""Reads one XML file for each recorded session, as MMI has them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from xml.parsers import expat

import numpy as np

from abawbench.base.problems import Problem, Problems
from abawbench.datasets.manifests.model import Classes, LabelSet, Manifest
from abawbench.datasets.readers.files import read_bytes
from abawbench.datasets.readers.labels import Labels, assemble
from abawbench.datasets.readers.rows import FIX, LabelRows
from abawbench.datasets.readers.settings import code_numbers, only_task, settings_of
from abawbench.datasets.readers.units import UnitFile, UnitSettings, unit_files, unit_rows, without_repeats
from abawbench.formats.columns import NUMBER
from abawbench.formats.text import quote
from abawbench.table import NO_FRAME

_FIX = f"{FIX}; the session is left out"


class SessionSettings(UnitSettings):
    """Settings of the reader `sessions`.

    Attributes:
        attribute: name of the attribute that holds the class.
    """

    attribute: str = "Emotion"


class _DocumentTypeError(Exception):
    """An XML file declares a document type."""


def read_sessions(manifest: Manifest, label_set: LabelSet, root: Path, problems: Problems) -> Labels:
    """Read labels from an attribute of one XML file for each session; a row is a whole video.

    The attribute stands as `Emotion="4"`, or as `Name="Emotion" Value="4"` in one element. A session without it is not
    annotated. Files that declare a document type are refused unread: entities could make a small file endless.

    Problems: F01, F02, F03 no XML, V06, T03 two values, T06 names, D12, D17.
    """
    settings = settings_of(SessionSettings, manifest, label_set)
    facts = only_task(manifest, label_set, Classes)
    codes = code_numbers(facts)
    files = unit_files(manifest, label_set, root, settings, problems)
    units: list[LabelRows] = []
    for file in without_repeats(files, problems):
        number = _class_number(file, settings.attribute, codes, problems)
        if number is not None:
            values = {facts.name: np.array([number], np.int8)}
            units.append(unit_rows(file, np.ones(1, np.int64), np.array([NO_FRAME]), values))
    return assemble(manifest, label_set, root, units, problems)


def _class_number(file: UnitFile, attribute: str, codes: Mapping[object, int], problems: Problems) -> int | None:
    place = str(file.path)
    data = read_bytes(file.path, problems)
    if data is None:
        return None
    try:
        found = attribute_values(data, attribute)
    except expat.ExpatError as error:
        what = expat.errors.messages[error.code]
        # a cut file has "no element" just as an empty one
        rule = "F03" if data.strip() else "F02"
        problems.add(Problem(rule, what, "an XML file", _FIX, place, error.lineno))
        return None
    except _DocumentTypeError:
        problems.add(Problem("D17", "a document type", "elements and attributes alone", _FIX, place))
        return None
    if len(found) > 1:
        problems.add(Problem("T03", f"{attribute} = {' and '.join(found)}", "one value", _FIX, place))
        return None
    text = next(iter(found), None)
    if text is None:
        return -1
    number = codes.get(float(text) if NUMBER.fullmatch(text) else text)
    if number is None:
        expected = f"one of {', '.join(str(code) for code in codes)}"
        problems.add(Problem("V06", f"{attribute} = {quote(text)}", expected, _FIX, place))
    return number


def attribute_values(data: bytes, attribute: str) -> tuple[str, ...]:
    """The different values of an attribute in an XML file, in the order in which they occur.

    Raises:
        ExpatError: the data are not XML.
    """
    found: list[str] = []

    def start(_: str, attributes: dict[str, str]) -> None:
        if attribute in attributes:
            found.append(attributes[attribute].strip())
        elif attributes.get("Name") == attribute and "Value" in attributes:
            found.append(attributes["Value"].strip())

    def refuse(*_: object) -> None:
        raise _DocumentTypeError

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = refuse
    parser.Parse(data, True)
    return tuple(dict.fromkeys(found))
