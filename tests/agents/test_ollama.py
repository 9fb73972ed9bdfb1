"""Calls of a local model through Ollama's client."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from lua_procedures import ModelError

END = {"done": True, "done_reason": "stop", "prompt_eval_count": 3, "eval_count": 2}


class Ollama(ThreadingHTTPServer):
    """Speaks the protocol of Ollama's chat, and answers each request with the same lines."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.lines = []
        self.status = 200
        self.requests = []


class Handler(BaseHTTPRequestHandler):
    server: Ollama

    def log_message(self, *_):
        """Nothing: a test's output is its own."""

    def do_POST(self):
        self.server.requests.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.server.status)
        self.end_headers()
        for line in self.server.lines:
            self.wfile.write(json.dumps(line).encode() + b"\n")


@pytest.fixture
def ollama():
    """A server that runs in a thread of its own."""
    with Ollama() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def model(ollama):
    """A model that asks the server."""
    from langchain_ollama import ChatOllama

    return ChatOllama(model="llama3", base_url=f"http://127.0.0.1:{ollama.server_address[1]}", seed=1)


def said(content, **more):
    """A line of the protocol."""
    return {"model": "llama3", "message": {"role": "assistant", "content": content}, "done": False, **more}


def asking(**settings):
    """A request with one message."""
    return {"model": {"name": None, "settings": settings}, "messages": [{"role": "user", "content": "Hi"}]}


def test_settings(ollama, model, ask):
    """Settings reach the model beside its own; the model that was given is as it was."""
    ollama.lines = [said("Hello"), said(" you", **END)]
    pieces: list[str] = []
    answer = ask(model, asking(temperature=0.5, max_tokens=9), pieces.append)
    assert (answer["content"], pieces) == ("Hello you", ["Hello", " you"])
    assert answer["usage"] == {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    assert ollama.requests[0]["options"] == {"temperature": 0.5, "num_predict": 9, "seed": 1}
    assert (model.temperature, model.num_predict) == (None, None)


def test_an_answer_that_breaks_off(ollama, model, ask):
    """A stream that just ends is no answer."""
    ollama.lines = [said("Hello")]
    with pytest.raises(ModelError, match=r"^ChatOllama llama3: the answer broke off$"):
        ask(model, asking())


def test_a_model_that_is_not_there(ollama, model, ask):
    """The server's message is the error."""
    ollama.lines, ollama.status = [{"error": "model 'llama3' not found"}], 404
    with pytest.raises(ModelError, match="ChatOllama llama3: 404 ") as caught:
        ask(model, asking())
    assert "model 'llama3' not found" in str(caught.value)
    assert not caught.value.retryable
