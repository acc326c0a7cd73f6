"""Plans, their independent evaluation and check."""

from planner.plans.check import check_plan
from planner.plans.evaluate import evaluate_plan
from planner.plans.plan import Evaluation, ModelResult, Plan

__all__ = ["Evaluation", "ModelResult", "Plan", "check_plan", "evaluate_plan"]
