"""Predictors that are asked over HTTP, by a server on this machine."""

from __future__ import annotations

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from lua_procedures import ModelError, SchemaError
from lua_procedures.predictors.lookup import Predictor, Predictors
from lua_procedures.primitives.misuse import Misuse

if TYPE_CHECKING:
    from collections.abc import Iterator


class Handler(BaseHTTPRequestHandler):
    """Answers by the path."""

    asked: list[Any] = []  # noqa: RUF012 - what came in since the server began
    over = threading.Event()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.asked.append((self.path, dict(self.headers), body))
        if self.path == "/slow":
            self.over.wait(30)
            return
        status, kind, text = {
            "/double": (200, "application/json", b""),
            "/text": (200, "text/plain; charset=utf-8", "gr\u00fcn".encode()),
            "/damaged": (200, "application/json", b'{"a":'),
            "/broken": (503, "text/plain", b"try  later\n" * 100),
            "/moved": (302, "text/plain", b""),
        }.get(self.path.partition("?")[0], (404, "text/plain", b""))
        text = text or (json.dumps({"twice": json.loads(body)["n"] * 2}).encode() if status == 200 else b"")
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    """The address of a server."""
    Handler.asked, Handler.over = [], threading.Event()
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}"
        Handler.over.set()
        listening.shutdown()
        thread.join()


def model(endpoint: str, *allowed: str, **declared: Any) -> Predictor:
    """A predictor that a program declares."""
    return Predictors(env_allowed=allowed).get("web", {"type": "http", "endpoint": endpoint, **declared})


def failure(predictor: Predictor, given: dict[str, Any] | None = None) -> ModelError:
    """What a prediction fails with."""
    with pytest.raises(ModelError) as error:
        asyncio.run(predictor.predict(given or {"n": 1}))
    return error.value


def test_json_goes_and_comes(server):
    """The input is posted as JSON, and the JSON that comes back is the prediction."""
    predictor = model(f"{server}/double", input={"n": "integer"}, output={"twice": "integer"})
    assert predictor.is_async
    assert asyncio.run(predictor.predict({"n": 2, "text": "é"})) == {"twice": 4}
    assert predictor.call({"n": 3}) == {"twice": 6}
    path, headers, body = Handler.asked[0]
    assert (path, headers["content-type"]) == ("/double", "application/json")
    assert json.loads(body) == {"n": 2, "text": "é"}
    with pytest.raises(SchemaError, match="the output does not fit"):
        model(f"{server}/double", output={"twice": "string"}).call({"n": 1})


def test_other_answers_are_text(server):
    """An answer that is not JSON is its text."""
    assert model(f"{server}/text").call({}) == "grün"


def test_headers(server, monkeypatch):
    """Headers are sent, filled in from the environment variables that are allowed."""
    monkeypatch.setenv("MODEL_TOKEN", "s3cret")
    headers = {"Authorization": "Bearer {env.MODEL_TOKEN}", "X-Kind": "a {b}"}
    model(f"{server}/double", "MODEL_TOKEN", headers=headers).call({"n": 1})
    _, sent, _ = Handler.asked[0]
    assert (sent["Authorization"], sent["X-Kind"]) == ("Bearer s3cret", "a {b}")


def test_variables_that_are_not_there(server, monkeypatch):
    """A variable that is not allowed, not set, or no header's text is an error that shows no secret."""
    monkeypatch.setenv("MODEL_TOKEN", "s3\ncret")
    headers = {"Authorization": "{env.MODEL_TOKEN}"}
    refused = failure(model(f"{server}/double", headers=headers))
    assert "the environment variable MODEL_TOKEN is not allowed" in str(refused)
    assert "env_allowed" in str(refused)
    broken = failure(model(f"{server}/double", "MODEL_TOKEN", headers=headers))
    assert broken.message == "headers: Authorization: one line of ASCII text expected"
    monkeypatch.delenv("MODEL_TOKEN")
    absent = failure(model(f"{server}/double", "MODEL_TOKEN", headers=headers))
    assert "the environment variable MODEL_TOKEN is not set" in str(absent)
    assert Handler.asked == []


def test_refusals_name_address_and_status(server):
    """A refusal is an error with the address, the status and the beginning of what was said; nothing is tried again."""
    refused = failure(model(f"{server}/broken"))
    assert refused.message.startswith(f"{server}/broken answered 503 Service Unavailable: try later try")
    assert len(refused.message) < 400
    assert failure(model(f"{server}/nowhere")).message.endswith("/nowhere answered 404 Not Found")
    assert failure(model(f"{server}/moved")).message.endswith("/moved answered 302 Found")
    assert [path for path, *_ in Handler.asked] == ["/broken", "/nowhere", "/moved"]


def test_addresses_are_shown_without_secrets(server):
    """User, password and query of an address do not show in an error."""
    address = server.replace("http://", "http://user:pass@")
    said = failure(model(f"{address}/nowhere?key=k3y#part")).message
    assert said == f"{server}/nowhere answered 404 Not Found"


def test_what_does_not_answer(server):
    """Too slow, not there, and damaged are errors that name the address."""
    assert failure(model(f"{server}/slow", timeout=0.1)).message == (f"{server}/slow did not answer within 0.1 seconds")
    assert "/damaged answered with damaged JSON" in failure(model(f"{server}/damaged")).message
    gone = failure(model("http://127.0.0.1:1/x")).message
    assert gone.startswith("http://127.0.0.1:1/x cannot be reached: ")


def test_an_input_that_is_no_json(server):
    """What JSON cannot say is not sent."""
    for value in (object(), float("nan"), b"x"):
        assert "the input cannot be sent as JSON" in failure(model(f"{server}/double"), {"n": value}).message
    assert Handler.asked == []


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no endpoint": ({}, "endpoint: an address such as https://host/path expected, got nil"),
    "a path": ({"endpoint": "/predict"}, 'endpoint: an address such as https://host/path expected, got "/predict"'),
    "another scheme": ({"endpoint": "file:///etc/passwd"}, "endpoint: an address"),
    "no address": ({"endpoint": "http://h:port"}, "endpoint: an address"),
    "timeout": ({"endpoint": "http://h", "timeout": "5"}, "timeout: a number of seconds expected, got a string"),
    "no time": ({"endpoint": "http://h", "timeout": 0}, "timeout: a number of seconds above 0 expected, got 0"),
    "headers": ({"endpoint": "http://h", "headers": ["a"]}, "headers: a table of texts by name expected, got a list"),
    "a header": ({"endpoint": "http://h", "headers": {"X": 5}}, "headers: X: a string expected, got a number"),
    "its name": ({"endpoint": "http://h", "headers": {"X Y": "z"}}, 'the name of a header expected, got "X Y"'),
    "its text": ({"endpoint": "http://h", "headers": {"X": "a\nb"}}, "headers: X: one line of ASCII text expected"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_declarations(case):
    """A wrong declaration is refused before anything is sent."""
    declared, message = WRONG[case]
    with pytest.raises(Misuse) as error:
        Predictors().get("web", {"type": "http", **declared})
    assert message in str(error.value)
