"""The public surface of vendorsim, one promise a line. docs/stability.md says what the lines mean to users."""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import vendorsim
from msgspec import Struct
from vendorsim import testing, vendorkit
from vendorsim.checks.registry import all_checks
from vendorsim.cli.main import INTERRUPTED, group
from vendorsim.core import resources
from vendorsim.core.errors import VendorsimError
from vendorsim.load import traffic
from vendorsim.runs import config
from vendorsim.scenario import faults

PACKAGES = (vendorsim, testing, vendorkit)
PLUGIN = Path(vendorsim.__file__).with_name("pytest_plugin.py")
# Objects of JSON documents whose keys are data: names of headers, events, verbs, statuses.
DATA = {
    *("authentications", "body", "contracts", "events.exercised", "expected_calls", "faults", "fields", "headers"),
    *("policy", "probes", "statuses", "values", "verbs", "verdicts"),
}


def commands() -> Iterator[str]:
    """Every command, with its arguments, its options, and the environment variables that stand for options."""

    def walk(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
        yield path, command
        if isinstance(command, click.Group):
            context = click.Context(command)
            for name in command.list_commands(context):
                found = command.get_command(context, name)
                assert found is not None
                yield from walk(found, f"{path} {name}")

    for path, command in walk(group, "vendorsim"):
        yield f"command {path}"
        context = click.Context(command, info_name=path)
        for parameter in command.params:
            yield f"command {path} {_written(parameter, context)}"
            for variable in [parameter.envvar] if isinstance(parameter.envvar, str) else parameter.envvar or ():
                yield f"environment {variable}"


def _written(parameter: click.Parameter, context: click.Context) -> str:
    """`--only PATTERNS, repeatable`."""
    value = parameter.make_metavar(context)
    if not isinstance(parameter, click.Option):
        return value
    names = "/".join((*parameter.opts, *parameter.secondary_opts))
    notes = [", required"] * parameter.required + [", repeatable"] * parameter.multiple
    return names + ("" if parameter.is_flag else f" {value}") + "".join(notes)


def errors() -> Iterator[str]:
    """The exit codes that errors have, and that of a command that is interrupted."""
    yield f"exit code {INTERRUPTED}: interrupted"

    def below(kind: type[VendorsimError]) -> Iterator[type[VendorsimError]]:
        yield kind
        for each in kind.__subclasses__():
            yield from below(each)

    for kind in below(VendorsimError):
        if kind.__name__ in vendorsim.__all__:
            yield f"exit code {kind.exit_code}: {kind.__name__}"


def python_names() -> Iterator[str]:
    """The public names of Python, with what they take and have."""
    for package in PACKAGES:
        for name in package.__all__:
            value = getattr(import_module(package.__name__), name)
            whole = f"python {package.__name__}.{name}"
            yield whole + (
                _taken(value) if _is_called(value) and value not in (testing.Checked, testing.Played) else ""
            )
            if inspect.isclass(value) and not issubclass(value, BaseException):
                for member, found in sorted(_members(value)):
                    yield f"{whole}.{member}{_taken(found) if inspect.isroutine(found) else ''}"


def _is_called(value: Any) -> bool:
    return inspect.isfunction(value) or (inspect.isclass(value) and not issubclass(value, BaseException))


def _members(value: type) -> Iterator[tuple[str, Any]]:
    """The public methods, properties and fields of a class of this project."""
    fields = set(value.__struct_fields__) if issubclass(value, Struct) else set()
    own = {name for kind in value.__mro__ if kind.__module__.startswith("vendorsim") for name in vars(kind)}
    for name in (own | fields) - {"mro"}:
        if not name.startswith("_"):
            yield name, getattr(value, name, None)


def _taken(value: Callable[..., Any]) -> str:
    """`(to, *, vendor, seed=…)`: the names of what a function takes; `=…` is what may be left out."""
    if isinstance(value, type) and issubclass(value, Struct):
        required = len(value.__struct_fields__) - len(value.__struct_defaults__)
        names = enumerate(value.__struct_fields__)
        return f"({', '.join(name + '=…' * (number >= required) for number, name in names)})"
    try:
        parameters = list(inspect.signature(value).parameters.values())
    except (TypeError, ValueError):
        return ""
    words: list[str] = []
    for each in parameters:
        if each.kind is each.KEYWORD_ONLY and not any(word.startswith("*") for word in words):
            words.append("*")
        if each.name != "self":
            star = {each.VAR_POSITIONAL: "*", each.VAR_KEYWORD: "**"}.get(each.kind, "")
            words.append(star + each.name + ("" if each.default is each.empty else "=…"))
    return f"({', '.join(words)})"


def plugin() -> Iterator[str]:
    """The fixtures of the pytest plugin, its settings, its option and what its marker takes."""
    for node in ast.parse(PLUGIN.read_text()).body:
        fixture = isinstance(node, ast.FunctionDef) and any("fixture" in ast.unparse(d) for d in node.decorator_list)
        if isinstance(node, ast.FunctionDef) and fixture and not node.name.startswith("_"):
            yield f"pytest fixture {node.name}"
    module = import_module("vendorsim.pytest_plugin")
    yield from (f"pytest setting {name}" for name in (module.TO, module.PATH, module.CHECK))
    yield "pytest option --vendorsim-to"
    yield from (f"pytest marker {module.MARK}: {name}" for name in (*module._PLAY_MARKS, *module._API_MARKS))
    yield f"pytest collects *{module.ENDING}"


def formats() -> Iterator[str]:
    """The keys of the files that users write, and the faults."""
    yield from schema_keys("scenario", json.loads((resources.scenarios() / "scenario.schema.json").read_bytes()))
    yield from schema_keys("traffic", traffic.json_schema())
    yield from schema_keys("vendorsim.yaml", config._ROOT.schema())
    yield from (f"fault {name}" for name in faults.KINDS)


def schema_keys(kind: str, schema: dict[str, Any], path: str = "") -> Iterator[str]:
    """Every key that a JSON Schema allows, with the path to it. `[]` is an item of a list, `*` a name of the user's."""
    for name, below in schema.get("properties", {}).items():
        inner = f"{path}.{name}".lstrip(".")
        yield f"format {kind}: {inner}" + (", required" if name in schema.get("required", ()) else "")
        yield from schema_keys(kind, below, inner)
    for part, shown in (("items", "[]"), ("additionalProperties", ".*")):
        if isinstance(schema.get(part), dict):
            yield from schema_keys(kind, schema[part], path + shown)
    for part in ("anyOf", "oneOf", "allOf"):
        for each in schema.get(part, ()):
            yield from schema_keys(kind, each, path)


def checks() -> Iterator[str]:
    """The ids of the checks."""
    yield from (f"check {each.id}" for each in all_checks())


def control_api() -> Iterator[str]:
    """The operations of the control API."""
    document = json.loads((resources.contracts() / "control" / "openapi.json").read_bytes())
    for path, operations in document["paths"].items():
        yield from (
            f"control API {method.upper()} {path}"
            for method in operations
            if method in ("get", "post", "put", "patch", "delete")
        )


def json_keys(command: str, *documents: Any) -> Iterator[str]:
    """Every key of JSON documents that a command prints, with the types of its values."""
    found: dict[str, set[str]] = {}

    def walk(value: Any, path: str, key: str) -> None:
        kind = {dict: "object", list: "array", str: "text", bool: "boolean", type(None): "null"}.get(
            type(value), "number"
        )
        if path:
            found.setdefault(path, set()).add(kind)
        if isinstance(value, dict) and key != "body":
            for name, each in value.items():
                shown = "*" if key in DATA else name
                walk(each, f"{path}.{shown}" if path else shown, f"{key}.{name}" if f"{key}.{name}" in DATA else name)
        elif isinstance(value, list):
            for each in value:
                walk(each, f"{path}[]", key)

    for document in documents:
        walk(document, "", "")
    yield from (f"json {command}: {path} {'|'.join(sorted(kinds))}" for path, kinds in found.items())
