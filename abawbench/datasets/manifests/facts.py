"""Descriptions of a manifest: sizes, licence, assumptions, and the labels of ABAW that the data set has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from abawbench.datasets.manifests.catalogue import manifests, origin_of
from abawbench.datasets.manifests.model import CONTEMPT, Classes, Manifest, Marks, Numbers, TaskFacts
from abawbench.labels import ACTION_UNITS_12, COMPOUND_7, EXPRESSIONS_8

# fields about the manifest itself, and fields that state their own sources
_NO_FACTS = {"name", "version", "status", "sources", "origin", "checksums"}


def facts_of(manifest: Manifest) -> tuple[str, ...]:
    """Dotted names of the facts that have one source each, as `licence`, `labels.basic.tasks`, `splits.train`."""
    whole = [field for field in Manifest.model_fields if field not in _NO_FACTS and getattr(manifest, field)]
    names: list[str] = []
    for field in whole:
        match field:
            case "labels":
                for part in manifest.labels:
                    names += [f"labels.{part.id}.{inner}" for inner in ("files", "tasks")]
            case "splits":
                names += [f"splits.{split.name}" for split in manifest.splits]
            case "layout":
                names += [f"layout.{place.path}" for place in manifest.layout]
            case _:
                names.append(field)
    return tuple(names)


def assumed_facts(manifest: Manifest) -> tuple[str, ...]:
    """Dotted names of the facts without a source, and of the facts that a source marks as assumed."""
    assumed = [name for name in facts_of(manifest) if manifest.is_assumed(name)]
    finer = [name for name, source in manifest.sources.items() if source.startswith("assumed") and name != "*"]
    above = {name for name in finer if any(fact == name or fact.startswith(f"{name}.") for fact in assumed)}
    return tuple(dict.fromkeys((*assumed, *(name for name in finer if name not in above))))


def sizes(manifest: Manifest) -> str:
    """Sizes of the splits in one line, as `12,271 train, 3,068 test images`; empty where none is known."""
    known = [(split.name, split.count, split.unit) for split in manifest.splits if split.count is not None]
    if not known:
        # the first further number that a split has stands for the others
        name = next((name for split in manifest.splits for name in split.counts), "")
        unit = name.replace("_", " ")
        known = [(split.name, split.counts[name], unit) for split in manifest.splits if name in split.counts]
    if len({unit for _, _, unit in known}) > 1:
        return ", ".join(f"{count:,} {unit} {name}" for name, count, unit in known[:4])
    return ", ".join(f"{count:,} {name}" for name, count, _ in known[:4]) + (f" {known[0][2]}" if known else "")


def licence_word(manifest: Manifest) -> str:
    """`open` where the data may be passed on, `withdrawn`, else `on request`."""
    if manifest.licence.redistributable:
        return "open"
    words = manifest.licence.access.lower()
    return "withdrawn" if "withdrawn" in words or "retracted" in words else "on request"


def task_words(manifest: Manifest) -> str:
    """The tasks with their number of classes or columns, as `expression 7, action_units 12`."""
    words = [f"{facts.name} {facts.task.width}" for part in manifest.labels for facts in part.tasks]
    return ", ".join(dict.fromkeys(words))


def task_in_words(facts: TaskFacts) -> str:
    """Codes and names of the classes, or columns with their range, and the values that mean "not annotated"."""
    missing = f"; not annotated: {', '.join(map(str, facts.missing))}" if facts.missing else ""
    match facts:
        case Classes():
            codes = facts.codes or tuple(range(len(facts.classes)))
            return ", ".join(f"{code} {name}" for code, name in zip(codes, facts.classes, strict=True)) + missing
        case Numbers():
            return f"{', '.join(facts.columns)}, from {facts.low:g} to {facts.high:g}{missing}"
        case Marks():
            return f"{', '.join(facts.columns)}; present from {facts.positive_from:g} on{missing}"


def onto_abaw(facts: TaskFacts) -> Iterator[str]:
    """Describe the map of a task onto the vocabularies of ABAW, with one line for each thing that is mapped or lost."""
    if isinstance(facts, Classes):
        yield from _classes_onto(facts, facts.abaw, EXPRESSIONS_8, "expressions")
        yield from _classes_onto(facts, facts.compound, COMPOUND_7, "compound expressions")
    elif isinstance(facts, Marks):
        own = {name.rstrip("LR") for name in facts.columns}
        if not any(name.startswith("AU") and name[2:].isdecimal() for name in own):
            return
        labelled = [name for name in ACTION_UNITS_12 if name in own]
        yield f"{len(labelled)} of ABAW's 12 action units: {_listed(labelled) or 'none'}"
        if masked := [name for name in ACTION_UNITS_12 if name not in own]:
            yield f"not labelled, so masked and never 0: {_listed(masked)}"
        if left := [name for name in facts.columns if name.rstrip("LR") not in ACTION_UNITS_12]:
            yield f"left out, as ABAW does not have them: {_listed(left)}"


def _classes_onto(facts: Classes, targets: Sequence[str] | None, wanted: Sequence[str], what: str) -> Iterator[str]:
    if targets is None:
        return
    pairs = list(zip(facts.classes, targets, strict=True))
    yield "; ".join(f"{name}: {target}" for name, target in pairs if target and target != CONTEMPT)
    if masked := [name for name, target in pairs if not target]:
        yield f"masked: {_listed(masked)}"
    if contempt := [name for name, target in pairs if target == CONTEMPT]:
        yield f"{_listed(contempt)}: masked, or Other with that option; never Disgust or Anger"
    if absent := [name for name in wanted if name not in targets]:
        yield f"{what} that it does not have: {_listed(absent)}"


def facts_by_source(manifest: Manifest) -> dict[str, list[str]]:
    """Dotted names of the facts by their source, in the order of the facts."""
    facts = facts_of(manifest)
    finer = [
        name for name in manifest.sources if name != "*" and not any(fact.startswith(f"{name}.") for fact in facts)
    ]
    found: dict[str, list[str]] = {}
    for name in dict.fromkeys((*facts, *finer)):
        found.setdefault(manifest.source_of(name), []).append(name)
    return found


def manifest_to_json(manifest: Manifest) -> dict[str, Any]:
    """All facts of a manifest as plain data, with the source of each and who made the data set."""
    origin = origin_of(manifest)
    return {
        "id": manifest.id,
        **manifest.model_dump(mode="json"),
        "origin": None if origin is None else origin.model_dump(mode="json"),
        "fact_sources": {name: manifest.source_of(name) for name in facts_of(manifest)},
        "assumed": list(assumed_facts(manifest)),
    }


def summary_to_json(manifest: Manifest) -> dict[str, Any]:
    """The facts of a manifest that a list of data sets shows, as plain data."""
    return {
        "id": manifest.id,
        "title": manifest.title,
        "tasks": task_words(manifest).split(", ") if manifest.labels else [],
        "sizes": {split.name: split.count for split in manifest.splits},
        "licence": manifest.licence.terms,
        "redistributable": manifest.licence.redistributable,
        "status": manifest.status,
        "facts": len(facts_of(manifest)),
        "assumed": len(assumed_facts(manifest)),
    }


def overview() -> str:
    """The page docs/datasets.md: a table of all manifests in Markdown."""
    lines = [
        "# Data sets",
        "",
        "A manifest for each release of a data set lies in `data_manifests/`; `abawbench data show ID` prints one with",
        "the source of every fact. No media and no labels are in this repository. This page is made from the manifests",
        "by `make tables`.",
        "",
        "| id | title | tasks | sizes | access | status | assumed |",
        "|---|---|---|---|---|---|---|",
    ]
    for identifier, manifest in manifests().items():
        assumed = assumed_facts(manifest)
        cells = (
            f"[{identifier}](../data_manifests/{identifier}.toml)",
            manifest.title,
            task_words(manifest),
            sizes(manifest),
            licence_word(manifest),
            manifest.status,
            f"{len(assumed)} of {len({*assumed, *facts_of(manifest)})}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
