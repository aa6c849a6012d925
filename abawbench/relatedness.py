"""Which action units belong to which expression, basic and compound.

Source: Du, Tao and Martinez 2014, PNAS 111(15):E1454, Table 1. The table's body is assumed: it was not checked against
the printed page.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Relation:
    """How an action unit takes part in an expression.

    Attributes:
        weight: share of the subjects who use it; 1 for a prototypical one.
        is_prototypical: True where more than 70 % of the subjects use it.
    """

    weight: float
    is_prototypical: bool


@functools.cache
def relatedness() -> Mapping[str, Mapping[str, Relation]]:
    """For each expression (`Happiness`, `Happily_Surprised`, ...) its action units (`AU12`, ...).

    >>> relatedness()["Happiness"]["AU6"]
    Relation(weight=0.51, is_prototypical=False)
    """
    table: dict[str, dict[str, Relation]] = {}
    text = resources.files("abawbench").joinpath("relatedness_du2014.csv").read_text("utf-8")
    for row in csv.DictReader(text.splitlines()):
        expression = "_".join(word.capitalize() for word in row["expression"].split("_"))
        units = table.setdefault(expression, {})
        units[f"AU{row['au']}"] = Relation(float(row["weight"]), row["kind"] == "prototypical")
    return MappingProxyType({name: MappingProxyType(units) for name, units in table.items()})
