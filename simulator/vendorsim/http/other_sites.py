"""Whether a browser sends a request for a page of another site."""

from __future__ import annotations

from urllib.parse import urlsplit

_OTHER_SITES = {"cross-site", "same-site"}


def is_of_another_site(origin: str | None, host: str, fetch_site: str) -> bool:
    """Whether a browser sent the request for a page of another site, by its headers `Origin`, `Host` and
    `Sec-Fetch-Site`."""
    foreign = origin is not None and urlsplit(origin).netloc.lower() != host.lower()
    return foreign or fetch_site in _OTHER_SITES
