"""Asking at a terminal while the run goes on listening: an answer from elsewhere closes the prompt."""

from __future__ import annotations

import _thread
import signal
import sys
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final, TextIO

from ..errors import AnswerRefused
from ..human.channels import came_from
from ..human.requests import HumanRequest
from ..human.responders import LATER, Deliver
from .conversation import Conversation
from .editor import Editor
from .prompts import Closed, Reader, reader_for
from .wording import question_lines

__all__ = ["TerminalResponder"]

_STOPPED: Final = "stopped"
_TAKEN: Final = f"answered {came_from('terminal')}"


class TerminalResponder:
    """Asks by prompts.

    The person is waited for on a thread, so that the run notices meanwhile that its time is over, that somebody else
    has answered, or that it is stopped.

    Args:
        stream: where the person reads.
        plain: whether to take lines as the terminal gives them.
    """

    channel = "terminal"

    def __init__(self, stream: TextIO, *, plain: bool = False) -> None:
        self._stream = stream
        self._plain = plain
        self._reader: Reader | None = None

    def ask(self, request: HumanRequest, deliver: Deliver) -> TerminalAsking:
        """Show the question with its prompt; an end of input is an answer later."""
        if self._reader is None:  # one for all questions: it knows what was typed ahead
            self._reader = reader_for(self._stream, plain=self._plain)
        self._reader.begin()
        self._write(question_lines(request))
        conversation = Conversation(request, self._reader, self._write, Editor(self._stream))
        return TerminalAsking(conversation, self._reader, self._write, deliver)

    def _write(self, line: str) -> None:
        self._stream.write(f"{line}\n")
        self._stream.flush()


class TerminalAsking:
    """A question with an open prompt."""

    def __init__(
        self, conversation: Conversation, reader: Reader, write: Callable[[str], object], deliver: Deliver
    ) -> None:
        self._conversation = conversation
        self._reader = reader
        self._write = write
        self._deliver = deliver
        self._replies: SimpleQueue[AnswerRefused | None] = SimpleQueue()
        self._is_typing = True
        self._is_taken = False
        self._in_main = threading.current_thread() is threading.main_thread()
        self._thread = threading.Thread(target=self._converse, name="lua_procedures-prompt", daemon=True)
        self._thread.start()

    def refuse(self, error: AnswerRefused) -> None:
        """Say what does not fit, and ask again."""
        self._is_typing = True
        self._replies.put(error)

    def close(self, how: str) -> None:
        """Close a prompt that is still open, and say why: somebody else answered, or the time is up.

        An editor that is open is waited for, since it has the terminal; only a stop ends it.
        """
        was_typing = self._is_typing
        self._is_taken = not was_typing and how == _TAKEN
        self._replies.put(None)
        self._reader.close()
        if how.startswith(_STOPPED):
            self._conversation.editing.stop()
        self._thread.join()
        if not self._is_taken and not how.startswith(_STOPPED):
            self._write(how)

    def _converse(self) -> None:
        try:
            self._ask()
        except Closed:
            self._conversation.editing.leave(is_taken=False)
        except EOFError:
            self._write("")
            self._end_later()
        except KeyboardInterrupt:
            self._conversation.editing.leave(is_taken=False)
            _stop_the_run() if self._in_main else self._deliver(LATER)
        except Exception as error:  # noqa: BLE001 - whatever fails here must not leave the run waiting for ever
            self._write(f"the prompt failed: {type(error).__name__}: {error}")
            self._end_later()

    def _ask(self) -> None:
        while True:
            answer = self._conversation.ask()
            self._is_typing = False
            self._deliver(answer)
            refusal = self._replies.get()
            if refusal is None:
                self._conversation.editing.leave(is_taken=self._is_taken)
                return
            self._conversation.refused(refusal)

    def _end_later(self) -> None:
        self._conversation.editing.leave(is_taken=False)
        self._is_typing = False
        self._deliver(LATER)


def _stop_the_run() -> None:
    """Do what Ctrl-C does where the terminal makes a signal of it."""
    main = threading.main_thread().ident
    if sys.platform == "win32" or main is None:
        _thread.interrupt_main()
    else:
        signal.pthread_kill(main, signal.SIGINT)
