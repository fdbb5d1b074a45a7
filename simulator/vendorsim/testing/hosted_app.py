"""Keeps the app under test running from one collected test to the next, instead of starting it for each."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from vendorsim.testing.hosting import hosted


class HostedApp:
    """Serves one app at a time, the latest. It keeps the app, so that a new one is never mistaken for it."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._app: Any = None
        self._url = ""

    def url(self, app: Any) -> str:
        """Returns the URL of the app, which is started unless it is running.

        Raises InputError or UnreachableError, as `hosted` does.
        """
        if app is not self._app:
            self.close()
            self._url = self._stack.enter_context(hosted(app))
            self._app = app
        return self._url

    def close(self) -> None:
        """Stops the app."""
        self._stack.close()
        self._app = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
