"""Options of the HTTP client: certificate authorities, client certificate, proxy."""

from __future__ import annotations

import ssl

from msgspec import Struct

from vendorsim.http import proxies
from vendorsim.http.endpoint import Endpoint
from vendorsim.http.transport import HttpTransport, tls_context


class TransportOptions(Struct, frozen=True):
    """PEM files of the trusted authorities (`ca`) and of a client certificate with its key; the URL of a proxy."""

    ca: str | None = None
    cert: str | None = None
    cert_key: str | None = None
    proxy: str | None = None

    def load(self) -> TransportSettings:
        """Reads the files and parses the URL. Raises InputError."""
        tls = tls_context(self.ca, self.cert, self.cert_key) if self.ca or self.cert or self.cert_key else None
        return TransportSettings(tls, proxies.proxy(self.proxy) if self.proxy else None)


class TransportSettings(Struct, frozen=True):
    """The loaded options. `tls` is None for the system's authorities, `proxy` is None for no proxy. A target that can't
    be reached is tried again for `patience` seconds."""

    tls: ssl.SSLContext | None = None
    proxy: Endpoint | None = None
    patience: float = 0.0

    def open(self) -> HttpTransport:
        """Opens a new transport. The caller must abort it after use."""
        return HttpTransport(self.tls, self.proxy, patience=self.patience)
