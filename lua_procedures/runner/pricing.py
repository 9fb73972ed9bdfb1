"""What tokens cost, where ``%config Procedures.prices`` says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ..errors import UsageError
from ..runs import Usage

__all__ = ["Pricing"]

_MILLION: Final = 1_000_000
_MOCK: Final = "mock"  # what a mocked call names as its model
_FREE: Final = {"prompt": 0.0}
_FORM: Final = 'Give money for a million tokens: {"gpt-4o-mini": {"prompt": 0.15, "completion": 0.6}}'


class Pricing:
    """The prices of models.

    Args:
        prices: model → money for a million tokens, as ``prompt`` and ``completion``.
        identities: what a program calls a model, such as ``provider/model`` → its identity; it grows during a pass.

    Raises:
        UsageError: the prices have another form.
    """

    def __init__(self, prices: Mapping[str, Mapping[str, float]], identities: Mapping[str, str]) -> None:
        self._prices = _checked(prices)
        self._identities = identities

    def cost(self, tokens: Mapping[str, Usage]) -> float | None:
        """What the tokens of models, by identity, cost together; None where one of them has no price."""
        if not self._prices or not tokens or self.unpriced(tokens):
            return None
        return sum(self._cost_of(identity, usage) for identity, usage in tokens.items())

    def unpriced(self, tokens: Mapping[str, Usage]) -> tuple[str, ...]:
        """The models without a price, where there are prices at all."""
        if not self._prices:
            return ()
        return tuple(identity for identity in tokens if self._price(identity) is None)

    def _cost_of(self, identity: str, usage: Usage) -> float:
        price = self._price(identity) or {}
        prompt, completion = price.get("prompt", 0.0), price.get("completion", 0.0)
        return (usage.prompt_tokens * prompt + usage.completion_tokens * completion) / _MILLION

    def _price(self, identity: str) -> Mapping[str, float] | None:
        if identity == _MOCK:
            return _FREE
        return next((self._prices[name] for name in self._names(identity) if name in self._prices), None)

    def _names(self, identity: str) -> Iterator[str]:
        """What a model can be called in the prices: ``ChatOpenAI gpt-4o``, ``openai/gpt-4o``, ``gpt-4o``."""
        yield identity
        yield from (label for label, known in self._identities.items() if known == identity)
        maker, _, model = identity.rpartition(" ")
        yield from (name for name in self._prices if maker and _is_of(name, maker, model))
        yield model
        yield model.rpartition("/")[2]


def _is_of(name: str, maker: str, model: str) -> bool:
    """Whether ``openai/gpt-4o`` is the model ``gpt-4o`` of the class ``ChatOpenAI``."""
    provider, slash, rest = name.partition("/")
    return bool(slash) and rest == model and provider.replace("_", "").replace("-", "").lower() in maker.lower()


def _checked(prices: Any) -> Mapping[str, Mapping[str, float]]:
    if not isinstance(prices, Mapping):
        raise UsageError(f"prices: a dict expected, got a {type(prices).__name__}", hint=_FORM)
    for model, price in prices.items():
        if not isinstance(price, Mapping) or not price or not all(map(_is_rate, price.items())):
            raise UsageError(f"prices: {model}: prompt and completion expected, each a number from 0", hint=_FORM)
    return prices


def _is_rate(item: tuple[Any, Any]) -> bool:
    name, rate = item
    is_number = isinstance(rate, (int, float)) and not isinstance(rate, bool)
    return name in {"prompt", "completion"} and is_number and rate >= 0
