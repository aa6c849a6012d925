"""What the claims show: the generated half of each README, a plot, and `docs/claims.md`, all from committed results."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from abawbench.base.files import read_input, write_file, write_text
from abawbench.metrics.holm import holm
from benchmarks.claims.analysis import analyse, verdict
from benchmarks.claims.cells import Tuned, minutes
from benchmarks.claims.claim import CLAIMS, FOLDER, Claim, Side, load_claim
from benchmarks.pages import filled

RESULTS, PLOT, README = "results.json", "plot.png", "README.md"
PAGE = FOLDER.parent.parent / "docs" / "claims.md"
BEGIN = "<!-- begin: written by `python -m benchmarks.claims report` -->"
# the heading of a README's own words about its results, which the page repeats
WORDS = "## In plain words"
NOT_YET = "*Registered, and not run to the end yet: no result.*"

Results = Mapping[str, Any]


def results_of(claim: Claim, tuned: Mapping[Side, Tuned], out: Path, *, large: bool) -> dict[str, Any]:
    """The results of a claim as JSON, with what they were made on."""
    return {
        "claim": claim.name,
        "large": large,
        "settings": dict(claim.settings),
        "seeds": claim.seeds,
        "hardware": f"{processor()}, Python {platform.python_version()}",
        "minutes": round(minutes(claim, out), 1),
        "facts": {name: round(value, 4) for name, value in claim.facts(out).items()},
        **analyse(claim, tuned),
    }


def write_results(results: Results, folder: Path) -> None:
    """Write results and their plot into a folder."""
    write_text(folder / RESULTS, json.dumps(results, indent=1) + "\n")
    write_file(folder / PLOT, _plot(results))


def publish(taken_from: Path) -> None:
    """Let the finished results in a folder of all claims replace those that are kept beside the claims."""
    for name in CLAIMS:
        path = taken_from / name / RESULTS
        if path.exists():
            write_results(json.loads(read_input(path)), FOLDER / name)


def pages() -> dict[Path, str]:
    """Text of the README of each claim and of the page on all, with what follows from the kept results."""
    claims = [load_claim(name) for name in CLAIMS]
    found = {name: json.loads(read_input(path)) for name in CLAIMS if (path := FOLDER / name / RESULTS).exists()}
    adjusted = adjust(claims, found)
    parts = {FOLDER / claim.name / README: _result(found.get(claim.name), adjusted) for claim in claims}
    parts[PAGE] = "\n\n".join(
        [_family(claims, found, adjusted), *(_section(claim, found.get(claim.name), adjusted) for claim in claims)]
    )
    return {path: filled(path, part, BEGIN) for path, part in parts.items()}


def adjust(claims: Sequence[Claim], found: Mapping[str, Results]) -> dict[tuple[str, str], float]:
    """P after Holm of each finished primary comparison, by claim and name; those not finished count in the family."""
    family = sum(comparison.is_primary for claim in claims for comparison in claim.comparisons)
    primary = [
        (name, comparison["name"], comparison["p"])
        for name, results in found.items()
        for comparison in results["comparisons"]
        if comparison["is_primary"]
    ]
    values = holm([p for *_, p in primary], max(family, len(primary)))
    return {(name, question): value for (name, question, _), value in zip(primary, values, strict=True)}


def summary(results: Results) -> str:
    """Figures and comparisons of one claim as text, as if no other claim were finished."""
    adjusted = adjust([load_claim(name) for name in CLAIMS], {results["claim"]: results})
    return "\n\n".join([_arms(results), _comparisons(results, adjusted)])


def _result(results: Results | None, adjusted: Mapping[tuple[str, str], float]) -> str:
    if results is None:
        return NOT_YET
    size = "`--large`" if results["large"] else "the default size"
    cost = f"{results['minutes']:g} minutes of one core ({results['hardware']})"
    made = f"Made with {size}, {results['seeds']} seeds, in {cost}."
    facts = [f"- {name}: {value:g}" for name, value in results["facts"].items()]
    parts = [_comparisons(results, adjusted), f"![differences with their intervals]({PLOT})", _arms(results)]
    return "\n\n".join([*parts, *(["\n".join(facts)] if facts else []), made])


def _section(claim: Claim, results: Results | None, adjusted: Mapping[tuple[str, str], float]) -> str:
    readme = (FOLDER / claim.name / README).read_text("utf-8")
    title = f"## {claim.title}"
    link = f"[What was registered before, and every figure](../benchmarks/claims/{claim.name}/README.md)."
    if results is None:
        return f"{title}\n\n{NOT_YET} {link}"
    words = readme.partition(f"\n{WORDS}\n")[2].partition("\n## ")[0].partition(BEGIN)[0].strip()
    primary = {**results, "comparisons": [each for each in results["comparisons"] if each["is_primary"]]}
    return "\n\n".join([title, words or "*No words yet.*", _comparisons(primary, adjusted), link])


def _family(claims: Sequence[Claim], found: Mapping[str, Results], adjusted: Mapping[tuple[str, str], float]) -> str:
    rows = [
        "| claim | primary comparison | expected | difference | p | p (Holm) | verdict |",
        "|---|---|---|---|---|---|---|",
    ]
    for claim in claims:
        known = {each["name"]: each for each in found.get(claim.name, {"comparisons": []})["comparisons"]}
        for comparison in claim.comparisons:
            if not comparison.is_primary:
                continue
            expected = "greater" if comparison.expects > 0 else "less"
            start = f"| {claim.name} | {comparison.name} | {expected} |"
            each = known.get(comparison.name)
            if each is None:
                rows.append(f"{start} | | | not finished |")
                continue
            p = adjusted[claim.name, comparison.name]
            difference = _signed(each["difference"])
            rows.append(f"{start} {difference} | {each['p']:.4f} | {p:.4f} | **{verdict(each, p)}** |")
    return "\n".join(rows)


def _comparisons(results: Results, adjusted: Mapping[tuple[str, str], float]) -> str:
    rows = ["| comparison | figure | difference (95 %) | p | verdict |", "|---|---|---|---|---|"]
    for each in sorted(results["comparisons"], key=lambda each: not each["is_primary"]):
        p = adjusted.get((results["claim"], each["name"]))
        name = f"**{each['name']}**" if each["is_primary"] else each["name"]
        shown = f"{each['p']:.4f}" if p is None else f"{p:.4f} (Holm)"
        rows.append(f"| {name} | {each['figure']} | {_signed(each['difference'])} | {shown} | {verdict(each, p)} |")
    return "\n".join(rows)


def _arms(results: Results) -> str:
    figures = list(results["arms"][0]["figures"])
    rows = [f"| regime | arm | weight | {' | '.join(figures)} |", f"|---|---|---|{'---|' * len(figures)}"]
    for arm in results["arms"]:
        values = " | ".join(f"{value:.3f} ({low:.3f} to {high:.3f})" for value, low, high in arm["figures"].values())
        weight = f"{arm['weight']:g}" if arm["validation"] else ""
        rows.append(f"| {arm['regime']} | {arm['arm']} | {weight} | {values} |")
    return "\n".join(rows)


def _signed(interval: Sequence[float]) -> str:
    value, low, high = interval
    return f"{value:+.3f} ({low:+.3f} to {high:+.3f})"


def _plot(results: Results) -> bytes:
    """Every comparison as a point with its interval, primary ones in front and in colour."""
    import io

    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    shown = sorted(results["comparisons"], key=lambda each: not each["is_primary"])
    figure, axis = plt.subplots(figsize=(8, 0.9 + 0.27 * len(shown)), layout="constrained")
    for place, each in enumerate(shown):
        value, low, high = each["difference"]
        colour = "#b3261e" if each["is_primary"] else "#33527a"
        axis.plot([low, high], [place, place], color=colour, linewidth=2)
        axis.plot(value, place, "o", color=colour, markersize=5)
    axis.axvline(0, color="#888888", linewidth=1)
    axis.set_yticks(range(len(shown)), [f"{each['name']} ({each['figure']})" for each in shown], fontsize=8)
    for label, each in zip(axis.get_yticklabels(), shown, strict=True):
        label.set_fontweight("bold" if each["is_primary"] else "normal")
    axis.set_ylim(len(shown) - 0.5, -0.5)
    axis.set_xlabel("first minus second, 95 % over seeds and people", fontsize=8)
    axis.tick_params(axis="x", labelsize=8)
    axis.grid(axis="x", color="#dddddd", linewidth=0.6)
    axis.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axis.spines[side].set_visible(False)
    sink = io.BytesIO()
    figure.savefig(sink, format="png", dpi=80, metadata={"Software": None})
    plt.close(figure)
    return sink.getvalue()


def processor() -> str:
    """The name of the processor."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
