"""Programs joined from modules: what is needed goes in, without types, and nothing else."""

from __future__ import annotations

import ast
import sys
import types

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abawbench.organisers.frozen.folding import settled
from abawbench.organisers.frozen.linking import Section, link
from abawbench.organisers.frozen.literals import literal
from abawbench.organisers.frozen.plain import plain_text

BELOW = '''"""What stands below."""
import math
import numpy as np
from typing import cast

# as wide as a road
WIDTH: float = 2.0
UNUSED = math.pi


def doubled(value: float) -> float:
    """Twice a value.

    Args:
        value: the value.
    """
    # two of them
    return cast("float", value * WIDTH)


def unused() -> None:
    """Nothing."""
    return np.nan
'''
ABOVE = '''"""What stands above."""
from __future__ import annotations
from abawbench_below import doubled, unused

FLAG: bool = True
TABLE = {"double": doubled, "none": unused}
NAME = ""


class Store:
    """A store.

    Attributes:
        name: its name.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def shown(self) -> str:
        """The name."""
        return self.name

    def hidden(self) -> None:
        """Nothing that is called."""
        unused()


def main(names: list[str], *, other: int | None = None) -> list[tuple[str, float]]:
    """The names with numbers."""
    found: list[tuple[str, float]] = []
    for name, value in zip(names, range(3), strict=True):
        found.append((
            Store(name).shown(),
            TABLE["double"](value),
        ))
    if FLAG:
        found.append((NAME, 1.0))
    else:
        unused()
    return found[::-1] if FLAG else found
'''


@pytest.fixture(autouse=True)
def modules(tmp_path, monkeypatch):
    for name, text in (("abawbench_below", BELOW), ("abawbench_above", ABOVE)):
        (tmp_path / f"{name}.py").write_text(text)
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in ("abawbench_below", "abawbench_above"):
        sys.modules.pop(name, None)


SECTIONS = (Section("Below", ("abawbench_below",)), Section("Above", ("abawbench_above",)))


def linked(flag: bool = True) -> tuple[str, str]:
    facts = {"abawbench_above": {"FLAG": (flag,)}}
    return link(SECTIONS, ["main"], literals={"NAME": '"me"'}, tables={"TABLE": {"double"}}, facts=facts)


def test_a_program_holds_what_its_roots_need_and_runs():
    imports, text = linked()
    assert imports == ""
    module = types.ModuleType("program")
    exec(compile(text, "program", "exec", dont_inherit=True), module.__dict__)
    assert module.main(["a", "b"]) == [("me", 1.0), ("b", 2.0), ("a", 0.0)]
    for absent in ("unused", "UNUSED", "hidden", "FLAG", "cast", "strict", "Args", "Attributes", "->", "int | None"):
        assert absent not in text
    assert "# as wide as a road\nWIDTH = 2.0" in text
    assert text.index("# Below") < text.index("def doubled") < text.index("# Above") < text.index("def main")


def test_the_other_branch_brings_what_it_needs():
    imports, text = linked(flag=False)
    assert imports == "import numpy as np"
    assert "def unused():" in text
    assert "NAME" not in text


def test_two_definitions_of_one_name_are_refused(tmp_path):
    (tmp_path / "abawbench_third.py").write_text(
        "from abawbench_above import main\n\ndef doubled():\n    return main([])\n"
    )
    sections = (*SECTIONS, Section("Third", ("abawbench_third",)))
    with pytest.raises(ValueError, match="doubled stands in"):
        link(sections, ["doubled"], literals={}, tables={}, facts={})


def test_a_module_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="abawbench_below, which is not among the modules"):
        link(SECTIONS[1:], ["main"], literals={}, tables={"TABLE": {"double"}}, facts={})


def plain(text: str) -> str:
    (node,) = ast.parse(text).body
    return plain_text(node, text.splitlines())


def test_a_statement_that_fits_into_one_line_has_one():
    text = "def f():\n    return [\n        1,\n        (\n            2\n        ),\n    ]\n"
    assert plain(text) == "def f():\n    return [1, (2)]"


def test_a_long_signature_has_its_arguments_on_a_line_of_their_own():
    names = ", ".join(f"a_rather_long_argument_{number}: int = {number}" for number in range(5))
    first, second, third, _ = plain(f"def f({names}) -> None:\n    return\n").split("\n")
    assert (first, third) == ("def f(", "):")
    assert second.startswith("    a_rather_long_argument_0=0, ")


def test_text_and_comments_of_a_statement_stay_as_they_are():
    text = 'def f():\n    return (\n        "a  b"  # why\n        "c"\n    )\n'
    assert plain(text) == text.rstrip()


@pytest.mark.parametrize(
    ("text", "flag", "expected"),
    [
        ("if A:\n    x = 1\nelse:\n    x = 2\n", True, "x = 1\n"),
        ("if A:\n    x = 1\nelse:\n    x = 2\n", False, "x = 2\n"),
        ("if not A:\n    x = 1\ny = 2\n", True, "y = 2\n"),
        ("# if it is\nif A:\n    x = 1\ny = 2\n", False, "y = 2\n"),
        ("if b:\n    x = 1\nelif A:\n    x = 2\nelse:\n    x = 3\n", True, "if b:\n    x = 1\nelse:\n    x = 2\n"),
        ("if b:\n    x = 1\nelif A:\n    x = 2\nelse:\n    x = 3\n", False, "if b:\n    x = 1\nelse:\n    x = 3\n"),
        ("if A:\n    x = 1\nelif b:\n    x = 2\n", False, "if b:\n    x = 2\n"),
        ("if A and b:\n    x = 1\n", True, "if b:\n    x = 1\n"),
        ("for a in b:\n    if A:\n        x = 1\ny = 2\n", False, "y = 2\n"),
        ("x = (1 if A else 2) + 3\n", False, "x = 2 + 3\n"),
        ("x = b * (A and (c or d))\n", True, "x = b * (c or d)\n"),
        ("x = b or A and (c if d else e)\n", True, "x = b or (c if d else e)\n"),
        ("x = B or 1\n", True, "x = B or 1\n"),
        ("x = 0 if c['k'] in ('a', 'b') else c\n", True, "x = 0\n"),
        ("x = 0 if c['k'] == 'a' else c\n", True, "x = 0 if c['k'] == 'a' else c\n"),
        ("def f(c):\n    return 1 if f(c) else c\n    x = 2\n", True, "def f(c):\n    return 1 if f(c) else c\n"),
        ("def f(c):\n    a, b = c, 2\n    return b\n", True, "def f(c):\n    b = 2\n    return b\n"),
        ("def f(c):\n    a = A\n    b = not A\n    return b or c\n", True, "def f(c):\n    return c\n"),
        ("def f(c):\n    a = f(c)\n    return c\n", True, "def f(c):\n    a = f(c)\n    return c\n"),
        (
            "if b:\n    if A:\n        # why\n        x = 1\n        y = 2\n",
            True,
            "if b:\n    # why\n    x = 1\n    y = 2\n",
        ),
        (
            "for rule, is_broken in (\n    (1, not A),\n    (2, x),\n):\n    print(rule)\n",
            True,
            "for rule, is_broken in (\n    (2, x),\n):\n    print(rule)\n",
        ),
    ],
)
def test_what_facts_decide_is_settled(text, flag, expected):
    assert settled(text, {"A": (flag,), "B": (3, 4), "c['k']": ("a", "b")}) == expected


def test_short_parts_of_a_long_bracket_stand_side_by_side():
    names = "".join(f"        a_rather_long_name_{number},\n" for number in range(9))
    first, second, third, _, last = plain(f"def f():\n    return [\n{names}    ]\n").split("\n")
    assert (first, second, last) == ("def f():", "    return [", "    ]")
    assert third.startswith("        a_rather_long_name_0, a_rather_long_name_1, ")


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=300),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=20), inner),
    max_leaves=30,
)


@given(VALUES)
def test_a_literal_means_its_value_in_short_lines(value):
    text = literal(value)
    assert ast.literal_eval(text) == value
    assert text.isascii()


def test_the_literal_of_facts_fits_lines():
    text = literal({"names": [f"name {number}" for number in range(99)], "deep": {"header": "x," * 200, "a": [[1, 2]]}})
    assert max(map(len, text.splitlines())) <= 120
