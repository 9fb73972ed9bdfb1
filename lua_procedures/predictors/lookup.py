"""The predictors of a run by name: the session's, and those that the program declares."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Protocol

from ..durable.plain import normalise
from ..errors import ModelError, ProcedureError, UsageError
from ..primitives.misuse import Misuse, kind_of
from ..program import check_inputs, check_output, check_output_schema, declared_fields
from ..tools.calling import wait_for
from .estimators import Estimator
from .web import Web

__all__ = ["Predictor", "Predictors"]

_TYPES: Final = ("http", "mock", "python", "registry", "sklearn")


class Backend(Protocol):
    """Answers an input that was checked."""

    @property
    def is_async(self) -> bool:
        """Whether it is to be awaited."""
        ...

    def run(self, given: dict[str, Any]) -> Any:
        """The prediction, or an awaitable of it."""
        ...


class Predictor:
    """What answers one name.

    Attributes:
        name: the name in ``Model("name")``.
    """

    def __init__(self, name: str, backend: Backend, declaration: Mapping[str, Any] | None = None) -> None:
        self.name = name
        self._backend = backend
        self._input = (declaration or {}).get("input")
        self._output = (declaration or {}).get("output")

    @property
    def is_async(self) -> bool:
        """Whether it is to be awaited; a sync predictor runs in the caller's thread."""
        return self._backend.is_async

    def digest(self, asked: str) -> str:
        """What a recorded prediction answers: the predictor's name and the text of the input."""
        return f"{self.name}\x1f{asked}"

    def check(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The input with declared defaults filled in, declared fields first.

        Raises:
            SchemaError: it does not fit the declaration.
        """
        if self._input is None:
            return dict(given)
        checked, undeclared = check_inputs(self._input, given)
        names = [name for name in declared_fields(self._input) if name in checked] + undeclared
        return {name: checked[name] for name in names}

    def doubt(self, given: Mapping[str, Any]) -> str | None:
        """What the user should know of how a checked input is taken, or None."""
        names = self._backend.assumed_order(given) if isinstance(self._backend, Estimator) else []
        if not names:
            return None
        listed = ", ".join(f'"{name}"' for name in names)
        return (
            f"{self.name}: the estimator names no features, so the values go to it in the order of their keys "
            f"({', '.join(names)}). Declare the order with features={{{listed}}}"
        )

    def call(self, given: Mapping[str, Any]) -> Any:
        """Predict; an async predictor runs in an event loop of its own.

        Args:
            given: the checked input, plain data by name.

        Returns:
            The prediction, checked against the declared output; without one as the predictor gave it.

        Raises:
            ModelError: it failed, with its error as the cause.
            SchemaError: its output does not fit the declaration.
        """
        with _failing():
            result = self._backend.run(dict(given))
            result = wait_for(result) if inspect.isawaitable(result) else result
        return self._checked(result)

    async def predict(self, given: Mapping[str, Any]) -> Any:
        """As ``call``, and awaits where there is something to await."""
        with _failing():
            result = self._backend.run(dict(given))
            result = await result if inspect.isawaitable(result) else result
        return self._checked(result)

    def _checked(self, result: Any) -> Any:
        return result if self._output is None else check_output(self._output, normalise(result))[0]


@contextmanager
def _failing() -> Iterator[None]:
    """An exception of the predictor becomes a ``ModelError``."""
    try:
        yield
    except ModelError:
        raise
    except ProcedureError as error:
        raise ModelError(error.message, hint=error.hint) from error
    except Exception as error:
        said = str(error)
        raise ModelError(f"{type(error).__name__}: {said}" if said else type(error).__name__) from error


class Predictors:
    """All predictors that a run can name.

    Args:
        session: name → a callable, or an object with ``predict``; or a declaration as in Lua.
        env_allowed: the environment variables that headers may name, as ``{env.NAME}``.
    """

    def __init__(self, session: Mapping[str, Any] | None = None, env_allowed: Collection[str] = ()) -> None:
        self._session = session or {}
        self._env_allowed = env_allowed

    @property
    def names(self) -> list[str]:
        """The names that the session has, sorted."""
        return sorted(self._session)

    @property
    def told(self) -> list[tuple[str, Any]]:
        """Each name of the session with its declaration, or None where it is a Python object."""
        told = {name: dict(each) if isinstance(each, Mapping) else None for name, each in self._session.items()}
        return sorted(told.items(), key=lambda each: each[0])

    def get(self, name: str, declaration: Mapping[str, Any] | None = None, known: Collection[str] = ()) -> Predictor:
        """The predictor of a name.

        Args:
            name: the name in ``Model("name")``.
            declaration: what ``Model "name" {…}`` declares: ``type`` (``python``, ``registry`` or ``sklearn``: the
                session's of that name; ``http`` with ``endpoint``, ``headers``, ``timeout`` in seconds; ``mock`` with
                ``value``), ``input``, ``output``, ``features`` (the order of an estimator's inputs).
            known: names declared in the program, for the message.

        Raises:
            ModelError: the session has no predictor of that name; the message lists the known.
            Misuse: the declaration is wrong.
            SchemaError: its ``input`` or ``output`` is no schema.
            UsageError: what the session has under that name is no predictor.
        """
        if declaration is None and isinstance(self._session.get(name), Mapping):
            declaration = self._session[name]
        declared = {} if declaration is None else _checked_declaration(declaration)
        kind = declared.get("type", "registry")
        if kind == "http":
            return Predictor(name, Web(declared, self._env_allowed), declared)
        if kind == "mock":
            return Predictor(name, _Fixed(declared.get("value")), declared)
        if name not in self._session or isinstance(self._session[name], Mapping):
            listed = ", ".join(sorted({*self._session, *known} - {name})) or "none"
            raise ModelError(
                f"Model {name!r} is not known; known: {listed}",
                hint=f'Give it by --predictors, predictors={{"{name}": …}} or get_session().predictors, '
                "or declare it with type http or mock.",
            )
        return Predictor(name, _of_object(name, self._session[name], declared), declared)


def _checked_declaration(declared: Mapping[str, Any]) -> dict[str, Any]:
    kind = declared.get("type", "registry")
    if kind not in _TYPES:
        shown = repr(kind) if isinstance(kind, str) else kind_of(kind)
        raise Misuse(f"type: one of {', '.join(_TYPES)} expected, got {shown}")
    if declared.get("input") is not None:
        declared_fields(declared["input"])
    if declared.get("output") is not None:
        check_output_schema(declared["output"])
    features = declared.get("features")
    if features and not (isinstance(features, list) and all(isinstance(each, str) for each in features)):
        raise Misuse(f"features: a list of names expected, got {kind_of(features)}")
    return dict(declared)


def _of_object(name: str, value: Any, declared: Mapping[str, Any]) -> Backend:
    """An estimator where it can predict, else a callable."""
    if isinstance(value, type):
        raise UsageError(f"Model {name!r}: a predictor expected, got the class {value.__name__}: give an instance")
    if callable(getattr(value, "predict", None)):
        return Estimator(value, declared.get("features") or ())
    if callable(value):
        return _Callable(value)
    raise UsageError(f"Model {name!r}: a callable or an object with predict expected, got a {type(value).__name__}")


class _Fixed:
    """Always the same value."""

    is_async = False

    def __init__(self, value: Any) -> None:
        self._value = value

    def run(self, given: dict[str, Any]) -> Any:
        return copy.deepcopy(self._value)


class _Callable:
    """A function of the input."""

    def __init__(self, function: Callable[[dict[str, Any]], Any]) -> None:
        called = function if inspect.isroutine(function) else getattr(function, "__call__", function)  # noqa: B004
        self.is_async = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called)
        self._function = function

    def run(self, given: dict[str, Any]) -> Any:
        return self._function(given)
