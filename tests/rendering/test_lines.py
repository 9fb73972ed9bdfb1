"""Checkpoints folded into lines."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lua_procedures.human.requests import HumanResponse
from lua_procedures.rendering.lines import fold, prune, walk
from lua_procedures.runs import Checkpoint


def checkpoint(path: str, name: str = "fetch", kind: str = "step", **more: Any) -> Checkpoint:
    return Checkpoint(position=int(path.rpartition("/")[2]), path=path, kind=kind, name=name, **more)


def test_an_answer_is_shown_beside_its_question() -> None:
    """Answers read as buttons and values, and one that nobody gave says so."""
    answers = [
        True,
        {"decision": "rework", "feedback": "shorter", "edited_artifact": "x", "responded_at": 5.0},
        "blue",
        None,
    ]
    rows = [checkpoint(str(at), f"question {at}", "human", value=value) for at, value in enumerate(answers)]
    given_answers = [
        HumanResponse(request_id=str(at), value=value, responded_at=1.0, timed_out=at in (0, 3))
        for at, value in enumerate(answers)
    ]
    assert [line.answer for line in fold(rows, given_answers)] == [
        "Approve (timed out)",
        'rework: "shorter" (edited)',
        '"blue"',
        "timed out",
    ]


def test_answers_of_one_question_in_a_row_are_counted() -> None:
    """A folded row of questions shows each answer with how often it was given."""
    rows = [checkpoint(str(at), "Keep?", "human", value=at % 3 > 0) for at in range(6)]
    assert [(line.tally, line.answer) for line in fold(rows)] == [("×6", "Reject ×2, Approve ×4")]


trees: st.SearchStrategy[Any] = st.recursive(
    st.builds(lambda name: (name, []), st.sampled_from("abc")),
    lambda inner: st.tuples(st.sampled_from("abc"), st.lists(inner, max_size=5)),
    max_leaves=30,
)


def in_path_order(trees: list[Any], frame: str = "") -> list[Checkpoint]:
    rows = []
    for at, (name, inner) in enumerate(trees):
        rows += [checkpoint(f"{frame}{at}", name), *in_path_order(inner, f"{frame}{at}/")]
    return rows


@given(st.lists(trees, max_size=20), st.integers(2, 30))
def test_every_checkpoint_is_counted_once(forest: list[Any], limit: int) -> None:
    """Folding counts all checkpoints, pruning shows at most ``limit`` lines and counts what it hides inside."""
    rows = in_path_order(forest)
    lines = fold(rows)
    assert sum(line.count for _, line in walk(lines)) == len(rows)
    shown = list(walk(prune(lines, limit, limit // 2)))
    assert sum(bool(line.kind) for _, line in shown) <= limit
    if len(lines) <= limit:
        assert sum(line.count + line.hidden for _, line in shown) == len(rows)
    assert sum(line.count for depth, line in shown if not depth) == len(forest)


def test_a_row_of_composites_gathers_what_is_inside() -> None:
    """Inside of a folded row, each kind and name has one line, however they alternate."""
    rows = [
        one for at in range(50) for one in (checkpoint(f"{at}"), checkpoint(f"{at}/0", "a"), checkpoint(f"{at}/1", "b"))
    ]
    (line,) = fold(rows)
    assert [(inner.name, inner.count) for inner in line.inner] == [("a", 50), ("b", 50)]
