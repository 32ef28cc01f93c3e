"""The event listener: reads on whenever the chain has news, makes expired options pay, one step at a time.

Whoever watches calls `read_on` at its own pace; `follow` calls it as soon as there is news. Both may run at once.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from bethna_cli.domain.chain import Hash
from bethna_cli.domain.errors import BethnaError
from bethna_cli.flow.execute import ExecutionDesk
from bethna_cli.flow.record import RecordDesk, Recorded, catch_up, note, rescan
from bethna_cli.flow.redeem import Redeemed, redeem_due
from bethna_cli.ports import News, Redemptions

Heard = Callable[[Recorded | BethnaError], None]
"""Told what came of a look."""


@dataclass(slots=True)
class Listener:
    """One account's listener. execution, redemptions: None where nobody pays for what is due at expiry.

    stop: once it is set, a long reading ends after the step that it is in; what was read stays.
    """

    record: RecordDesk
    execution: ExecutionDesk | None = None
    redemptions: Redemptions | None = None
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def read_on(self) -> Recorded:
        """Read to the newest block, and make pay what has run out. Raises BethnaError when it is cut short."""
        async with self._turn:
            recorded = await catch_up(self.record, self._advanced)
            await self._redeem()
            return recorded

    def _advanced(self, done: int, all_: int) -> None:
        if self.stop.is_set() and done < all_:
            raise BethnaError(f"The reading was cut short {all_ - done:,} blocks before the newest one.")

    async def look_again(self) -> Recorded:
        """Read the last hours a second time."""
        async with self._turn:
            return await rescan(self.record)

    async def note(self, transaction: Hash) -> None:
        """Write down what one mined transaction did, at once."""
        async with self._turn:
            await note(self.record, transaction)

    async def _redeem(self) -> list[Redeemed]:
        if self.execution is None or self.redemptions is None:
            return []
        return await redeem_due(self.execution, self.record, self.redemptions)

    async def follow(self, news: News, stop: asyncio.Event, heard: Heard) -> None:
        """Read on whenever there is news until `stop`; a look that failed is told, and the next word is another try."""
        words = news.news()
        stopping = asyncio.ensure_future(stop.wait())
        try:
            while not stop.is_set():
                word = asyncio.ensure_future(anext(words))
                await asyncio.wait({word, stopping}, return_when=asyncio.FIRST_COMPLETED)
                if stop.is_set():
                    word.cancel()
                    await asyncio.gather(word, return_exceptions=True)
                    return
                await word
                try:
                    heard(await self.read_on())
                except BethnaError as error:
                    heard(error)
        finally:
            stopping.cancel()
