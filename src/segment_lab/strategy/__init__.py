"""From segments to decisions: playbook, evidence, budget, experiment, and the loop that learns from it."""

from segment_lab.strategy.budget import BudgetPlan, plan_budget
from segment_lab.strategy.cards import best, decide, evidence, not_doing
from segment_lab.strategy.economics import Belief
from segment_lab.strategy.market import Scenario
from segment_lab.strategy.playbook import Entry, Playbook

__all__ = ["Belief", "BudgetPlan", "Entry", "Playbook", "Scenario", "best", "decide", "evidence", "not_doing",
           "plan_budget"]
