"""Schemathesis attacks every API that stands in a `contracts/<vendor>/api.openapi.json`, and finds nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from openapi_spec_validator import validate
from thorough import few_of
from vendorsim.core import resources
from vendorsim.server.app import create_app
from vendorsim.server.backend import ServerBackend
from vendorsim.server.serving import serve_app

DOCUMENTS = sorted(resources.contracts().glob("*/api.openapi.json"))
TOKEN = "s3cret"
# The header that carries the credentials, where it is not the usual one.
CREDENTIALS = {"messagehub": f"api_access_token: {TOKEN}"}
# What no schema can say, by vendor: here, that a URL or a name may be taken already, and that most ids are nobody's.
SETTINGS = {
    "messagehub": """
warnings = false
[[operations]]
include-operation-id = [
    "create_webhook", "update_webhook", "create_contact", "update_contact", "replace_contact", "create_contact_inbox",
    "create_conversation", "create_canned_response", "update_canned_response", "replace_canned_response",
]
checks.positive_data_acceptance.expected-statuses = ["2xx", "401", "404", "422"]
"""
}

each_api = pytest.mark.parametrize("document", DOCUMENTS, ids=[path.parent.name for path in DOCUMENTS])


# All phases take a minute; the quick one goes through every operation.
EFFORTS = [
    *few_of(
        [(document, ("-n", "2", "--phases", "fuzzing")) for document in DOCUMENTS],
        1,
        [f"{document.parent.name}-quick" for document in DOCUMENTS],
    ),
    *few_of([(document, ("-n", "12")) for document in DOCUMENTS], 0, [document.parent.name for document in DOCUMENTS]),
]


@pytest.mark.slow
@pytest.mark.parametrize(("document", "effort"), EFFORTS)
def test_schemathesis_finds_nothing(document: Path, effort: tuple[str, ...], tmp_path: Path) -> None:
    vendor = document.parent.name
    command = [Path(sys.executable).with_name("schemathesis"), "run", document, "--no-color"]
    options = ["--checks", "all", "--seed", "1", *effort, "--generation-database", "none", "--continue-on-failure"]
    credentials = ["-H", CREDENTIALS.get(vendor, f"Authorization: Bearer {TOKEN}")]
    (tmp_path / "schemathesis.toml").write_text(SETTINGS.get(vendor, "warnings = false\n"), encoding="utf-8")
    state = ServerBackend(token=TOKEN, duplicate_interval=0)
    try:
        with serve_app(create_app(state)) as server:
            ended = subprocess.run(
                [*command, "--url", server.url, *options, *credentials],
                cwd=tmp_path,
                capture_output=True,
                text=True,
                timeout=400,
                check=False,
            )
    finally:
        state.close()
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "No issues found" in ended.stdout


@each_api
def test_the_document_is_valid_and_every_operation_says_where_it_is_known_from(document: Path) -> None:
    content = json.loads(document.read_bytes())
    assert content["openapi"].startswith("3.1.")
    validate(content, base_uri=document.as_uri())
    for path, operations in content["paths"].items():
        for method, operation in operations.items():
            if method in ("get", "post", "put", "patch", "delete"):
                assert operation["x-provenance"] in ("documented", "captured", "reconstructed", "assumed"), path
                assert operation["x-source"], path
