"""A run as Markdown that reads well on GitHub: nothing of the run's text is taken for Markdown or HTML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from ..durable.kinds import word_of
from ..human.requests import HumanRequest, HumanResponse
from ..rendering.graph_text import graph_text
from ..rendering.lines import answer_text
from ..rendering.notices import notice_lines
from ..rendering.remarks import remarks_of
from ..rendering.runs import spared_of
from ..rendering.stages import stages_of
from ..rendering.text import clean, count_of, ends, one_line, pretty, value_text, without_addresses
from ..runs import Checkpoint, Run

__all__ = ["record_markdown"]

_MAX_ROWS: Final = 1000
_MAX_NOTICES: Final = 1000
_VALUE: Final = 20_000
_CELL: Final = 120

_MARKS: Final = re.compile(r"[&<>|\\$`*\[\]~#]|(?<!\w)_|_(?!\w)")
_LEADING: Final = re.compile(r"^([0-9]{0,9})([-+=.)])")
#: What a backslash does not help against in a table, in HTML, or before a formula.
_ENTITIES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;", "\\": "&#92;", "$": "&#36;"}


def record_markdown(run: Run) -> str:
    """The static record of a run as Markdown."""
    parts = [
        f"# {_text(_title(run))}",
        f"**{run.status}** · {_text(spared_of(run, run.checkpoints))}",
        *_change(run),
        *_error(run),
        *_section("Open question", _question(run.pending) if run.pending else []),
        *_section("Result", [_block(run.value)] if run.value is not None else []),
        *_section("Stages", [" › ".join(_stage(*stage) for stage in stages_of(run))] if run.stages else []),
        *_section("Checkpoints", _checkpoints(run.checkpoints)),
        *_section("Questions and answers", _answers(run)),
        *_section("Notices", _notices(run)),
        *_section("State", [_block(run.state)] if run.state else []),
        *_section("Tree", [_fence(graph_text(run.graph))] if run.graph.nodes else []),
        *(_text(remark) for remark in remarks_of(run)),
    ]
    return "\n\n".join(parts) + "\n"


def _title(run: Run) -> str:
    return one_line(run._data.title or run.name, 128)  # noqa: SLF001  # as the other records say it


def _section(title: str, parts: Sequence[str]) -> list[str]:
    return [f"## {title}", *parts] if parts else []


def _change(run: Run) -> list[str]:
    change = run._data.change  # noqa: SLF001  # the same
    return [_text(one_line(change, 500))] if change else []


def _error(run: Run) -> list[str]:
    if run.error is None:
        return []
    place = f"line {run.error.line}: " if run.error.line else ""
    text = place + without_addresses(run.error.message[:4000])
    hint = f"\n{run.error.hint}" if run.error.hint else ""
    return ["## Error", _fence(text + hint)]


def _stage(name: str, state: str) -> str:
    shown = _text(one_line(name, 40))
    return f"**{shown}**" if state == "current" and shown else shown


def _question(request: HumanRequest) -> list[str]:
    options = [_text(one_line(option.label, _CELL)) for option in request.options]
    artifact = [] if request.artifact is None else [_block(request.artifact)]
    return [_text(one_line(request.message, 1000)), *artifact, *([" · ".join(options)] if options else [])]


# Tables


def _checkpoints(checkpoints: Sequence[Checkpoint]) -> list[str]:
    first, left_out, last = ends(checkpoints, _MAX_ROWS, _MAX_ROWS // 2)
    rows = [_checkpoint(each) for each in first]
    if left_out:
        rows += [["", "", f"… {count_of(left_out, 'more checkpoint')}", "", ""], *map(_checkpoint, last)]
    return _table(["path", "kind", "name", "line", "result"], rows)


def _checkpoint(checkpoint: Checkpoint) -> list[str]:
    failed = checkpoint.error is not None
    result = f"failed: {_text(one_line(checkpoint.error or '', _CELL))}" if failed else _cell(checkpoint.value)
    name = _text(one_line(checkpoint.name, _CELL))
    return [checkpoint.path, _text(word_of(checkpoint.kind)), name, str(checkpoint.line or ""), result]


def _answers(run: Run) -> list[str]:
    asked = [each for each in run.checkpoints if each.kind == "human" and each.error is None]
    rows = [_answer(*pair) for pair in zip(asked, run.answers, strict=False)]
    return _table(["question", "answer", "from"], rows[:_MAX_ROWS])


def _answer(checkpoint: Checkpoint, response: HumanResponse) -> list[str]:
    answer = answer_text(checkpoint.value, response)
    return [_text(one_line(checkpoint.name, _CELL)), _text(answer), _text(response.channel)]


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(cells)} |" for cells in rows]
    if not lines:
        return []
    return ["\n".join([f"| {' | '.join(header)} |", "|" + "---|" * len(header), *lines])]


def _cell(value: Any) -> str:
    return "" if value is None else _code(one_line(value_text(value, _CELL), _CELL))


# Text that is not Markdown


def _notices(run: Run) -> list[str]:
    notices = run.notices
    lines = [line for notice in notices[-_MAX_NOTICES:] for line in notice_lines(notice)]
    earlier = [f"… {count_of(len(notices) - _MAX_NOTICES, 'earlier notice')}"] if len(notices) > _MAX_NOTICES else []
    return [_fence("\n".join([*earlier, *lines]))] if lines else []


def _block(value: Any) -> str:
    text = pretty(value, _VALUE)
    return _fence(text, "" if isinstance(value, str) else "json")


def _fence(text: str, language: str = "") -> str:
    """Lines as they are; the fence is longer than any in them."""
    text = clean(text)
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _code(text: str) -> str:
    """A word of code; one that a table or a code span would not keep is spelled with entities."""
    if any(mark in text for mark in "`|\\") or text != text.strip():
        return f"<code>{_text(text)}</code>"
    return f"`{text}`"


def _text(text: str) -> str:
    """One line of text, in which nothing is Markdown, HTML or a formula."""
    line = clean(text).replace("\n", " ").strip()
    return _LEADING.sub(r"\1\\\2", _MARKS.sub(_escaped, line))


def _escaped(mark: re.Match[str]) -> str:
    return _ENTITIES.get(mark[0], f"\\{mark[0]}")
