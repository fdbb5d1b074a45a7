"""The public names of the package, with their signatures and docstrings."""

from __future__ import annotations

import enum
import inspect
import json
import re
from importlib import import_module
from types import ModuleType
from typing import Any

from msgspec import Struct

_START = """\
# Python names

Signatures and docstrings of all public names. [The Python API](../python-api.md) says what they are for.
"""
PACKAGES = ("vendorsim", "vendorsim.testing", "vendorsim.vendorkit")


def page() -> str:
    """All public names."""
    lines = [_START]
    for package in map(import_module, PACKAGES):
        lines += [f"## `{package.__name__}`", ""]
        for name in sorted(package.__all__, key=str.lower):
            if not name.startswith("__"):
                lines += _described(package, name)
    return "\n".join(lines)


def _described(package: ModuleType, name: str) -> list[str]:
    value = getattr(package, name)
    lines = [f"### `{name}`", ""]
    if inspect.isclass(value):
        return [*lines, *_code(_class_head(name, value)), *_text(value), *_methods(value)]
    if inspect.isfunction(value):
        return [*lines, *_code(name + _signature(value)), *_text(value)]
    shown = value if isinstance(value, str | int | float) else None
    return [*lines, *_code(name if shown is None else f"{name} = {_value(shown)}")]


def _code(text: str) -> list[str]:
    return ["```python", text, "```", ""]


def _text(value: Any) -> list[str]:
    text = inspect.cleandoc(value.__doc__ or "")
    # dataclasses makes a docstring of the signature.
    return [text.replace("<", "&lt;"), ""] if text and not text.startswith(f"{getattr(value, '__name__', '')}(") else []


def _class_head(name: str, value: type) -> str:
    bases = [base.__name__ for base in value.__bases__ if base not in (object, Struct) and base.__name__ != "Generic"]
    head = f"class {name}({', '.join(bases)})" if bases else f"class {name}"
    if not issubclass(value, Struct):
        constructor = value.__dict__.get("__init__")
        protocol = getattr(value, "_is_protocol", False) or issubclass(value, enum.Enum)
        return head if constructor is None or protocol else f"{head}\n\n{name}{_signature(constructor, bound=True)}"
    types = {name: kind for base in reversed(value.__mro__) for name, kind in inspect.get_annotations(base).items()}
    names, defaults = value.__struct_fields__, value.__struct_defaults__
    texts = [""] * (len(names) - len(defaults)) + [f" = {_value(default)}" for default in defaults]
    fields = [f"    {name}: {types[name]}{text}" for name, text in zip(names, texts, strict=True)]
    return "\n".join([f"{head}:", *(fields or ["    pass"])])


def _value(value: Any) -> str:
    """A default, if it is short and the same in every run."""
    simple = value is None or isinstance(value, str | int | float | bool) or value in ((), frozenset())
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return repr(value) if simple else "..."


def _signature(function: Any, *, bound: bool = False) -> str:
    """The signature, on one line or one line per parameter; `bound` leaves out `self`."""
    signature = inspect.signature(function)
    parameters = list(signature.parameters.values())[1 if bound else 0 :]
    parts, star = [], False
    for parameter in parameters:
        if parameter.kind is parameter.KEYWORD_ONLY and not star:
            parts.append("*")
        star = star or parameter.kind in (parameter.KEYWORD_ONLY, parameter.VAR_POSITIONAL)
        text = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "") + parameter.name
        if parameter.annotation is not parameter.empty:
            text += f": {parameter.annotation}"
        if parameter.default is not parameter.empty:
            text += f" = {_value(parameter.default)}"
        parts.append(text)
    returns = "" if signature.return_annotation is signature.empty else f" -> {signature.return_annotation}"
    line = f"({', '.join(parts)}){returns}"
    if len(line) <= 90:
        return line
    return "(\n" + "".join(f"    {part},\n" for part in parts) + f"){returns}"


def _methods(value: type) -> list[str]:
    """The public methods and properties that the class itself defines."""
    lines = []
    for name, member in vars(value).items():
        wrapped = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
        if name.startswith("_") or not inspect.isfunction(wrapped):
            continue
        heading = (
            name
            if isinstance(member, property)
            else name + _signature(wrapped, bound=not isinstance(member, staticmethod))
        )
        lines += [f"- `{' '.join(heading.split())}`", *_indented(wrapped)]
    return [*lines, ""] if lines else []


def _indented(function: Any) -> list[str]:
    text = re.sub(r"\s*\n\s*", " ", inspect.cleandoc(function.__doc__ or "")).replace("<", "&lt;")
    return [f"  {text}"] if text else []
