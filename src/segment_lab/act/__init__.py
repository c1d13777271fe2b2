"""From segments to decisions: playbook, evidence, budget, experiment, and the loop that learns
from it."""

from segment_lab.act.budget import BudgetPlan, plan_budget
from segment_lab.act.cards import best, decide, evidence, not_doing
from segment_lab.act.economics import Belief
from segment_lab.act.market import Scenario
from segment_lab.act.playbook import Entry, Playbook

__all__ = [
    "Belief",
    "BudgetPlan",
    "Entry",
    "Playbook",
    "Scenario",
    "best",
    "decide",
    "evidence",
    "not_doing",
    "plan_budget",
]
