"""Several probes at once, their names, and what of them is shown."""

from __future__ import annotations

from typing import Any

import pytest
from vendorsim.core.errors import InputError
from vendorsim.probes.model import ProbeError
from vendorsim.probes.reading import open_probes, read_probe, require_names

from probes.reading import read


def crm(conversation_id: str, identifier: str | None) -> Any:
    return {"customer": identifier}


def nothing(conversation_id: str, identifier: str | None) -> Any:
    return None


def broken(conversation_id: str, identifier: str | None) -> Any:
    raise LookupError("no table")


CRM, NOTHING, BROKEN = (f"{name}=probes.test_several:{name}" for name in ("crm", "nothing", "broken"))


@pytest.mark.parametrize(
    ("probes", "state"),
    [
        (("probes.test_several:crm",), {"customer": "crm-1"}),
        ((CRM,), {"crm": {"customer": "crm-1"}}),
        ((CRM, NOTHING), {"crm": {"customer": "crm-1"}, "nothing": None}),
        ((NOTHING, "other=probes.test_several:nothing"), None),
    ],
)
def test_states_are_merged_by_name(probes: tuple[str, ...], state: Any) -> None:
    assert read(*probes, identifier="crm-1") == state


def test_each_failure_is_named() -> None:
    with pytest.raises(ProbeError) as failed:
        read(CRM, BROKEN, "other=probes.test_several:broken")
    assert str(failed.value) == (
        "broken: the probe raised LookupError: no table; other: the probe raised LookupError: no table"
    )


@pytest.mark.parametrize(
    ("probes", "said"),
    [
        ((CRM, CRM), "the name 'crm' is taken by another probe"),
        ((CRM, "json:dumps"), "--probe json:dumps: each of several probes needs a name: write NAME=json:dumps"),
    ],
)
def test_several_need_different_names(probes: tuple[str, ...], said: str) -> None:
    with pytest.raises(InputError) as refused:
        require_names([read_probe(text) for text in probes])
    assert said in str(refused.value)


def test_no_probe_is_none() -> None:
    assert open_probes((), None) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://me:pa@ss@localhost/{conversation_id}", "http://***@localhost/{conversation_id}"),
        (
            "a=command: psql postgresql://me:x@h/d {conversation_id}",
            "a=command: psql postgresql://***@h/d {conversation_id}",
        ),
        ("sql: postgresql://h/d?user=me&password=x q.sql", "sql: postgresql://h/d?user=me&password=*** q.sql"),
        (
            "command: psql 'host=h password=x' {conversation_id}",
            "command: psql 'host=h password=***' {conversation_id}",
        ),
    ],
)
def test_secrets_are_not_shown(text: str, shown: str) -> None:
    assert read_probe(text).text == shown


@pytest.mark.parametrize("text", ["nonsense", "a=nonsense", "module:", ":function", "ftp://x/{conversation_id}"])
def test_other_texts_are_refused_with_all_forms(text: str) -> None:
    with pytest.raises(InputError, match=r"write a URL with \{conversation_id\}, module:function, 'command: "):
        read_probe(text)
