"""Failures of chat models and their clients, as one kind of error."""

from __future__ import annotations

import email.message
import urllib.error

import httpx
import pytest
from langchain_core.exceptions import LangChainException

from lua_procedures.agents.failures import model_error, one_line


def response(status, **headers):
    """What a server said."""
    return httpx.Response(status, headers=headers, request=httpx.Request("POST", "http://host.invalid"))


def status_error(status, **headers):
    """An error as httpx raises it."""
    got = response(status, **headers)
    return httpx.HTTPStatusError("It did not work", request=got.request, response=got)


class Overloaded(LangChainException):
    """An error that says itself that it may pass."""

    is_retryable = True


class Api(Exception):
    """An error as a provider's client raises it, with what the provider said."""

    def __init__(self, body):
        super().__init__("Error code: 500")
        self.body = body


def caused(cause):
    """An error with a cause."""
    error = RuntimeError("It did not work")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "retryable"),
    [
        (TimeoutError("late"), True),
        (ConnectionResetError("gone"), True),
        (httpx.ConnectError("nobody there"), True),
        (httpx.ReadTimeout("late"), True),
        (caused(httpx.ConnectTimeout("late")), True),
        (Overloaded("busy"), True),
        (status_error(503), True),
        (urllib.error.HTTPError("http://host.invalid", 429, "busy", email.message.Message(), None), True),
        (status_error(404), False),
        (httpx.UnsupportedProtocol("ftp://"), False),
        (caused(httpx.LocalProtocolError("Illegal header value")), False),
        (ValueError("wrong"), False),
    ],
)
def test_what_may_pass(error, retryable):
    """Time-outs, connections and a provider's trouble may pass; a wrong request does not, whatever the client."""
    assert model_error("m", error).retryable is retryable


def test_what_was_being_handled_does_not_count():
    """An error raised while another one was handled is judged by itself."""
    error = ValueError("wrong")
    error.__context__ = TimeoutError("late")
    assert not model_error("m", error).retryable


@pytest.mark.parametrize(
    ("error", "begun", "said"),
    [
        (httpx.RemoteProtocolError("peer closed connection"), False, "m: the answer broke off"),
        (httpx.ReadError("reset"), True, "m: the answer broke off"),
        (ConnectionResetError("reset"), True, "m: the answer broke off"),
        (httpx.ReadError("reset"), False, "m: ReadError: reset"),
        (httpx.ReadTimeout("late"), True, "m: ReadTimeout: late"),
    ],
)
def test_broken_off(error, begun, said):
    """A connection that ends within an answer is an answer that broke off; silence is a time-out."""
    got = model_error("m", error, begun=begun)
    assert (got.message, got.retryable) == (said, True)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Api({"message": "No credit"}), "m: No credit"),
        (Api({"type": "error", "error": {"message": "No credit"}}), "m: No credit"),
        (Api("No credit"), "m: No credit"),
        (Api({"error": "odd"}), "m: odd"),
        (Api({"error": None}), "m: Error code: 500"),
        (Api(None), "m: Error code: 500"),
        (status_error(401), "m: 401 It did not work"),
        (TimeoutError(), "m: TimeoutError"),
        (KeyError("x"), "m: KeyError: 'x'"),
    ],
)
def test_the_providers_message(error, said):
    """The provider's own message counts, else the error's; one that says nothing is named."""
    assert model_error("m", error).message == said


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ({"retry-after": "2.5"}, 2.5),
        ({"retry-after": "-1"}, 0.0),
        ({"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT"}, None),
        ({}, None),
    ],
)
def test_retry_after(header, seconds):
    """How long the provider asks to wait is seconds, where it is a number."""
    assert model_error("m", status_error(429, **header)).retry_after == seconds


def test_secrets(monkeypatch):
    """Values of variables that are called keys, tokens or secrets are not shown; short ones are no secrets."""
    for name, value in {"A_KEY": "alpha-value", "B_TOKEN": "beta-value", "MY_SECRET": "alpha-value-longer"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("USE_KEY", "1")
    monkeypatch.setenv("PLAIN", "gamma-value")
    text = "alpha-value beta-value alpha-value-longer gamma-value 1 Bearer x.y-z SK-ABCDEFGH task-list"
    assert one_line(text) == "[secret] [secret] [secret] gamma-value 1 [secret] [secret] task-list"
    assert one_line("a very\nlong\ttext", ["very"]) == "a [secret] long text"


def test_one_line_is_short():
    """Whatever its length, a message has at most 500 characters, and no secret is cut in half before it is found."""
    text = one_line("x" * 10_000_000 + " secret-value", ["secret-value"])
    assert len(text) == 500
    assert text.endswith("…")
    assert "value" not in one_line("x" * 490 + " secret-value", ["secret-value"])
