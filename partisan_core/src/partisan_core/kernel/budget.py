"""What one peer may make this node hold of large messages that have not arrived whole."""

import trio


class Budget:
    """The bytes of one peer, on all of its lanes together."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._used = 0
        self._freed = trio.lowlevel.ParkingLot()

    def reserve(self, size: int) -> bool:
        """Set `size` bytes apart, if there is room; a single message always has."""
        if self._used and self._used + size > self.limit:
            return False
        self._used += size
        return True

    def release(self, size: int) -> None:
        """Give them back."""
        self._used -= size
        self._freed.unpark_all()

    async def wait_freed(self) -> None:
        """Wait until something was given back."""
        await self._freed.park()


class Claim:
    """One lane's part of the budget, for the message that is arriving there. The lane waits until it has it."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._size = self._due = 0

    def begin(self, size: int) -> bool:
        """A message of `size` bytes has begun. False: the lane is to `wait_room`."""
        self._due = size
        return self._settle()

    def end(self) -> None:
        """The message is complete, or will never be. Idempotent."""
        size, self._size, self._due = self._size, 0, 0
        if size:
            self._budget.release(size)

    @property
    def obstacle(self) -> str:
        """What the lane waits for."""
        return f"unfinished messages fill limits.unfinished, {self._budget.limit} bytes"

    async def wait_room(self) -> None:
        """Wait until the message has its part of the budget."""
        while not self._settle():
            await self._budget.wait_freed()

    def _settle(self) -> bool:
        if self._due and self._budget.reserve(self._due):
            self._size, self._due = self._due, 0
        return not self._due
