"""Lists vendors and built-in scenarios, and validates scenarios."""

from __future__ import annotations

from functools import cache
from typing import Any

from flask import Blueprint, Response, jsonify

from vendorsim.core.errors import DocumentError, UnknownNameError
from vendorsim.core.yaml_nodes import Problems, plain, read
from vendorsim.runs import library
from vendorsim.scenario import json_schema
from vendorsim.server.control import requests, scenario_texts
from vendorsim.server.control.problems import ProblemError
from vendorsim.server.control.workbench import Workbench
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.documents import vendor_document

NAME = "<scenario>"


def add(api: Blueprint, workbench: Workbench) -> None:
    """Adds `/vendors`, `/scenarios`, `/scenarios/NAME`, `/scenario.schema.json` and `/lint`."""

    @api.get("/vendors")
    def vendors() -> Response:
        return jsonify(_vendors())

    @api.get("/scenarios")
    def scenarios() -> Response:
        return jsonify(_scenarios())

    @api.get("/scenarios/<name>")
    def scenario(name: str) -> Response:
        try:
            text = library.built_in_path(name).read_text(encoding="utf-8")
        except UnknownNameError as error:
            raise ProblemError(404, str(error)) from None
        found = library.load_text(text, name)
        return jsonify(
            name=name, title=found.title, vendors=found.vendors, seed=found.seed, yaml=text, cast=_cast(text, name)
        )

    @api.get("/scenario.schema.json")
    def schema() -> Response:
        return jsonify(json_schema(registry.vocabulary()))

    @api.post("/lint")
    def lint() -> Response:
        text = requests.body("Lint")["yaml"]
        try:
            found = scenario_texts.load(text, NAME)
        except DocumentError as error:
            problems = [{"line": p.line, "column": p.column, "message": p.message} for p in error.problems]
            return jsonify(valid=False, problems=problems)
        return jsonify(
            valid=True,
            problems=[],
            title=found.title,
            vendors=found.vendors,
            steps=len(found.steps),
            cast=_cast(text, NAME),
            seed=found.seed,
        )


@cache
def _vendors() -> list[dict[str, Any]]:
    """Returns the output of `vendorsim vendors --json` without paths of this machine."""
    described = [vendor_document(registry.get(name)) for name in registry.names()]
    paths = ("contracts", "scenarios", "docs")
    return [{key: value for key, value in vendor.items() if key not in paths} for vendor in described]


@cache
def _scenarios() -> list[dict[str, Any]]:
    return [
        {"name": name, "title": found.title, "vendors": found.vendors, "description": found.description}
        for name, _, found in library.load_all()
    ]


def _cast(text: str, file: str) -> dict[str, Any]:
    """Returns the cast as written in the scenario."""
    root = read(text, Problems(file))
    document = plain(root) if root is not None else {}
    cast = document.get("cast") if isinstance(document, dict) else None
    return cast if isinstance(cast, dict) else {}
