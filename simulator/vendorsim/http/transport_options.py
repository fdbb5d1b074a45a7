"""How a user wants requests to leave: authorities, client certificate, proxy."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

from vendorsim.http import proxies
from vendorsim.http.endpoint import Endpoint
from vendorsim.http.transport import HttpTransport, tls_context


@dataclass(frozen=True, slots=True)
class TransportOptions:
    """Files (PEM) of the authorities to trust and of a client certificate with its key, and the URL of a proxy."""

    ca: str | None = None
    cert: str | None = None
    cert_key: str | None = None
    proxy: str | None = None

    def load(self) -> TransportSettings:
        """Reads the files and the URL. Raises InputError."""
        tls = tls_context(self.ca, self.cert, self.cert_key) if self.ca or self.cert or self.cert_key else None
        return TransportSettings(tls, proxies.proxy(self.proxy) if self.proxy else None)


@dataclass(frozen=True, slots=True)
class TransportSettings:
    """What a transport is made with. `tls` is None for the system's authorities, `proxy` for none."""

    tls: ssl.SSLContext | None = None
    proxy: Endpoint | None = None

    def open(self) -> HttpTransport:
        """A transport of its own; whoever opens it aborts it in the end."""
        return HttpTransport(self.tls, self.proxy)
