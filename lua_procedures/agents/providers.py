"""What differs from provider to provider in a call that LangChain makes look the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

__all__ = ["adapted", "lacks_end"]

#: Class → where the end of every answer is said; an answer without it was cut off.
_ENDS: Final = {"BaseChatOpenAI": ("finish_reason", "status"), "ChatOllama": ("done", "done_reason")}

#: Class → settings by another name. These classes know their settings as attributes only, not as arguments of a call.
_ATTRIBUTES: Final = {"ChatOllama": {"max_tokens": "num_predict"}}


def adapted(model: BaseChatModel, settings: Mapping[str, Any]) -> tuple[BaseChatModel, dict[str, Any]]:
    """The model as it is asked, and the arguments of the call; the model that was given stays as it was.

    Args:
        model: the model.
        settings: the agent's, such as ``temperature``; None is none.
    """
    changed: dict[str, Any] = {}
    arguments = {name: value for name, value in settings.items() if value is not None}
    others = _of_class(model, _ATTRIBUTES)
    if others is not None:
        renamed = {others.get(name, name): value for name, value in arguments.items()}
        changed = {name: value for name, value in renamed.items() if name in type(model).model_fields}
        arguments = {name: value for name, value in renamed.items() if name not in changed}
    if getattr(model, "stream_usage", True) is None:  # it leaves open whether a stream says its tokens
        changed["stream_usage"] = True
    return (model.model_copy(update=changed) if changed else model), arguments


def lacks_end(model: BaseChatModel, message: Any) -> bool:
    """Whether an answer ended without what this provider says at every end."""
    keys = _of_class(model, _ENDS)
    return keys is not None and not any(message.response_metadata.get(key) for key in keys)


def _of_class(model: BaseChatModel, table: Mapping[str, Any]) -> Any:
    """What a table says of the model's class, by its name: the class itself may not be installed."""
    return next((table[kind.__name__] for kind in type(model).__mro__ if kind.__name__ in table), None)
