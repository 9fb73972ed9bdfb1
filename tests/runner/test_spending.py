"""Money: what the tokens of a run cost by the prices that are given."""

from __future__ import annotations

from typing import Any

import pytest

from lua_procedures import Run, UsageError
from lua_procedures.given import Given
from lua_procedures.jobs import Job, run_here
from lua_procedures.rendering.text import money
from lua_procedures.runner.pricing import Pricing
from lua_procedures.runs import Usage
from lua_procedures.testing import ScriptedChatModel

SOURCE = 'a = Agent{model = "maker/small"}\nb = Agent{model = "large"}\na("first")\nreturn b("second").content'
MILLION = Usage(prompt_tokens=1_000_000, completion_tokens=500_000, total_tokens=1_500_000)


def ran(prices: Any, **options: Any) -> Run:
    """A run of two models."""

    def answer(_: Any) -> dict[str, Any]:
        return {"content": "yes", "usage": {"prompt_tokens": 3000, "completion_tokens": 1000}}

    names = {"maker/small": "small-1", "large": "large-1"}
    models = {name: ScriptedChatModel(answer, model_name=model) for name, model in names.items()}
    return run_here(Job(SOURCE, "money", given=Given(chat_models=models), prices=prices, **options))


@pytest.mark.parametrize("small", ["ScriptedChatModel small-1", "small-1", "maker/small"])
def test_a_run_has_a_cost(small: str) -> None:
    """Tokens times prices, which are for a million; a replay costs what it had cost."""
    prices = {small: {"prompt": 1, "completion": 10}, "large-1": {"prompt": 100.0}}
    for fresh in (True, False):
        run = ran(prices, fresh=fresh)
        assert run.usage.cost == pytest.approx((3 * 1 + 1 * 10 + 3 * 100) / 1000)
    text = run._repr_mimebundle_()["text/plain"]
    assert "agents: a (4k tokens), b (4k tokens); 8k tokens in all, cost 0.31" in text


def test_a_model_without_a_price_leaves_no_cost() -> None:
    """Half a sum would be read as the whole, so there is none, and the record says which model has no price."""
    run = ran({"large-1": {"prompt": 1, "completion": 1}}, fresh=True)
    assert run.usage.cost is None
    assert "no cost is given: prices has none for ScriptedChatModel small-1" in run._repr_mimebundle_()["text/plain"]


def test_without_prices_nothing_is_said_of_money() -> None:
    """A run that nobody priced has no cost and no remark."""
    run = ran({}, fresh=True)
    assert run.usage.cost is None
    assert "cost" not in run._repr_mimebundle_()["text/plain"]


@pytest.mark.parametrize("named", ["ChatOpenAI gpt-4o", "gpt-4o", "openai/gpt-4o"])
def test_a_price_is_found_by_what_a_model_is_called(named: str) -> None:
    """By class and model, the model alone, or its provider and the model."""
    assert Pricing({named: {"prompt": 2, "completion": 4}}, {}).cost({"ChatOpenAI gpt-4o": MILLION}) == 4.0


def test_another_provider_has_another_price() -> None:
    """A model of that name by somebody else is not the one that is priced."""
    pricing = Pricing({"azure/gpt-4o": {"prompt": 2}}, {})
    assert pricing.unpriced({"ChatOpenAI gpt-4o": MILLION}) == ("ChatOpenAI gpt-4o",)


@pytest.mark.parametrize(
    "prices", [[], {"gpt": 1}, {"gpt": {}}, {"gpt": {"promt": 1}}, {"gpt": {"prompt": "1"}}, {"gpt": {"prompt": -1}}]
)
def test_wrong_prices_are_refused(prices: Any) -> None:
    """What could not be meant says how prices are given, before anything runs."""
    with pytest.raises(UsageError, match=r"prices: .* expected") as caught:
        Pricing(prices, {})
    assert "gpt-4o-mini" in (caught.value.hint or "")


def test_amounts_read_well() -> None:
    """Cents where there are any, and two digits of what is less."""
    assert [money(each) for each in (1234.5, 0.42, 0.0021, 0.0000042, 0)] == [
        "1,234.50",
        "0.42",
        "0.0021",
        "0.000004",
        "0.00",
    ]
