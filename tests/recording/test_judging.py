"""What a recording says of a call: its body and its answer are held to the document of the API."""

from __future__ import annotations

import gzip

import pytest
from vendorsim.http.transport import Answer
from vendorsim.recording.judging import recorded
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.api_call import ApiCall


@pytest.mark.parametrize(
    ("body", "answer", "contract"),
    [
        (b'{"labels": ["vip"]}', b'{"payload": ["vip"]}', "fits"),
        (b'{"labels": "vip"}', b'{"payload": ["vip"]}', "drifts"),
        (b'{"labels": ["vip"]}', b'{"payload": 1}', "drifts"),
        (b"labels[]=vip", None, "not judged"),
        (None, None, "not judged"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_both_bodies_are_judged(body: bytes | None, answer: bytes | None, contract: str, packed: bool) -> None:
    headers = (("Content-Encoding", "gzip"),) if packed else ()
    given = None if answer is None else Answer(200, headers, gzip.compress(answer) if packed else answer)
    call = ApiCall("messagehub", "set_labels", "", "12", 0, None, None, 200, "", body, answer=given)
    assert recorded(call, registry.get("messagehub")).judgement.contract == contract
