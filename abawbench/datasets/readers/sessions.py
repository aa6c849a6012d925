"""One XML file for each recorded session: MMI."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from xml.parsers import expat

import numpy as np

from abawbench.base.problems import Problem, Problems
from abawbench.datasets.manifests.model import Classes, LabelSet, Manifest, Strict
from abawbench.datasets.readers.assemble import Part, assemble
from abawbench.datasets.readers.finding import bytes_of
from abawbench.datasets.readers.model import Labels
from abawbench.datasets.readers.options import only_task
from abawbench.datasets.readers.units import UnitFile, settings_of, unit_files, unit_part, without_repeats
from abawbench.formats.diagnose import shown
from abawbench.formats.fields import NUMBER
from abawbench.table import NO_FRAME

_FIX = "compare the file with its owners' copy; the session is left out"


class Settings(Strict):
    """Options of the reader; see `read_sessions`."""

    pattern: str
    unit: str = "{subject}"
    attribute: str = "Emotion"


class _DocumentTypeError(Exception):
    """An XML file declares a document type."""


def read_sessions(manifest: Manifest, label_set: LabelSet, root: Path, problems: Problems) -> Labels:
    """A class for each session, from an attribute of its XML file; a row is a whole video.

    The attribute stands as `Emotion="4"`, or as `Name="Emotion" Value="4"` in one element. A session without it is not
    annotated. Files that declare a document type are refused unread: entities could make a small file endless.

    Options:
        pattern: regular expression for the end of a path, with groups `subject` and those that `unit` names.
        unit: name of the unit.
        attribute: name of the attribute; `Emotion`.

    Problems: F01, F02, F03 no XML, V06, T03 two values, T06 names, D12, D17.
    """
    settings = settings_of(Settings, manifest, label_set)
    facts = only_task(manifest, label_set, Classes)
    codes: dict[object, int] = {code: number for number, code in enumerate(facts.codes or range(len(facts.classes)))}
    codes |= dict.fromkeys(facts.missing, -1)
    files = unit_files(manifest, label_set, root, settings.pattern, settings.unit, problems)
    parts: list[Part] = []
    for file in without_repeats(files, "", problems):
        number = _class_number(file, settings.attribute, codes, problems)
        if number is not None:
            values = {facts.name: np.array([number], np.int8)}
            parts.append(unit_part(file, np.ones(1, np.int64), np.array([NO_FRAME]), values))
    return assemble(manifest, label_set, root, parts, problems)


def _class_number(file: UnitFile, attribute: str, codes: Mapping[object, int], problems: Problems) -> int | None:
    place = str(file.path)
    data = bytes_of(file.path, problems)
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
        problems.add(Problem("V06", f"{attribute} = {shown(text)}", expected, _FIX, place))
    return number


def attribute_values(data: bytes, attribute: str) -> tuple[str, ...]:
    """Different values of an attribute in an XML file, in the order in which they occur.

    Raises:
        ExpatError: it is no XML.
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
