"""The variables of the notebook that the options of a cell name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..given import Given, typed_inputs
from ..language.hints import meant

if TYPE_CHECKING:
    import argparse

__all__ = ["answers_from", "given_from", "params_from"]


def given_from(options: argparse.Namespace, namespace: Mapping[str, Any]) -> Given:
    """The Python things that the options name.

    Raises:
        UsageError: a variable is not there, or is of the wrong type.
    """
    model = options.chat_model
    return Given(
        tools=_tools(options, namespace),
        predictors=_predictors(options, namespace),
        chat_model=_variable(namespace, model, "--chat-model") if model else None,
        mcp_servers=options.mcp_servers,
        env_allowed=options.env_allowed,
    )


def _tools(options: argparse.Namespace, namespace: Mapping[str, Any]) -> list[Any]:
    """The tools of the variables: each a tool, or a list or dict of them."""
    from ..tools.python import tool_of

    tools: list[Any] = []
    for name in filter(None, (options.tools or "").split(",")):
        given = _variable(namespace, name.strip(), "--tools")
        if isinstance(given, Mapping):
            tools += [tool_of(value, key) for key, value in given.items()]
        else:
            tools += given if isinstance(given, (list, tuple)) else [given]
    return tools


def _predictors(options: argparse.Namespace, namespace: Mapping[str, Any]) -> Mapping[str, Any]:
    if not options.predictors:
        return {}
    given = _variable(namespace, options.predictors, "--predictors")
    if not isinstance(given, Mapping):
        raise UsageError(f"--predictors {options.predictors}: a dict expected, got {type(given).__name__}")
    return given


def _variable(namespace: Mapping[str, Any], name: str, option: str) -> Any:
    if name not in namespace:
        near = meant(name, [each for each in namespace if not each.startswith("_")])
        raise UsageError(f"{option} {name}: there is no variable {name} in the notebook{near}")
    return namespace[name]


def answers_from(options: argparse.Namespace, namespace: Mapping[str, Any]) -> Any:
    """The scripted answers that ``--answers`` names, or the word ``default``.

    Raises:
        UsageError: the variable is not there.
    """
    if options.answers is None or options.answers == "default":
        return options.answers
    return _variable(namespace, options.answers, "--answers")


def params_from(options: argparse.Namespace, namespace: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs, of all options that give any.

    Raises:
        UsageError: a variable is not there or is no dict, or an input is no ``KEY=VALUE``.
    """
    params: dict[str, Any] = {}
    if options.params:
        given = _variable(namespace, options.params, "--params")
        if not isinstance(given, Mapping):
            raise UsageError(f"--params {options.params}: a dict expected, got {type(given).__name__}")
        params.update(given)
    for name in filter(None, (options.inputs or "").split(",")):
        params[name.strip()] = _input(_variable(namespace, name.strip(), "-i"))
    return params | typed_inputs(options.pairs)


def _input(value: Any) -> Any:
    """A variable as an input: a DataFrame as a list of rows, a Run as its value."""
    from ..runs import Run

    if isinstance(value, Run):
        return value.value
    if type(value).__module__.partition(".")[0] == "pandas" and hasattr(value, "to_dict") and hasattr(value, "columns"):
        rows = value.astype(object).where(value.notna(), None).to_dict(orient="records")
        return [{str(key): _scalar(item) for key, item in row.items()} for row in rows]
    return value


def _scalar(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value
