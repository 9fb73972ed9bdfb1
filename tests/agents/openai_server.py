"""A server that speaks the protocol of OpenAI's chat completions, on this machine, and answers by a script."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any


@dataclass
class Reply:
    """What the server does with one request.

    Attributes:
        content: the text.
        tool_calls: pairs of a name and the arguments, as a dict or as raw text.
        finish: the reason for the end; ``""`` for a stream that ends cleanly without one.
        status: another one than 200 is an error, with ``content`` as its message.
        headers: more headers.
        delay: seconds before anything is sent.
        pause: seconds between two pieces.
        cut_after: after so many pieces the connection is closed.
        bare: a stream without any piece.
        error: sent as an error within the stream, after the text.
    """

    content: str = ""
    tool_calls: tuple[tuple[str, Any], ...] = ()
    finish: str = "stop"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    pause: float = 0.0
    cut_after: int | None = None
    bare: bool = False
    error: str = ""


class Server(ThreadingHTTPServer):
    """Answers requests by the replies it was given, in order; the last one repeats.

    Attributes:
        requests: the bodies that came.
        gone: set when a client hung up before the end.
        keeps_alive: whether connections stay open after a reply.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replies: list[Reply] = []
        self.requests: list[dict[str, Any]] = []
        self.gone = Event()
        self.keeps_alive = False

    @property
    def url(self) -> str:
        """What a client takes as ``base_url``."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, *_: Any) -> None:
        """Nothing: clients hang up, and the tests see what came of it."""

    def next_reply(self) -> Reply:
        """The reply to the newest request."""
        return self.replies[min(len(self.requests), len(self.replies)) - 1]


@contextmanager
def serving() -> Iterator[Server]:
    """A server that runs in a thread of its own."""
    with Server() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *_: Any) -> None:
        """Nothing: a test's output is its own."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append({**body, "authorization": self.headers["Authorization"]})
        reply = self.server.next_reply()
        time.sleep(reply.delay)
        try:
            if reply.status != 200:
                self._json(reply, {"error": {"message": reply.content, "type": "some_error", "code": None}})
            elif body.get("stream"):
                self._stream(reply, body)
            else:
                self._json(reply, _whole(reply, body))
        except OSError:
            self.server.gone.set()
            self.close_connection = True

    def _say_whether_it_closes(self) -> None:
        if not self.server.keeps_alive:  # a connection left open would be a warning in a test
            self.send_header("Connection", "close")

    def _json(self, reply: Reply, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(reply.status)
        for name, text in {**reply.headers, "Content-Type": "application/json"}.items():
            self.send_header(name, text)
        self._say_whether_it_closes()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, reply: Reply, body: dict[str, Any]) -> None:
        self.send_response(200)
        self._say_whether_it_closes()
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number, event in enumerate(_events(reply, body)):
            if number == reply.cut_after:
                self.close_connection = True
                return
            self._chunk(f"data: {json.dumps(event)}\n\n")
            time.sleep(reply.pause)
        self._chunk("data: [DONE]\n\n")
        self._chunk("")

    def _chunk(self, text: str) -> None:
        data = text.encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()


def _frame(body: dict[str, Any], kind: str, choices: list[Any], **more: Any) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": kind,
        "created": 1,
        "model": f"{body['model']}-dated",
        "choices": choices,
        **more,
    }


_USAGE = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}


def _calls(reply: Reply) -> list[dict[str, Any]]:
    texts = [(name, args if isinstance(args, str) else json.dumps(args)) for name, args in reply.tool_calls]
    return [
        {"id": f"call_{place}", "type": "function", "function": {"name": name, "arguments": args}}
        for place, (name, args) in enumerate(texts)
    ]


def _whole(reply: Reply, body: dict[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.content or None}
    if reply.tool_calls:
        message["tool_calls"] = _calls(reply)
    choice = {"index": 0, "message": message, "finish_reason": reply.finish, "logprobs": None}
    return _frame(body, "chat.completion", [choice], usage=_USAGE)


def _events(reply: Reply, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if reply.bare:
        return
    for delta in _deltas(reply):
        yield _frame(body, "chat.completion.chunk", [{"index": 0, "delta": delta, "finish_reason": None}])
    if reply.error:
        yield {"error": {"message": reply.error, "type": "server_error"}}
    if reply.finish:
        yield _frame(body, "chat.completion.chunk", [{"index": 0, "delta": {}, "finish_reason": reply.finish}])
    if (body.get("stream_options") or {}).get("include_usage"):
        yield _frame(body, "chat.completion.chunk", [], usage=_USAGE)


def _deltas(reply: Reply) -> Iterator[dict[str, Any]]:
    yield {"role": "assistant", "content": ""}
    for word in reply.content.split(" ") if reply.content else ():
        yield {"content": word if reply.content.startswith(word) else f" {word}"}
    for index, call in enumerate(_calls(reply)):
        text = call["function"]["arguments"]
        yield {
            "tool_calls": [{**call, "index": index, "function": {"name": call["function"]["name"], "arguments": ""}}]
        }
        for start in range(0, len(text), 5):
            yield {"tool_calls": [{"index": index, "function": {"arguments": text[start : start + 5]}}]}
