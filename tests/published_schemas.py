"""Published JSON Schemas of files for other tools, as the package check-jsonschema brings them along."""

from __future__ import annotations

from pathlib import Path

import jsonschema_rs
from check_jsonschema.builtin_schemas import get_builtin_schema
from ruamel.yaml import YAML


def violations(schema: str, file: Path) -> list[str]:
    """What breaks the schema, such as `github-workflows` or `compose-spec`, in a YAML file."""
    # YAML 1.2, as these tools read it: PyYAML takes the key `on` for true.
    document = YAML(typ="safe", pure=True).load(file.read_text())
    validator = jsonschema_rs.validator_for(get_builtin_schema(f"vendor.{schema}"))
    return [f"{'/'.join(map(str, error.instance_path))}: {error.message}" for error in validator.iter_errors(document)]
