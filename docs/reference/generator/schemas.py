"""JSON Schemas for editors, and their catalogue in SchemaStore's form."""

from __future__ import annotations

import json
from typing import Any

from vendorsim.core.shapes import SCHEMAS
from vendorsim.load import traffic
from vendorsim.runs import config
from vendorsim.scenario import json_schema
from vendorsim.vendorkit import overlay, registry

from generator import report_schemas

# What each schema is for, by the name of its file.
FILE_MATCH = {
    "config-1": ["vendorsim.yaml"],
    "scenario-1": ["*.scenario.yaml", "*.scenario.yml"],
    "traffic-1": ["*.traffic.yaml", "*.traffic.yml"],
    "check-report-1": ["*.vendorsim-check.json"],
    "play-line-1": [],
    "drift-report-1": ["*.vendorsim-drift.json"],
    "overlay-1": ["overlay.json"],
}


def schemas() -> dict[str, dict[str, Any]]:
    """Every schema by the name of its file."""
    return {
        "config-1": config.json_schema(),
        "scenario-1": json_schema(registry.vocabulary()),
        "traffic-1": traffic.json_schema(),
        "check-report-1": report_schemas.check_report(),
        "play-line-1": report_schemas.play_line(),
        "drift-report-1": report_schemas.drift_report(),
        "overlay-1": overlay.json_schema(),
    }


def files() -> dict[str, str]:
    """The text of each file of the folder of schemas."""
    found = {f"{name}.schema.json": text(schema) for name, schema in schemas().items()}
    entries = [
        {
            "name": schema["title"],
            "description": schema["description"],
            **({"fileMatch": FILE_MATCH[name]} if FILE_MATCH[name] else {}),
            "url": f"{SCHEMAS}{name}.schema.json",
        }
        for name, schema in schemas().items()
    ]
    catalog = {"$schema": "https://json.schemastore.org/schema-catalog.json", "version": 1, "schemas": entries}
    return found | {"catalog.json": text(catalog)}


def text(document: dict[str, Any]) -> str:
    """A document as the commands print it."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
