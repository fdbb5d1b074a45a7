"""The deliveries that leave at once because a fault asks for it: twins, and consecutive events that overlap."""

from __future__ import annotations

from msgspec import Struct, field

from vendorsim.delivery.requests import Delivery


class Salvo(Struct):
    """Deliveries to one target that leave at once. `behind` are later copies of them, which leave afterwards.

    It is complete when it holds deliveries of `size` events.
    """

    size: int = 1
    members: list[Delivery] = field(default_factory=list)
    behind: list[Delivery] = field(default_factory=list)

    def add(self, delivery: Delivery) -> bool:
        """Adds a delivery at its first attempt. Returns whether the salvo is complete."""
        if any(member.event is delivery.event for member in self.members):
            self.behind.append(delivery)
            return False
        label = f"overlap={self.size}"
        for member in (delivery, *delivery.twins):
            if label not in member.planned:
                member.planned = (*member.planned, label)
            self.members.append(member)
        return len({member.event.id for member in self.members}) == self.size


class Salvos:
    """Collects the deliveries of one conversation into salvos, for each target by itself."""

    __slots__ = ("_open",)

    def __init__(self) -> None:
        self._open: dict[int, Salvo] = {}

    def take(self, delivery: Delivery) -> Salvo | None:
        """Returns what leaves now that a delivery is due; None if it waits for the events that it overlaps with."""
        if delivery.attempts:
            return Salvo(members=[delivery])
        target = id(delivery.destination)
        if delivery.overlap == 1 and target not in self._open:
            return Salvo(members=[delivery, *delivery.twins])
        salvo = self._open.setdefault(target, Salvo(delivery.overlap))
        if not salvo.add(delivery):
            return None
        return self._open.pop(target)

    def release(self) -> Salvo | None:
        """Removes and returns a salvo that waits for more events; None if there is none."""
        return self._open.pop(next(iter(self._open))) if self._open else None
