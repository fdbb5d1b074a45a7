"""How CCAI Platform signs its chat webhooks: with the primary secret, and the secondary one where there is one."""

from __future__ import annotations

from vendorsim.core.provenance import DOCUMENTED, Stated
from vendorsim.vendorkit.scheme import Scheme, as_base64

SCHEMES = {
    "ccai": Scheme(
        title=Stated(
            "CCAI Platform chat webhooks", DOCUMENTED, "docs.cloud.google.com, CCAI Platform, chat platform API guide"
        ),
        message=("{timestamp}", "{body}"),
        headers={"X-Signature": "{signatures}", "X-Signature-Timestamp": "{timestamp}"},
        encode=as_base64,
        signatures=("primary={signature}", "secondary={signature}"),
    ),
}
