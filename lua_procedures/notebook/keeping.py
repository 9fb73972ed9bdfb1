"""When the browser keeps a panel: from a moment after a pass's first drawing to the pass's end."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from .ended import Ended
from .kernel import can_wait

if TYPE_CHECKING:
    from .keeper import Keeper

__all__ = ["Keeping"]

_KEPT: Final = 0.4  # seconds from the first drawing to where somebody may have opened something
_MOST: Final = 4  # of passes whose pages are told how a run went on
_BY_HAND: Final = "by hand, in the panel"

_ended = Ended()
_told: set[str] = set()  # why there was no keeper; once is enough


class Keeping:
    """The widgets beside one panel, one for each pass that takes a while.

    Args:
        mark: the class of the panel's outermost element.
        tell: called with a sentence where no widget can be made.
    """

    def __init__(self, mark: str, tell: Callable[[str], None]) -> None:
        self._mark = mark
        self._tell = tell
        self._timer: asyncio.TimerHandle | None = None
        self._ask_to_stop: Callable[[str], None] | None = None
        self._left: deque[Keeper] = deque(maxlen=_MOST)
        self._pass = 0
        self.keeper: Keeper | None = None

    def begin(self, ask_to_stop: Callable[[str], None] | None) -> None:
        """A pass begins, whose program is asked to stop with that."""
        self._ask_to_stop = ask_to_stop

    def soon(self) -> None:
        """The panel is drawn: keep it once the run has gone on for a while, also where it is silent then."""
        if self._timer is None:
            with suppress(RuntimeError):  # no loop, so that nothing that is pressed would arrive
                self._timer = asyncio.get_running_loop().call_later(_KEPT, self._load)

    def show(self, bundle: Mapping[str, Any]) -> None:
        """The output shows this from now on."""
        if self.keeper is not None:
            self.keeper.show(bundle)

    def end(self, bundle: Mapping[str, Any]) -> None:
        """The pass is over, and this is what is left of it in the output."""
        if self._timer is not None:
            self._timer.cancel()
        if self.keeper is not None:
            self._left.append(self.keeper)
            _ended.add(self.keeper)
        for keeper in self._left:
            keeper.end(bundle)
        self._timer = self._ask_to_stop = self.keeper = None
        self._pass += 1

    def _load(self) -> None:
        """Import the widgets beside the run, which would stand still for it."""
        loading = asyncio.get_running_loop().run_in_executor(None, import_module, f"{__package__}.keeper")
        loading.add_done_callback(partial(self._loaded, self._pass))

    def _loaded(self, begun_in: int, loading: asyncio.Future[Any]) -> None:
        """The result is looked at in any case; it may come when the pass is over."""
        error = None if loading.cancelled() else loading.exception()
        if begun_in != self._pass or loading.cancelled():
            return
        if error is None:
            self._make(loading.result().Keeper)
        elif str(error) not in _told:
            _told.add(str(error))
            self._tell(f"Sections close again at each drawing, and no stop can be requested here: {error}")

    def _make(self, kind: type[Keeper]) -> None:
        stop = partial(asyncio.get_running_loop().call_soon_threadsafe, self._request_stop)
        offers = self._ask_to_stop is not None and can_wait()  # an older kernel would deliver the click too late
        self.keeper = kind(self._mark, stop if offers else None)

    def _request_stop(self) -> None:
        if self._ask_to_stop is not None and self.keeper is not None:
            self.keeper.stoppable = False
            self._ask_to_stop(_BY_HAND)
