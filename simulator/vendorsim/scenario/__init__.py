"""The scenario language: parses text into a Scenario or problems."""

from vendorsim.scenario.model import Scenario, Step
from vendorsim.scenario.parse import json_schema, parse
from vendorsim.scenario.warnings import warnings

__all__ = ["Scenario", "Step", "json_schema", "parse", "warnings"]
