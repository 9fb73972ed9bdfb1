"""When a function counts as the same, and when as another one."""

from __future__ import annotations

import functools
import linecache
import math
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from lua_procedures.tools.sources import source_text

numbers = count()


def compiled(text: str, *, source: bool) -> Callable[..., Any]:
    """The function ``f`` of a text, which is (as a notebook's cells are) to be found as its source."""
    name = f"<cell {next(numbers)}>"
    if source:
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    namespace: dict[str, Any] = {"__name__": "cells", "functools": functools}
    exec(compile(text, name, "exec"), namespace)
    found: Callable[..., Any] = namespace["f"]
    return found


SAME = {
    "itself": ("def f(a): return a", "def f(a): return a"),
    "comments": ("def f(a): return a", "# one\ndef f(a):\n    # two\n    return a  # three"),
    "layout": ("def f(a):\n    return [a, 1]", "\n\ndef f( a ):\n\n  return [a,\n   1]"),
    "docstring": ("def f(a): return a", 'def f(a):\n    "Doc."\n    return a'),
    "where it stands": ("def f(a): return a", "class C:\n    def f(a): return a\nf = C.f"),
    "a counter": (
        "def g():\n  n = 0\n  def f():\n    nonlocal n\n    n += 1\n  return f\nf = g()",
        "def g():\n  n = 0\n  def f():\n    nonlocal n\n    n += 1\n  return f\nf = g()\nf()",
    ),
    "a list that is filled": (
        "def g():\n  n = []\n  def f(): n.append(1)\n  return f\nf = g()",
        "def g():\n  n = []\n  def f(): n.append(1)\n  return f\nf = g()\nf()",
    ),
    "the state of an object": (
        "class C:\n  n = 0\n  def __call__(self): self.n += 1\nf = C()",
        "class C:\n  n = 0\n  def __call__(self): self.n += 1\nf = C()\nf()",
    ),
    "recursion": (
        "def g():\n  def f(n): return f(n - 1)\n  return f\nf = g()",
        "def g():\n  def f(n): return f(n-1)\n  return f\nf = g()",
    ),
}

OTHER = {
    "the body": ("def f(a): return a", "def f(a): return -a"),
    "a default": ("def f(a=1): return a", "def f(a=2): return a"),
    "a computed default": ("n = 1\ndef f(a=n): return a", "n = 2\ndef f(a=n): return a"),
    "a keyword's default": ("n = 1\ndef f(*, a=n): return a", "n = 2\ndef f(*, a=n): return a"),
    "async": ("def f(a): return a", "async def f(a): return a"),
    "a captured number": (
        "def g(n):\n  def f(): return n\n  return f\nf = g(1)",
        "def g(n):\n  def f(): return n\n  return f\nf = g(2)",
    ),
    "a captured function": (
        "def g():\n  def h(): return 1\n  def f(): return h()\n  return f\nf = g()",
        "def g():\n  def h(): return 2\n  def f(): return h()\n  return f\nf = g()",
    ),
    "a decorator": (
        "def d(f):\n  @functools.wraps(f)\n  def w(): return f()\n  return w\n@d\ndef f(): return 1",
        "def d(f):\n  @functools.wraps(f)\n  def w(): return -f()\n  return w\n@d\ndef f(): return 1",
    ),
    "what is decorated": (
        "def d(f):\n  @functools.wraps(f)\n  def w(): return f()\n  return w\n@d\ndef f(): return 1",
        "def d(f):\n  @functools.wraps(f)\n  def w(): return f()\n  return w\n@d\ndef f(): return 2",
    ),
    "what is cached": ("@functools.cache\ndef f(): return 1", "@functools.cache\ndef f(): return 2"),
    "an argument of a partial": (
        "def g(a): return a\nf = functools.partial(g, 1)",
        "def g(a): return a\nf = functools.partial(g, 2)",
    ),
    "the function of a partial": (
        "def g(a): return a\nf = functools.partial(g, a=1)",
        "def g(a): return 1\nf = functools.partial(g, a=1)",
    ),
    "an object's call": (
        "class C:\n  def __call__(self): return 1\nf = C()",
        "class C:\n  def __call__(self): return 2\nf = C()",
    ),
    "another method of an object": (
        "class C:\n  def __call__(self): return self.g()\n  def g(self): return 1\nf = C()",
        "class C:\n  def __call__(self): return self.g()\n  def g(self): return 2\nf = C()",
    ),
    "a method that is inherited": (
        "class B:\n  def g(self): return 1\nclass C(B):\n  def h(self): return self.g()\nf = C().h",
        "class B:\n  def g(self): return 2\nclass C(B):\n  def h(self): return self.g()\nf = C().h",
    ),
    "a lambda in a line": ("f, g = lambda: 1, 2", "f, g = lambda: 2, 2"),
}


@pytest.mark.parametrize("source", [True, False])
@pytest.mark.parametrize("case", SAME)
def test_the_same(case, source):
    """Comments, layout, and what a tool does to its own variables make no other tool."""
    if case == "docstring" and not source:
        case = "itself"  # compiled code holds the docstring
    one, other = (compiled(text, source=source) for text in SAME[case])
    assert source_text(one) == source_text(other)


@pytest.mark.parametrize("source", [True, False])
@pytest.mark.parametrize("case", OTHER)
def test_another_one(case, source):
    """Its text, its defaults, what it captured and what decorates it do; also where there is no source."""
    one, other = (compiled(text, source=source) for text in OTHER[case])
    assert source_text(one) != source_text(other)


def test_a_function_of_another_language():
    """A builtin is its name and the version of its library."""
    assert source_text(math.sqrt).startswith("math.sqrt ")
    assert source_text(math.sqrt) != source_text(math.sin)
