"""Predictors by name: the session's, and those that a program declares."""

from __future__ import annotations

import asyncio
import functools
from decimal import Decimal
from typing import Any

import pytest

from lua_procedures import ModelError, SchemaError, UsageError
from lua_procedures.predictors.lookup import Predictors
from lua_procedures.primitives.misuse import Misuse


def size(given: dict[str, Any]) -> int:
    return len(given)


async def size_later(given: dict[str, Any]) -> int:
    await asyncio.sleep(0)
    return len(given)


class Callable:
    async def __call__(self, given: dict[str, Any]) -> int:
        return len(given)


def fail(given: dict[str, Any]) -> None:
    raise given["error"]


SESSION = {"size": size, "later": size_later, "object": Callable(), "fail": fail}


@pytest.mark.parametrize("kind", [None, "python", "registry", "sklearn"])
def test_a_callable_gets_the_dict(kind):
    """The session's callable is found by name, declared or not, and gets the input as it is."""
    found = Predictors(SESSION).get("size", kind and {"type": kind})
    assert found.call({"a": 1, "b": [2]}) == 2
    assert asyncio.run(found.predict({})) == 0
    assert not found.is_async


@pytest.mark.parametrize("value", [size_later, Callable(), functools.partial(size_later)])
def test_async_predictors(value):
    """A coroutine function is awaited; where nothing awaits it has a loop of its own."""
    found = Predictors({"m": value}).get("m")
    assert found.is_async
    assert asyncio.run(found.predict({"a": 1})) == 1
    assert found.call({"a": 1}) == 1


def test_unknown_names():
    """An unknown name is an error that lists the known, those of the program too."""
    predictors = Predictors(SESSION)
    assert predictors.names == ["fail", "later", "object", "size"]
    with pytest.raises(ModelError, match="Model 'x' is not known; known: declared, fail, later, object, size"):
        predictors.get("x", known=["declared", "x"])
    with pytest.raises(ModelError, match="Model 'x' is not known; known: none"):
        Predictors().get("x", {"type": "python"})


@pytest.mark.parametrize("value", [5, "text", type("Estimator", (), {"predict": None})])
def test_what_is_no_predictor(value):
    """A value that is no predictor is refused by what it is."""
    with pytest.raises(UsageError, match="Model 'm': a"):
        Predictors({"m": value}).get("m")


def test_mocks():
    """A mock gives its value, a copy each time."""
    found = Predictors().get("m", {"type": "mock", "value": {"a": []}})
    found.call({})["a"].append(1)
    assert found.call({"x": 1}) == {"a": []}
    assert Predictors().get("m", {"type": "mock"}).call({}) is None


def test_declared_by_the_session():
    """A session may declare a predictor as a program does."""
    assert Predictors({"m": {"type": "mock", "value": 5}}).get("m").call({}) == 5
    with pytest.raises(ModelError, match="is not known"):
        Predictors({"m": {"type": "python"}}).get("m")


def test_schemas():
    """Input and output are checked by their declaration, as a program's are."""
    declared = {"input": {"a": {"type": "integer", "required": True}, "b": {"type": "integer", "default": 2}}}
    found = Predictors({"m": lambda given: {**given, "d": Decimal(1)}}).get(
        "m", {**declared, "output": {"a": "integer"}}
    )
    assert found.check({"c": 3, "a": 1.0}) == {"a": 1, "b": 2, "c": 3}
    assert list(found.check({"c": 3, "a": 1})) == ["a", "b", "c"]
    with pytest.raises(SchemaError, match='a: an integer expected, got "x"'):
        found.check({"a": "x"})
    assert found.call({"a": 1}) == {"a": 1}
    with pytest.raises(SchemaError, match='the output does not fit: a: an integer expected, got "x"'):
        found.call({"a": "x"})
    assert Predictors(SESSION).get("size").check({"a": 1}) == {"a": 1}


WRONG: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "type": ({"type": "onnx"}, Misuse, "type: one of http, mock, python, registry, sklearn expected, got 'onnx'"),
    "type of type": ({"type": 5}, Misuse, "got a number"),
    "input": ({"input": {"a": "strin"}}, SchemaError, "unknown type"),
    "output": ({"output": 5}, SchemaError, "a table of fields by name expected"),
    "features": ({"features": {"a": 1}}, Misuse, "features: a list of names expected, got a table with named keys"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_declarations(case):
    """A wrong declaration is refused where it is looked up."""
    declared, error, message = WRONG[case]
    with pytest.raises(error, match=message):
        Predictors(SESSION).get("size", declared)


def test_failures():
    """An exception of a predictor is a `ModelError` with its cause; one that ends the process passes."""
    found = Predictors(SESSION).get("fail")
    for error, said in {
        ValueError("no"): "ValueError: no",
        KeyError(): "KeyError",
        UsageError("not here"): "not here",
    }.items():
        with pytest.raises(ModelError) as caught:
            found.call({"error": error})
        assert (caught.value.message, caught.value.__cause__) == (said, error)
        with pytest.raises(ModelError):
            asyncio.run(found.predict({"error": error}))
    with pytest.raises(KeyboardInterrupt):
        found.call({"error": KeyboardInterrupt()})


def test_digest():
    """A recorded prediction answers the same name and input, whatever the predictor is."""
    one, other = (Predictors({name: size}).get(name) for name in ("m", "n"))
    assert one.digest('{"a":1}') == Predictors({"m": fail}).get("m").digest('{"a":1}')
    assert len({one.digest('{"a":1}'), one.digest('{"a":2}'), other.digest('{"a":1}')}) == 3
