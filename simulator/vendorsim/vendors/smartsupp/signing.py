"""How Smartsupp signs its event webhooks."""

from __future__ import annotations

from vendorsim.core.provenance import DOCUMENTED, Stated
from vendorsim.vendorkit.scheme import Scheme

SCHEMES = {
    "smartsupp": Scheme(
        title=Stated("Smartsupp event webhooks", DOCUMENTED, "docs.smartsupp.com, REST API, Webhooks"),
        message=("{body}",),
        headers={"X-Smartsupp-Hmac": "{signatures}"},
    ),
}
