"""URLs of PostgreSQL databases, without their secrets. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit

from vendorsim.core.errors import InputError

POSTGRES_SCHEMES = ("postgresql", "postgres")
UNREADABLE_URL = "this URL can't be read; write signs such as @ : / ? # % in its parts as %40 %3A %2F %3F %23 %25"


def scheme(url: str) -> str:
    """Returns the scheme of a URL, such as postgresql; empty for text that is no URL."""
    try:
        return urlsplit(url).scheme
    except ValueError:
        return ""


def masked(url: str) -> str:
    """Returns the URL without the password and without options, which may contain one too.

    Raises InputError if it is ambiguous where the password ends; the message hides the whole URL.
    """
    parts = urlsplit(url)
    if url.count("@") > 1 or (parts.netloc.count("@") < url.count("@")):
        raise InputError(f"{parts.scheme}://…: {UNREADABLE_URL}")
    user, at, host = parts.netloc.rpartition("@")
    return f"{parts.scheme}://{user.partition(':')[0]}{at}{host}{parts.path}"
