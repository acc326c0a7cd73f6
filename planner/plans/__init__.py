"""Plans, their independent evaluation and check."""

from planner.plans.check import check_plan
from planner.plans.evaluate import evaluate_plan
from planner.plans.plan import AuditedTimes, Evaluation, ModelResult, Plan, TripShare

__all__ = [
    "AuditedTimes",
    "Evaluation",
    "ModelResult",
    "Plan",
    "TripShare",
    "check_plan",
    "evaluate_plan",
]
