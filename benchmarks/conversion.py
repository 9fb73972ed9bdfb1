"""What values cost on their way out of Lua and into it, in CPU time a leaf, beside the limits for the same data.

Out is as the result of a step goes: text in Lua, and data in Python; the limit is ``json.dumps`` and ``json.loads``.
In is as a replay goes: data in Python, and tables in Lua; the limit is lupa's bare ``table_from``, which drops None
and forgets what an empty table was. A leaf is a scalar.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from typing import Any

from lua_procedures.durable.serialization import loads
from lua_procedures.language.runtime import MAIN, Guest
from lua_procedures.limits import Limits

#: Nanoseconds a leaf, on 1,000 leaves.
OUT, INTO = 700, 450

_LIMITS = Limits(max_memory_mb=4000)


class _Silent:
    """A host that answers 0 to everything."""

    def __getattr__(self, _name: str) -> Callable[..., int]:
        return lambda *_: 0


def _row(n: int) -> dict[str, Any]:
    return {"id": n, "name": f"name {n}", "price": n / 100, "in stock": n % 2 == 0, "note": "none"}


def _tree(leaves: int) -> Any:
    if leaves <= 10:
        return {f"k{n}": n for n in range(leaves)}
    return {f"n{n}": _tree(leaves // 10) for n in range(10)}


SHAPES: dict[str, Callable[[int], Any]] = {
    "integers": lambda leaves: list(range(leaves)),
    "floats of 2 decimals": lambda leaves: [n / 100 for n in range(leaves)],
    "floats of 17 digits": lambda leaves: [random.Random(n).random() for n in range(leaves)],
    "strings": lambda leaves: [f"some plain text {n}" for n in range(leaves)],
    "strings with quotes": lambda leaves: [f'some "quoted"\n text {n}' for n in range(leaves)],
    "dicts of 5 scalars": lambda leaves: [_row(n) for n in range(leaves // 5)],
    "nested dicts": _tree,
    "lists of 2": lambda leaves: [[n, n] for n in range(leaves // 2)],
}  # fmt: skip


def _cpu(call: Callable[[], Any]) -> tuple[float, Any]:
    started = time.process_time()
    result = call()
    return time.process_time() - started, result


def _guest(value: Any) -> Guest:
    guest = Guest(_Silent(), _LIMITS)  # type: ignore[arg-type]
    guest.start(guest.load("return input.value", "cell", first_line=1))
    guest.kit.set_input(guest.converter.push({"value": value}))
    return guest


def _out(value: Any) -> tuple[float, float]:
    guest = _guest(value)
    ours, back = _cpu(lambda: loads(guest.resume(MAIN)[1]))
    if back != [value]:
        raise AssertionError("the value came out as another one")
    return ours, _cpu(lambda: json.loads(json.dumps(value)))[0]


def _into(value: Any) -> tuple[float, float]:
    guest = _guest(None)
    ours, _kept = _cpu(lambda: guest.converter.push(value))
    return ours, _cpu(lambda: guest._lua.table_from(value, recursive=True))[0]  # noqa: SLF001 - without our code


def _best(measure: Callable[[Any], tuple[float, float]], value: Any, rounds: int) -> tuple[float, float]:
    """The best of several rounds, of ours and of the limit, which are taken in turns."""
    ours, limit = zip(*(measure(value) for _ in range(rounds)), strict=True)
    return min(ours), min(limit)


def _crossing(title: str, measure: Callable[[Any], tuple[float, float]], target: int, limit: str) -> list[str]:
    lines = []
    for name, make in SHAPES.items():
        ours, least = _best(measure, make(1000), 100)
        figure = f"{ours * 1e6:.0f} ns a leaf (target {target}); / {limit}: {ours / least:.2f}"
        lines.append(f"{title}, 1,000 leaves, {name}: {figure}")
    return lines


def values_out() -> list[str]:
    """Out of Lua, by shape."""
    return _crossing("out of Lua", _out, OUT, "json.dumps and json.loads")


def values_into() -> list[str]:
    """Into Lua, by shape."""
    return _crossing("into Lua", _into, INTO, "lupa's table_from")


def values_growth() -> list[str]:
    """Both ways, by size."""
    lines = []
    for title, measure in (("out of Lua", _out), ("into Lua", _into)):
        for name in ("dicts of 5 scalars", "floats of 17 digits"):
            sizes = ((1000, 100), (10_000, 20), (100_000, 5), (1_000_000, 3))
            costs = [(leaves, _best(measure, SHAPES[name](leaves), rounds)) for leaves, rounds in sizes]
            shown = ", ".join(
                f"{ours / leaves * 1e9:.0f} ({least / leaves * 1e9:.0f})" for leaves, (ours, least) in costs
            )
            lines.append(f"{title}, {name}, 10³ 10⁴ 10⁵ 10⁶ leaves: {shown} ns a leaf (of the limit)")
    return lines


if __name__ == "__main__":
    for figure in (values_out, values_into, values_growth):
        print(*figure(), sep="\n", flush=True)
