"""All tools, by name."""

from __future__ import annotations

from collections.abc import Mapping

from vendorsim.agents import catalogue, deliveries, sending
from vendorsim.agents.tool import Tool

TOOLS: Mapping[str, Tool] = {tool.name: tool for tool in (*catalogue.TOOLS, *sending.TOOLS, *deliveries.TOOLS)}
