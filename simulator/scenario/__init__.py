"""The scenario language: text in, a `Scenario` or a list of problems out."""

from simulator.scenario.model import Scenario, Step
from simulator.scenario.parse import json_schema, parse

__all__ = ["Scenario", "Step", "json_schema", "parse"]
