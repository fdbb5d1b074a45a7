"""The scenario language: text in, a Scenario or its problems out."""

from vendorsim.scenario.model import Scenario, Step
from vendorsim.scenario.parse import json_schema, parse

__all__ = ["Scenario", "Step", "json_schema", "parse"]
