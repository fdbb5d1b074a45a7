"""Which checks run at the same time, in which order, and what becomes of the others when one ends the run."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from command_line import Vendorsim
from receiver import Connection, Receiver, Request, reset, status
from vendorsim.checks.floor import Floor
from vendorsim.checks.model import FAMILIES
from vendorsim.checks.registry import all_checks
from vendorsim.checks.schedule import SCHEDULE, stages


class TestStages:
    def test_each_check_runs_once(self) -> None:
        names = [check.id for stage in stages(all_checks()) for check in stage]
        assert sorted(names) == sorted(check.id for check in all_checks())

    def test_the_plain_events_come_first_and_alone(self) -> None:
        assert [check.id for check in stages(all_checks())[0]] == ["accepts.typical"]

    def test_requests_that_collide_come_after_all_that_is_about_single_ones(self) -> None:
        order = {check.id: number for number, stage in enumerate(stages(all_checks())) for check in stage}
        assert len({order[name] for name in order if name.startswith("concurrent.")}) == 1
        assert order["retry_safe"] < order["concurrent.twins"]

    def test_the_schedule_names_nothing_unknown(self) -> None:
        named = {name for entry in SCHEDULE for name in ([entry] if isinstance(entry, str) else entry)}
        assert named <= {*FAMILIES, *(check.id for check in all_checks())}

    def test_selected_checks_keep_their_stages(self) -> None:
        selected = [check for check in all_checks() if check.id in ("retry_safe", "isolated", "rejects.oversize")]
        assert [[check.id for check in stage] for stage in stages(selected)] == [
            ["rejects.oversize"],
            ["retry_safe", "isolated"],
        ]


def run(*work: Coroutine[Any, Any, object]) -> None:
    async def together() -> None:
        await asyncio.gather(*work)

    asyncio.run(together())


class TestTheFloor:
    def test_it_has_as_many_places_as_there_is_room(self) -> None:
        floor = Floor(lambda: 2)
        inside: set[int] = set()
        most = 0

        async def stay(number: int) -> None:
            nonlocal most
            async with floor.place():
                inside.add(number)
                most = max(most, len(inside))
                await asyncio.sleep(0)
                inside.remove(number)

        run(*(stay(number) for number in range(6)))
        assert most == 2

    def test_who_is_alone_is_with_nobody_and_waits_for_those_before(self) -> None:
        floor = Floor(lambda: 4)
        seen: list[str] = []

        async def stay(name: str) -> None:
            async with floor.place():
                seen.append(f"{name} comes")
                await asyncio.sleep(0)
                seen.append(f"{name} goes")

        async def alone() -> None:
            async with floor.alone():
                seen.append("alone comes")
                await asyncio.sleep(0)
                seen.append("alone goes")

        run(stay("a"), stay("b"), alone(), stay("c"))
        assert seen == ["a comes", "b comes", "a goes", "b goes", "alone comes", "alone goes", "c comes", "c goes"]

    def test_who_gives_up_keeps_nobody_waiting(self) -> None:
        floor = Floor(lambda: 1)
        seen: list[str] = []

        async def stay() -> None:
            async with floor.place():
                seen.append("in")

        async def scene() -> None:
            async with floor.place():
                waiting = asyncio.ensure_future(floor.alone().__aenter__())
                behind = asyncio.ensure_future(stay())
                await asyncio.sleep(0)
                waiting.cancel()
                await asyncio.wait({waiting})
            await behind

        run(scene())
        assert seen == ["in"]


@pytest.mark.slow
def test_a_target_that_is_gone_ends_all_checks_of_the_stage_and_is_told_once(vendorsim: Vendorsim) -> None:
    def dying(connection: Connection, request: Request) -> None:
        if len(target.requests) < 60:
            connection.send(status(200))
        else:
            target.stop_listening()
            reset(connection, request)

    with Receiver(dying) as target:
        done = vendorsim(
            "check", "--vendor", "messagehub", "--to", target.url(), "--only", "accepts,tolerates", "--json"
        )
    (finding,) = done.json["findings"]
    assert (done.code, finding["severity"]) == (1, "error")
    assert "can't be reached any more" in finding["message"]
    first, *others = done.json["checks"]
    assert first["status"] == "passed"
    assert all("can't be reached any more" in check["reason"] for check in others)


class TestTimings:
    PLACE = ("--vendor", "smartsupp", "--only", "accepts,tolerates.key_order", "--timings")

    def test_they_stand_on_standard_error_beside_the_report(self, vendorsim: Vendorsim) -> None:
        with Receiver(status(200)) as target:
            plain = vendorsim("check", *self.PLACE[:-1], "--to", target.url())
            timed = vendorsim("check", *self.PLACE, "--to", target.url())
        assert timed.out == plain.out
        assert "phase" in timed.err
        assert "accepts, tolerates" in timed.err
        assert "seconds of each check:" in timed.err

    def test_the_json_document_has_every_phase_with_its_requests(self, vendorsim: Vendorsim) -> None:
        with Receiver(status(200)) as target:
            done = vendorsim("check", *self.PLACE, "--to", target.url(), "--json")
            without = vendorsim("check", *self.PLACE[:-1], "--to", target.url(), "--json")
            sent = len(target.requests)
        phases = done.json["timings"]
        assert [phase["phase"] for phase in phases] == ["preparation", "accepts", "accepts, tolerates", "accepts"]
        assert 2 * sum(phase["requests"] for phase in phases) == sent
        assert all(0 <= phase["idle"] <= phase["seconds"] for phase in phases)
        assert "timings" not in without.json

    def test_reads_of_the_state_are_counted(self, vendorsim: Vendorsim) -> None:
        reads: list[str] = []

        def answer(connection: Connection, request: Request) -> None:
            reading = request.line.startswith("GET")
            reads.extend([request.line] if reading else [])
            connection.send(status(404 if reading else 200))

        with Receiver(answer) as target:
            place = ("--vendor", "smartsupp", "--to", target.url(), "--probe", target.url() + "?id={conversation_id}")
            done = vendorsim("check", *place, "--only", "effects.none", "--settle", "1s", "--timings", "--json")
        assert sum(phase["reads"] for phase in done.json["timings"]) == len(reads) > 0
