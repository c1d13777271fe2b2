"""From segments to decisions: playbook, evidence, beliefs, verdicts, budget, experiment, and the
loop that learns from it."""

from segment_lab.act.beliefs import Belief, Prior
from segment_lab.act.budget import BudgetPlan, plan_budget
from segment_lab.act.evidence import Happened, evidence
from segment_lab.act.market import Scenario
from segment_lab.act.playbook import Entry, Playbook
from segment_lab.act.stance import stances
from segment_lab.act.verdicts import decide

__all__ = [
    "Belief",
    "BudgetPlan",
    "Entry",
    "Happened",
    "Playbook",
    "Prior",
    "Scenario",
    "decide",
    "evidence",
    "plan_budget",
    "stances",
]
