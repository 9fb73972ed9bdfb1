"""What agents cost: nothing is paid twice, and a limit of tokens asks a person."""

from __future__ import annotations

import pytest

from lua_procedures import LimitExceeded

from .scripts import chat, sent, spent

PROGRAM = 'a = Agent {} worker = Agent {} a("x") local r = worker("go") a("z") return r.output'


# -- nothing paid twice --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "edited",
    [
        "Step.run('new', function() return 1 end) " + PROGRAM,
        PROGRAM.replace('worker("go")', "Step.run('s', function() return worker('go') end)"),
        PROGRAM.replace('a("x")', 'Human.approve("ok?") a("x")'),
    ],
)
def test_an_unchanged_request_is_not_paid_again(cell, edited):
    """Wherever it stands now, also inside a step; the tokens count all the same."""
    model = chat(spent("1", 5, 1), spent("2", 7, 1), spent("3", 9, 1))
    before = cell(PROGRAM, chat_model=model)
    ran = cell(edited, chat_model=model, answers="default")
    assert (ran.value, len(model.requests)) == ("2", 3)
    assert ran.usage == before.usage
    assert ran.agents == before.agents
    assert ran.usage.total_tokens == 24


def test_equal_requests_are_answered_in_their_order(cell):
    """The n-th by the n-th, and what is new is asked; not with `fresh`."""
    program = "w = Agent {history = false} local said = {} for i = 1, 3 do said[i] = w('roll').output end return said"
    model = chat(*"123456789")
    assert cell(program, chat_model=model).value == ["1", "2", "3"]
    more = "Step.run('new', function() return 1 end) " + program.replace("1, 3", "1, 4")
    assert cell(more, chat_model=model).value == ["1", "2", "3", "4"]
    assert cell(program, chat_model=model, fresh=True).value == ["5", "6", "7"]


def test_only_what_is_new_is_paid(cell):
    """An edit in the middle: the requests before it, and those that do not hold it, are the same."""
    program = 'a = Agent {} b = Agent {} a("1") b("2") a("3") b("4") return b.output'
    model = chat(*"123456789")
    cell(program, chat_model=model)
    ran = cell(program.replace('a("3")', 'a("3!")'), chat_model=model)
    assert (ran.value, len(model.requests), sent(model.requests[-1])[-1]) == ("4", 5, "user: 3!")


BUDGET = "w = Agent {history = false} local n = 0 for i = 1, 6 do pcall(w, 'go ' .. i) n = n + 1 end return n"


def test_a_limit_of_tokens_asks_a_person(cell):
    """At N and again at 2N; the answers replay."""
    model, limits = chat(*[spent(str(i), 50, 0) for i in range(6)]), {"max_tokens": 100}
    ran = cell.twice(BUDGET, chat_model=model, limits=limits, answers=lambda _: True)
    assert ran.value == 6
    assert [each.name for each in ran.checkpoints if each.kind == "human"] == [
        "Go on beyond 100 tokens?",
        "Go on beyond 200 tokens?",
    ]


@pytest.mark.parametrize("answers", [[False], "default"])
def test_a_limit_of_tokens_stops_the_run(cell, answers):
    """No is the default, and no `pcall` of the program catches it."""
    model = chat(*[spent(str(i), 60, 0) for i in range(6)])
    error = cell.fails(BUDGET, chat_model=model, limits={"max_tokens": 100}, answers=answers)
    assert isinstance(error, LimitExceeded)
    assert (len(model.requests), "120 tokens" in error.message) == (2, True)
    again = cell(BUDGET, chat_model=model, limits={"max_tokens": 1000}, answers=[True])
    assert (again.value, len(model.requests)) == (6, 6)


def test_another_limit_changes_nothing_that_is_done(cell):
    """A question that was answered stays where it was, and what is recorded or spared asks nothing."""
    tool_calls = []

    def count(x: int = 0) -> int:
        tool_calls.append(x)
        return x

    program = BUDGET.replace("n = n + 1", "n = n + 1 count{x = i}")
    model = chat(*[spent(str(i), 250 if i == 1 else 50, 0) for i in range(6)])
    asked = []

    def answer(request):
        asked.append(request.message)
        return True

    options = {"chat_model": model, "tools": [count], "answers": answer}
    assert cell(program, limits={"max_tokens": 100}, **options).value == 6
    assert asked == [f"Go on beyond {tokens} tokens?" for tokens in (300, 400)]
    for limit in (50, 100_000, None):
        assert cell(program, limits={"max_tokens": limit}, **options).executed == 0
    assert cell("Step.run('new', function() return 1 end) " + program, limits={"max_tokens": 70}, **options).value == 6
    assert (len(model.requests), len(tool_calls), len(asked)) == (6, 12, 2)
