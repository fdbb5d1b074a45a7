"""Room for a number of users at once: who comes first is first, and who leaves the queue leaves no gap."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from vendorsim.delivery.lanes import Room


def test_as_many_as_there_is_room_for_take_it_at_once() -> None:
    room = Room(2)

    assert [room.take(), room.take(), room.take()] == [True, True, False]


def test_room_that_is_left_goes_to_who_waits_longest() -> None:
    async def story(room: Room, begin: Callable[[str], Awaitable[asyncio.Task[None]]], came: list[str]) -> None:
        await begin("first")
        await begin("second")
        room.leave()
        # Nobody overtakes those who wait.
        assert not room.take()
        await asyncio.sleep(0)
        assert came == ["first"]

    _told(story)


def test_who_waits_no_more_takes_no_room() -> None:
    async def story(room: Room, begin: Callable[[str], Awaitable[asyncio.Task[None]]], came: list[str]) -> None:
        first = await begin("first")
        second = await begin("second")
        first.cancel()
        room.leave()
        await asyncio.wait({first, second})
        assert came == ["second"]

    _told(story)


def test_room_is_passed_on_by_who_gets_it_when_it_is_too_late() -> None:
    async def story(room: Room, begin: Callable[[str], Awaitable[asyncio.Task[None]]], came: list[str]) -> None:
        first = await begin("first")
        second = await begin("second")
        room.leave()
        first.cancel()
        await asyncio.wait({first, second})
        assert came == ["second"]

    _told(story)


def _told(
    story: Callable[[Room, Callable[[str], Awaitable[asyncio.Task[None]]], list[str]], Awaitable[None]],
) -> None:
    """Runs a story with a room for one, which is taken. `begin` lets another user wait for it."""

    async def run() -> None:
        room, came, tasks = Room(1), list[str](), list[asyncio.Task[None]]()
        assert room.take()

        async def use(name: str) -> None:
            await room.wait()
            came.append(name)

        async def begin(name: str) -> asyncio.Task[None]:
            tasks.append(asyncio.ensure_future(use(name)))
            await asyncio.sleep(0)
            return tasks[-1]

        await story(room, begin, came)
        for task in tasks:
            task.cancel()

    asyncio.run(run())
