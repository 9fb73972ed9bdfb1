"""What the tests of chat models share: a server, a model that asks it, and both ways to make a call."""

from __future__ import annotations

import asyncio

import pytest

from lua_procedures.agents import threads
from lua_procedures.agents.calling import acall, call

from ..bounds import PATIENCE
from .openai_server import serving


@pytest.fixture
def server():
    """A server of its own."""
    with serving() as running:
        yield running


@pytest.fixture
def model(server):
    """A model of OpenAI's that asks the server, without retries of its own."""
    from langchain_openai import ChatOpenAI

    return ChatOpenAI(model="gpt-4o-mini", base_url=server.url, api_key="sk-of-a-test", max_retries=0, timeout=PATIENCE)


@pytest.fixture(params=["sync", "async"])
def ask(request, monkeypatch):
    """Makes a call, in both ways; no event loop owns the async clients before."""
    monkeypatch.setattr(threads, "_homes", [])
    if request.param == "sync":
        return call
    return lambda *args, **options: asyncio.run(acall(*args, **options))
