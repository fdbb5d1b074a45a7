"""`vendorsim export vectors`: the verdicts hold for a verifier of our own making, and for those of the docs."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from command_line import Vendorsim
from vendorsim.vendorkit.signature_vectors import vectors, vectors_document
from vendorsim.vendorkit.signing import schemes

PAGE = Path(__file__).parents[2] / "docs" / "other-languages.md"
DOCUMENT = vectors_document({name: scheme for name, scheme in schemes().items() if scheme.signs})


def verify(scheme: Mapping[str, Any], vector: Mapping[str, Any]) -> bool:
    """A verifier by what the document says of the scheme."""
    headers = {name.lower(): value for name, value in vector["headers"].items()}
    by_part = {template: headers.get(name.lower(), "") for name, template in scheme["headers"].items()}
    time = by_part.get("{timestamp}")
    if time is not None and not (time.isdecimal() and abs(vector["now"] - int(time)) <= DOCUMENT["tolerance_seconds"]):
        return False
    parts = {**by_part, "{body}": vector["body"]}
    signed = "".join(parts.get(part, part) for part in scheme["signed"]).encode()
    right = set()
    for secret in vector["secrets"]:
        key = secret.encode() if "UTF-8" in scheme["key"] else base64.b64decode(secret.removeprefix("whsec_"))
        digest = hmac.new(key, signed, hashlib.sha256).digest()
        text = digest.hex() if scheme["encoding"] == "hex" else base64.b64encode(digest).decode()
        right |= {template.replace("{signature}", text) for template in scheme["signatures"]}
    return bool(right & set(by_part["{signatures}"].split(" ")))


@pytest.mark.parametrize("vector", DOCUMENT["vectors"], ids=lambda vector: f"{vector['scheme']}-{vector['name']}")
def test_each_verdict_holds(vector: Mapping[str, Any]) -> None:
    assert verify(DOCUMENT["schemes"][vector["scheme"]], vector) == vector["valid"], vector["reason"]


def test_each_scheme_has_all_kinds_that_it_can_have() -> None:
    names = {
        name: {vector["name"] for vector in DOCUMENT["vectors"] if vector["scheme"] == name}
        for name in DOCUMENT["schemes"]
    }
    everywhere = {"valid", "wrong-key", "other-body", "reserialised-body", "lower-case-headers", "missing-signature"}
    assert all(everywhere <= found for found in names.values())
    timed = {name for name, found in names.items() if {"stale", "from-the-future", "replaced-timestamp"} <= found}
    assert timed == {name for name, scheme in DOCUMENT["schemes"].items() if "{timestamp}" in scheme["signed"]}
    rotated = {name for name, found in names.items() if "two-signatures-previous-known" in found}
    assert rotated == {name for name, scheme in DOCUMENT["schemes"].items() if len(scheme["signatures"]) > 1}
    assert len(DOCUMENT["vectors"]) == sum(map(len, names.values())), "names are unique"


def test_the_command_prints_them(vendorsim: Vendorsim) -> None:
    assert vendorsim("export", "vectors").json == DOCUMENT
    (scheme,) = vendorsim("export", "vectors", "--vendor", "smartsupp").json["schemes"]
    assert scheme == "smartsupp"
    none = vendorsim("export", "vectors", "--vendor", "userlike")
    assert (none.code, none.out) == (2, "")
    assert none.err == "Error: userlike has no signature scheme of its own; leave out --vendor for all schemes\n"


# The verifiers of the page

HARNESSES = {
    "python": (
        [sys.executable],
        """
import json, sys
for v in json.load(sys.stdin):
    print(json.dumps(verify(v["headers"], v["body"].encode(), v["secrets"], v["now"])))
""",
    ),
    "js": (
        ["node"],
        """
const vectors = JSON.parse(require("node:fs").readFileSync(0, "utf-8"));
for (const v of vectors) {
  const headers = Object.fromEntries(Object.entries(v.headers).map(([name, value]) => [name.toLowerCase(), value]));
  console.log(verify(headers, Buffer.from(v.body), v.secrets, v.now));
}
""",
    ),
    "php": (
        ["php"],
        """
foreach (json_decode(file_get_contents('php://stdin'), true) as $v) {
    echo json_encode(verify($v['headers'], $v['body'], $v['secrets'], $v['now'])), "\\n";
}
""",
    ),
}


@cache
def code_of_the_page(language: str) -> str:
    """The one verifier in this language."""
    (code,) = (
        block
        for block in re.findall(rf"```{language}\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
        if "verify" in block
    )
    return str(code)


@pytest.mark.parametrize("language", HARNESSES)
def test_the_verifiers_of_the_page_reach_every_verdict(tmp_path: Path, language: str) -> None:
    command, harness = HARNESSES[language]
    if shutil.which(command[0]) is None:
        pytest.skip(f"the verifier in {language} needs {command[0]}, which is not installed")
    given = [vector.document("standard-webhooks") for vector in vectors(schemes()["standard-webhooks"])]
    program = tmp_path / "program"
    program.write_text(("<?php\n" if language == "php" else "") + code_of_the_page(language) + harness)
    done = subprocess.run(
        [*command, program], input=json.dumps(given), capture_output=True, text=True, encoding="utf-8", timeout=60
    )
    assert done.stderr == ""
    verdicts = map(json.loads, done.stdout.splitlines())
    assert {vector["name"]: verdict for vector, verdict in zip(given, verdicts, strict=True)} == {
        vector["name"]: vector["valid"] for vector in given
    }


def test_the_table_of_the_page_is_that_of_the_schemes() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \|.*$", PAGE.read_text("utf-8").partition("What is different")[2], re.MULTILINE)
    assert set(rows) == set(DOCUMENT["schemes"])
    for name, scheme in DOCUMENT["schemes"].items():
        (row,) = re.findall(rf"^\| `{name}` \|.*$", PAGE.read_text("utf-8"), re.MULTILINE)
        asked = {header for header, template in scheme["headers"].items() if template != "{id}"}
        assert all(f"`{header}`" in row for header in asked)
        assert {"hex": "hexadecimal", "base64": "base64"}[scheme["encoding"]] in row
