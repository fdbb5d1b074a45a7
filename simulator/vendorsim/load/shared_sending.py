"""Sends a load from several processes of this machine, each of which sends its share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from vendorsim.delivery.play_options import Share
from vendorsim.delivery.workers import Workers
from vendorsim.http.loop import Stopping
from vendorsim.load.options import PreparedLoad
from vendorsim.load.sending import Sending
from vendorsim.load.tally import Tally


class View(AbstractContextManager[object], Protocol):
    """Shows a load to people."""

    def show(self, tally: Tally, under_way: int) -> None:
        """Shows the results so far, and the number of conversations in progress."""
        ...


def send_shares(prepared: PreparedLoad, count: int, view: View) -> tuple[Tally, str | None]:
    """Sends a load from `count` workers. Returns the results, and why they are incomplete, or None.

    Ctrl-C ends the sending early. The view is opened when the workers have started, since it may start threads.
    """

    def work(share: Share, hand_over: Callable[[Any], None], stopping: Stopping) -> None:
        def glance(tally: Tally, under_way: int) -> None:
            hand_over((tally, under_way))

        hand_over((Sending(prepared, share, glance=glance, stopping=stopping).run_to_end(), None))

    whole = Tally()
    progress: dict[int, tuple[Tally, int]] = {}
    with Workers(count, work) as workers, view:
        for number, (tally, under_way) in workers.messages():
            progress[number] = tally, under_way or 0
            if under_way is None:
                whole.merge(tally)
            elif number == min(progress):
                view.show(
                    _merged(tally for tally, _ in progress.values()), sum(count for _, count in progress.values())
                )
    whole.interrupted = workers.interrupted
    return whole, None if workers.failure is None else str(workers.failure)


def _merged(tallies: Iterable[Tally]) -> Tally:
    whole = Tally()
    for tally in tallies:
        whole.merge(tally)
    return whole
