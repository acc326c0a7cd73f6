"""Plans, their independent evaluation and check."""

from planner.plans.check import check_labels
from planner.plans.evaluate import evaluate_plan
from planner.plans.plan import LEAST_MONEY, AuditedTimes, Evaluation, ModelResult, Plan, TripShare

__all__ = [
    "LEAST_MONEY",
    "AuditedTimes",
    "Evaluation",
    "ModelResult",
    "Plan",
    "TripShare",
    "check_labels",
    "evaluate_plan",
]
