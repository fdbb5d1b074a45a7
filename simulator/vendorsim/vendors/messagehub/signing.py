"""How Chatwoot signs: `chatwoot` from version 4.11.2 on, `chatwoot-delivery` for a delivery id without a signature."""

from __future__ import annotations

from vendorsim.core.provenance import RECONSTRUCTED, Stated
from vendorsim.vendorkit.scheme import Scheme, as_uuid

TRIGGER = "chatwoot/chatwoot v4.15.1, lib/webhooks/trigger.rb"

SCHEMES = {
    "chatwoot": Scheme(
        title=Stated("Chatwoot 4.11.2 and later", RECONSTRUCTED, TRIGGER),
        message=("{timestamp}", ".", "{body}"),
        headers={
            "X-Chatwoot-Delivery": "{id}",
            "X-Chatwoot-Timestamp": "{timestamp}",
            "X-Chatwoot-Signature": "{signatures}",
        },
        signatures=("sha256={signature}",),
        identity=as_uuid,
    ),
    "chatwoot-delivery": Scheme(
        title=Stated("Chatwoot 4.11.2 and later where there is no secret", RECONSTRUCTED, TRIGGER),
        message=(),
        headers={"X-Chatwoot-Delivery": "{id}"},
        signatures=(),
        identity=as_uuid,
    ),
}
