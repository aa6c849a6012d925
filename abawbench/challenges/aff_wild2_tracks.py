"""The fields that the VA, EXPR and AU tracks on the videos of Aff-Wild2 share in several editions."""

from __future__ import annotations

from collections.abc import Mapping

from abawbench.challenges import aff_wild2_facts as facts
from abawbench.challenges.editions import Fields
from abawbench.challenges.model import Metric, Statement, Task
from abawbench.challenges.tasks import (
    ACTION_UNITS_12,
    ACTION_UNITS_12_SOURCES,
    AU_F1,
    EXPR_F1,
    EXPR_F1_ACC,
    EXPRESSION_7,
    EXPRESSION_7_SOURCES,
    EXPRESSION_8,
    EXPRESSION_8_SOURCES,
    VA,
    VA_CCC,
    VA_SOURCES,
)


def _track(name: str, title: str, task: Task, metric: Metric, sources: Mapping[str, str], *notes: Statement) -> Fields:
    """The fields that a track on the videos of Aff-Wild2 has in every edition."""
    return {
        "track": name,
        "title": title,
        "dataset": "Aff-Wild2",
        "tasks": (task,),
        "metric": metric,
        "notes": notes,
        "sources": sources,
    }


VA_TRACK = _track("va", "Valence-Arousal Estimation", VA, VA_CCC, VA_SOURCES)
EXPR_7_TRACK = _track(
    "expr", "Expression Classification", EXPRESSION_7, EXPR_F1_ACC, EXPRESSION_7_SOURCES, facts.ONE_INTEGER_UNDER_7
)
EXPR_8_TRACK = _track(
    "expr", "Expression Classification", EXPRESSION_8, EXPR_F1, EXPRESSION_8_SOURCES, facts.ONE_INTEGER_UNDER_8
)
AU_TRACK = _track("au", "Action Unit Detection", ACTION_UNITS_12, AU_F1, ACTION_UNITS_12_SOURCES)

LATE_VA: Fields = {"annotation_places": facts.late_places("VA_Estimation_Challenge")}
LATE_EXPR: Fields = {
    "annotation_places": facts.late_places("EXPR_Classification_Challenge", "EXPR_Recognition_Challenge")
}
LATE_AU: Fields = {"annotation_places": facts.late_places("AU_Detection_Challenge")}
