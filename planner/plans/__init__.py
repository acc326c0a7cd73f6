"""Plans, their independent evaluation and check."""

from planner.plans.check import check_labels
from planner.plans.evaluate import evaluate_plan
from planner.plans.plan import (
    EARLIEST_SHARE,
    LEAST_MONEY,
    PHASED_MONEY,
    SHARE_UNIT,
    AuditedTimes,
    Evaluation,
    ModelResult,
    Plan,
    TripShare,
    share_model,
)

__all__ = [
    "EARLIEST_SHARE",
    "LEAST_MONEY",
    "PHASED_MONEY",
    "SHARE_UNIT",
    "AuditedTimes",
    "Evaluation",
    "ModelResult",
    "Plan",
    "TripShare",
    "check_labels",
    "evaluate_plan",
    "share_model",
]
