"""One program of the parts of several modules: only what it needs, in the words of Python 3.8."""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from abawbench.organisers.frozen.folding import Facts, settled
from abawbench.organisers.frozen.plain import (
    comments_above,
    first_line,
    plain_text,
    segment,
    without_annotations,
)

BLOCKS = (ast.FunctionDef, ast.ClassDef)
DEFINITIONS = (*BLOCKS, ast.Assign, ast.AnnAssign)


@dataclass(frozen=True, slots=True)
class Definition:
    """A name at the top of a module, or a method of a class.

    Attributes:
        name: the name.
        node: the statement.
        source: the module.
        methods: the methods of a class that may be left out, by name.
    """

    name: str
    node: ast.stmt
    source: Source
    methods: Mapping[str, ast.FunctionDef] = field(default_factory=dict[str, ast.FunctionDef])


@dataclass(frozen=True, slots=True)
class Section:
    """Modules whose definitions stand under one title."""

    title: str
    modules: tuple[str, ...]


class Source:
    """A module whose definitions may go into a program.

    Attributes:
        name: name of the module.
        lines: text of the module.
        definitions: by name, in the order of the module.
        outside: by name, what an import from outside the package binds, as `("numpy", None)`.
        inside: by name, the module of the package that it is imported from.
    """

    def __init__(self, name: str, facts: Facts) -> None:
        text = inspect.getsource(importlib.import_module(name))
        text = settled(text, facts) if facts else text
        tree = ast.parse(text)
        self.name = name
        self.lines = text.splitlines()
        self.definitions: dict[str, Definition] = {}
        self.outside: dict[str, tuple[str, str | None]] = {}
        self.inside: dict[str, str] = {}
        for node in tree.body:
            if isinstance(node, ast.Import):
                self.outside |= {alias.asname or alias.name: (alias.name, None) for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("abawbench"):
                self.inside |= {alias.name: node.module or "" for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                self.outside |= {alias.asname or alias.name: (node.module or "", alias.name) for alias in node.names}
            elif isinstance(node, DEFINITIONS):
                for own in _names_of(node):
                    self.definitions[own] = Definition(own, node, self, _methods_of(node))


def link(
    sections: Sequence[Section],
    roots: Iterable[str],
    *,
    literals: Mapping[str, str],
    tables: Mapping[str, set[object]],
    facts: Mapping[str, Facts],
) -> tuple[str, str]:
    """Join the definitions that some names need.

    Annotations, the lower lines of docstrings, casts and `strict` of `zip` are left out, and so are methods that
    nothing calls.

    Args:
        sections: modules in the order in which their definitions stand in the program.
        roots: names that the program begins with; the last module that has such a name counts.
        literals: text of the value of a name, in the place of that in its module.
        tables: by name of a dictionary, the keys that are needed; other entries are left out.
        facts: by module, the values that some expressions may have; what they decide is settled.

    Returns:
        The imports, and the definitions under the titles of their sections.

    Raises:
        ValueError: two needed definitions have one name, or a name is imported from a module that is not there.
    """
    sources = [[Source(name, facts.get(name, {})) for name in section.modules] for section in sections]
    linker = _Linker([source for some in sources for source in some], literals, tables)
    linker.need(linker.find(name) for name in roots)
    texts = [(section.title, linker.text_of(some)) for section, some in zip(sections, sources, strict=True)]
    return linker.imports(), "\n\n".join(f"# {title}\n\n{text}" for title, text in texts if text)


class _Linker:
    """Finds what a program needs, and writes it."""

    def __init__(
        self, sources: Sequence[Source], literals: Mapping[str, str], tables: Mapping[str, set[object]]
    ) -> None:
        self.sources = sources
        self.by_name = {source.name: source for source in sources}
        self.literals = literals
        self.tables = tables
        self.needed: dict[str, Definition] = {}
        self.bound: dict[str, tuple[str, str | None]] = {}
        self.attributes: set[str] = set()

    def find(self, name: str) -> Definition:
        """The definition of a name in the last module that has one."""
        return next(source.definitions[name] for source in reversed(self.sources) if name in source.definitions)

    def need(self, roots: Iterable[Definition]) -> None:
        """Find every definition that the roots need, and every attribute that is used."""
        todo = list(roots)
        done: set[tuple[str, str]] = set()
        while todo:
            while todo:
                todo += self._enter(todo.pop())
            for definition in list(self.needed.values()):
                for method, node in definition.methods.items():
                    if method in self.attributes and (definition.name, method) not in done:
                        done.add((definition.name, method))
                        todo += self._resolved(definition.source, [node])

    def _enter(self, definition: Definition) -> list[Definition]:
        """Take a definition into the program, and return those that it needs."""
        known = self.needed.get(definition.name)
        if known is definition:
            return []
        if known is not None:
            raise ValueError(f"{definition.name} stands in {known.source.name} and in {definition.source.name}")
        self.needed[definition.name] = definition
        is_given = definition.name in self.literals
        return [] if is_given else self._resolved(definition.source, self._own_nodes(definition))

    def _resolved(self, source: Source, nodes: Iterable[ast.AST]) -> list[Definition]:
        """The definitions that statements of a module use."""
        found: list[Definition] = []
        for name in self._used(nodes):
            home = source
            while name in home.inside and name not in home.definitions:
                if home.inside[name] not in self.by_name:
                    raise ValueError(f"{name} of {home.inside[name]}, which is not among the modules")
                home = self.by_name[home.inside[name]]
            if name in home.definitions:
                found.append(home.definitions[name])
            elif name in home.outside:
                self.bound[name] = home.outside[name]
        return found

    def _own_nodes(self, definition: Definition) -> list[ast.AST]:
        """The parts of a definition that are always in the program."""
        node = definition.node
        if isinstance(node, ast.ClassDef):
            own: list[ast.AST] = [part for part in node.body if part not in definition.methods.values()]
            return [*own, *node.decorator_list, *node.bases]
        if definition.name in self.tables:
            return [part for pair in self._entries(definition) for part in pair]
        return [node]

    def _entries(self, definition: Definition) -> list[tuple[ast.expr, ast.expr]]:
        """The entries of a dictionary that are needed."""
        node = definition.node
        assert isinstance(node, ast.Assign | ast.AnnAssign)
        assert isinstance(node.value, ast.Dict)
        pairs = zip(node.value.keys, node.value.values, strict=True)
        wanted = self.tables[definition.name]
        return [(key, value) for key, value in pairs if key is not None and ast.literal_eval(key) in wanted]

    def _used(self, nodes: Iterable[ast.AST]) -> set[str]:
        """The names that statements take from outside themselves; attributes are remembered."""
        names: set[str] = set()
        for top in nodes:
            inner = list(without_annotations([top]))
            self.attributes |= {node.attr for node in inner if isinstance(node, ast.Attribute)}
            own = {node.arg for node in inner if isinstance(node, ast.arg)}
            if isinstance(top, ast.FunctionDef):
                own |= {node.id for node in inner if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
            names |= {node.id for node in inner if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)} - own
        return names

    def text_of(self, sources: Sequence[Source]) -> str:
        """The needed definitions of some modules, constants first; empty if there are none."""
        needed = [one for source in sources for one in source.definitions.values() if self.needed.get(one.name) is one]
        # two names of one assignment are one text; a table of functions stands behind them
        parts = list(dict.fromkeys((self._is_early(one), self._text(one)) for one in needed))
        early = [part for is_early, part in parts if is_early]
        late = [part for is_early, part in parts if not is_early]
        return "\n\n".join([*(["\n".join(early)] if early else []), *late])

    def _is_early(self, definition: Definition) -> bool:
        """True for a constant that needs no function or class of the program."""
        if isinstance(definition.node, BLOCKS):
            return False
        if definition.name in self.literals:
            return True
        used = self._resolved(definition.source, self._own_nodes(definition))
        return all(one is not definition and self._is_early(one) for one in used)

    def _text(self, definition: Definition) -> str:
        node, lines = definition.node, definition.source.lines
        above = "".join(f"{line}\n" for line in comments_above(lines, first_line(node)))
        if definition.name in self.literals:
            return f"{above}{definition.name} = {self.literals[definition.name]}"
        if definition.name in self.tables:
            entries = self._entries(definition)
            text = "".join(f"    {segment(lines, key)}: {segment(lines, value)},\n" for key, value in entries)
            return f"{above}{definition.name} = {{\n{text}}}"
        unused = [method for name, method in definition.methods.items() if name not in self.attributes]
        return above + plain_text(node, lines, unused)

    def imports(self) -> str:
        """The imports of the program: those of the standard library, then others."""
        whole = sorted(
            f"import {module}" + f" as {name}" * (name != module)
            for name, (module, part) in self.bound.items()
            if part is None
        )
        parts: dict[str, list[str]] = {}
        for module, part in self.bound.values():
            if part is not None:
                parts.setdefault(module, []).append(part)
        some = [f"from {module} import {', '.join(sorted(names))}" for module, names in sorted(parts.items())]
        own = [line for line in (*whole, *some) if line.split()[1].split(".")[0] in sys.stdlib_module_names]
        others = [line for line in (*whole, *some) if line not in own]
        return "\n\n".join("\n".join(lines) for lines in (own, others) if lines)


def _names_of(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]


def _methods_of(node: ast.stmt) -> dict[str, ast.FunctionDef]:
    if not isinstance(node, ast.ClassDef):
        return {}
    methods = [part for part in node.body if isinstance(part, ast.FunctionDef) and not part.name.startswith("__")]
    return {method.name: method for method in methods}
