"""What the text of a program says without running it: its tokens, functions and assignments.

Everything here is tolerant: text that does not compile gives what can be told of it and raises nothing.
Lines are counted as the editor counts them: the ``%%procedure`` line is 1, so a program begins on line 2.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from functools import lru_cache
from hashlib import blake2b
from itertools import accumulate
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

__all__ = [
    "FIRST_LINE",
    "KEYWORDS",
    "FunctionText",
    "LineNumbers",
    "Token",
    "TokenKind",
    "assigned_names",
    "declared_names",
    "emptied",
    "functions",
    "marked",
    "split_lines",
    "tokens",
]

#: The line on which a cell's program begins.
FIRST_LINE = 2

KEYWORDS = frozenset(
    {"and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in"}
    | {"local", "nil", "not", "or", "repeat", "return", "then", "true", "until", "while"}
)

TokenKind = Literal["keyword", "name", "comment", "string", "number", "operator", "error"]

_NEWLINE = re.compile(r"\r\n|\n\r|[\r\n]")

# Possessive quantifiers keep every alternative linear, also on text that never closes what it opens.
_TEXTS = r"""
      (?P<comment> --\[(?P<dashes>=*+)\[ .*? \](?P=dashes)\]  |  -- (?!\[=*+\[) [^\r\n]*+ )
    | (?P<string> "(?: [^"\\\r\n]++ | \\(?: z\s*+ | \r\n | \n\r | . ) )*+"
                | '(?: [^'\\\r\n]++ | \\(?: z\s*+ | \r\n | \n\r | . ) )*+'
                | \[(?P<level>=*+)\[ .*? \](?P=level)\] )"""
_UNCLOSED = r"""(?:--)?\[=*+\[ .*+ | ["'] [^\r\n]*+"""
_TOKEN = re.compile(
    rf"""
    \s*+ (?:
      (?P<keyword> (?:{"|".join(sorted(KEYWORDS))}) \b )
    | (?P<name> [A-Za-z_]\w*+ )
    | {_TEXTS}
    | (?P<number> 0[xX](?: [pP][+-]? | [0-9a-fA-F.] )*+  |  \.?[0-9](?: [eE][+-]? | [0-9a-fA-F.] )*+ )
    | (?P<error> {_UNCLOSED} | [^-+*/%^\#&~|<>=(){{}}\[\];:,.] )
    | (?P<operator> \.{{2,3}} | :: | << | >> | // | [=~<>]= | . )
    )""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)
# The same without telling one piece of code from the next, which is many times as fast.
_PIECE = re.compile(rf"""{_TEXTS} | {_UNCLOSED} | [^-"'\[]++ | .""", re.VERBOSE | re.DOTALL)

_OPENING = frozenset(("function", "if", "do", "{"))
_STRUCTURE = _OPENING | {"end", "}", "="}
_NOT_A_VARIABLE_AFTER = frozenset((".", ":", "::", "goto"))


class Token(NamedTuple):
    """One token of Lua; ``start`` is its offset in the text."""

    kind: TokenKind
    text: str
    start: int

    @property
    def end(self) -> int:
        """The offset behind it."""
        return self.start + len(self.text)


class FunctionText(NamedTuple):
    """One function of a program.

    Attributes:
        first_line, last_line: as ``debug.getinfo`` gives ``linedefined`` and ``lastlinedefined``.
        digest: 16 hex digits of its tokens, its own name apart; comments and layout do not count.
        names: what in it may be a global, sorted; locals are among them, its parameters are not.
        parameters: how many it declares, the implicit ``self`` of a method included, ``...`` not.
        body: the offset behind its parameters.
    """

    first_line: int
    last_line: int
    digest: str
    names: tuple[str, ...]
    parameters: int
    body: int


class Marked(NamedTuple):
    """A program in which every function can be told from all others.

    Attributes:
        text: the program, with a mark in functions that share their lines with others.
        by_lines: first and last line to the one function there, or to None where there are several.
        by_mark: those, by the number in their mark.
    """

    text: str
    by_lines: dict[tuple[int, int], FunctionText | None]
    by_mark: dict[int, FunctionText]


class LineNumbers:
    """Tells the line of an offset in a text whose first line has the number ``first_line``."""

    def __init__(self, text: str, first_line: int = FIRST_LINE) -> None:
        self._starts = [newline.end() for newline in _NEWLINE.finditer(text)]
        self._first = first_line

    def __call__(self, offset: int) -> int:
        """The line of the character at ``offset``."""
        return self._first + bisect_right(self._starts, offset)


def tokens(text: str, *, comments: bool = True) -> list[Token]:
    """All tokens in order; between two of them there is nothing but white space.

    A string or comment that never ends is one ``error`` token (a short string to the end of its line,
    a long bracket to the end of the text), and so is each character that no Lua token begins with.
    """
    return [
        Token(kind, match[kind], match.start(kind))  # type: ignore[arg-type]  # the pattern's groups are the kinds
        for match in _TOKEN.finditer(text, 0, len(text.rstrip(" \t\n\r\f\v")))
        if (kind := match.lastgroup or "error") != "comment" or comments
    ]


def emptied(text: str) -> str:
    """The text with the same lines, strings emptied to ``""`` and comments cut to ``--``: what is left is code."""
    return _PIECE.sub(_code_of, text)


def _code_of(piece: re.Match[str]) -> str:
    if piece.lastgroup is None:
        return piece[0]
    return ('""' if piece.lastgroup == "string" else "--") + "\n" * (len(split_lines(piece[0])) - 1)


def split_lines(text: str) -> list[str]:
    """The lines as Lua and editors count them, without their ends."""
    return _NEWLINE.split(text)


@lru_cache(maxsize=64)
def functions(text: str, first_line: int = FIRST_LINE) -> tuple[FunctionText, ...]:
    """Every function of the program in the order in which they begin; one without its ``end`` is left out."""
    found = tokens(text, comments=False)
    reader = _FunctionReader(found, LineNumbers(text, first_line))
    return tuple(reader.read(start, end) for start, end in sorted(reader.spans))


def marked(text: str, first_line: int = FIRST_LINE) -> Marked:
    """A program whose functions can be told apart by what Lua says of them.

    Lua tells the first and the last line of a function. Where several share both, each gets a mark: a constant in a
    branch that never runs, which stands in its bytecode. No line changes, and the digests are those of the text
    without marks.
    """
    groups: dict[tuple[int, int], list[FunctionText]] = {}
    for function in functions(text, first_line):
        groups.setdefault((function.first_line, function.last_line), []).append(function)
    several = [function for group in groups.values() if len(group) > 1 for function in group]
    by_mark = dict(enumerate(several, 1))
    pieces, place = [], 0
    for number, function in sorted(by_mark.items(), key=lambda item: item[1].body):
        pieces += [text[place : function.body], f' if nil then local _ = "\\031{number}\\031" end ']
        place = function.body
    by_lines = {lines: group[0] if len(group) == 1 else None for lines, group in groups.items()}
    return Marked("".join([*pieces, text[place:]]), by_lines, by_mark)


def assigned_names(
    text: str, callees: Collection[str], first_line: int = FIRST_LINE
) -> dict[str, dict[int, list[str]]]:
    """The variables to which statements assign calls: ``x`` for ``local x = Agent {…}``.

    Args:
        text: the program.
        callees: what is called, such as ``"Agent"``.
        first_line: the number of the text's first line.

    Returns:
        Callee → line where the call's arguments begin → names in the order of the line. A field (``t.x = …``,
        ``{x = …}``) and one of several targets (``a, b = …``) are no such variables.
    """
    names: dict[str, dict[int, list[str]]] = {}
    for assignment in _assignments(text, first_line):
        if assignment.callee in callees:
            names.setdefault(assignment.callee, {}).setdefault(assignment.line, []).append(assignment.name)
    return names


def declared_names(text: str, callees: Collection[str]) -> dict[str, list[str]]:
    """What is declared by name: ``x`` for ``Agent "x" {…}``; an empty list for a callee that is only mentioned.

    Args:
        text: the program.
        callees: what takes a name and then a table.
    """
    found = tokens(text, comments=False)
    words = [token.text for token in found]
    names: dict[str, list[str]] = {}
    for index, word in enumerate(words):
        if word in callees and found[index].kind == "name":
            listed = names.setdefault(word, [])
            name = _named_table(found, words, index + 1)
            if name:
                listed.append(name)
    return names


def _named_table(found: Sequence[Token], words: Sequence[str], place: int) -> str | None:
    """The text of a string, in brackets or not, that a table follows."""
    closing = 0
    if words[place : place + 1] == ["("]:
        place, closing = place + 1, 1
    if place >= len(found) or found[place].kind != "string":
        return None
    after = words[place + 1 : place + 2 + closing]
    return words[place][1:-1] if after == [")", "{"][1 - closing :] else None


class _FunctionReader:
    """Reads functions off the tokens of one text, each in time linear in its length."""

    def __init__(self, found: Sequence[Token], line_of: LineNumbers) -> None:
        self._tokens = found
        self._line_of = line_of
        self._words = [token.text for token in found]
        self.spans, fields = _structure(self._words)
        self._joined = "\n".join(self._words)
        self._offsets = [0, *accumulate(len(word) + 1 for word in self._words)]
        before = ["", *self._words]
        self._places = [
            index
            for index, (kind, _, _) in enumerate(found)
            if kind == "name" and before[index] not in _NOT_A_VARIABLE_AFTER and index not in fields
        ]
        # `global x` takes a name back from the parameter that hides it.
        self._parameters_hide = "global" not in self._words

    def read(self, start: int, end: int) -> FunctionText:
        """The function from the token ``function`` at ``start`` to its ``end`` token at ``end``."""
        bracket = next((index for index in range(start, end) if self._words[index] == "("), start)
        method = ":" in self._words[start:bracket]
        parameters, closing = self._parameters(bracket, end)
        return FunctionText(
            first_line=self._line_of(self._tokens[self._defining(start, bracket)].start),
            last_line=self._line_of(self._tokens[end].start),
            digest=self._digest(bracket, end, method=method),
            names=self._variables(bracket, end, {*parameters, *(("self",) if method else ())}),
            parameters=len(parameters) + method,
            body=self._tokens[closing].end,
        )

    def _defining(self, start: int, bracket: int) -> int:
        """Lua takes the line of ``function`` in a plain statement, and that of the bracket in all other forms."""
        named = bracket != start + 1
        return start if named and self._words[start - 1] not in ("local", "global") else bracket

    def _parameters(self, bracket: int, end: int) -> tuple[list[str], int]:
        """The parameters, and the place of the bracket that closes them."""
        closing = next((index for index in range(bracket + 1, end) if self._words[index] == ")"), end - 1)
        listed = []
        for token in self._tokens[bracket + 1 : closing]:
            if token.text == "...":
                break
            if token.kind == "name":
                listed.append(token.text)
        return listed, closing

    def _digest(self, bracket: int, end: int, *, method: bool) -> str:
        """Joined by newlines, tokens can be told apart again: no two functions share a text."""
        head = "function\n(\n"
        if method:
            head += "self\n" if self._words[bracket + 1] == ")" else "self\n,\n"
        return _digest_of(head + self._joined[self._offsets[bracket + 1] : self._offsets[end + 1]])

    def _variables(self, bracket: int, end: int, parameters: set[str]) -> tuple[str, ...]:
        places = self._places[bisect_left(self._places, bracket) : bisect_left(self._places, end)]
        names = {self._words[place] for place in places}
        return tuple(sorted(names - parameters if self._parameters_hide else names))


class _Assignment(NamedTuple):
    line: int
    name: str
    callee: str


@lru_cache(maxsize=64)
def _assignments(text: str, first_line: int) -> tuple[_Assignment, ...]:
    """Every statement that assigns to one variable what begins with a call."""
    found = tokens(text, comments=False)
    line_of = LineNumbers(text, first_line)
    _, fields = _structure([token.text for token in found])
    assigned = []
    for index, token in enumerate(found):
        if token.text == "=" and index - 1 not in fields:
            target, call = _target(found, index), _call(found, index + 1)
            if target and call:
                callee, arguments = call
                assigned.append(_Assignment(line_of(arguments.start), target.text, callee))
    return tuple(assigned)


def _target(found: Sequence[Token], equals: int) -> Token | None:
    """The one variable before an equals sign, an attribute such as ``<const>`` apart."""
    place = equals - 4 if equals >= 4 and found[equals - 1].text == ">" else equals - 1
    if place < 0 or found[place].kind != "name":
        return None
    before = found[place - 1].text if place else ""
    return None if before in (".", ":", ",") else found[place]


def _call(found: Sequence[Token], start: int) -> tuple[str, Token] | None:
    """What is called by the expression that begins there, and the token with which its arguments begin."""
    place = start
    while place + 1 < len(found) and found[place].kind == "name":
        follower = found[place + 1]
        if follower.text in ("(", "{") or follower.kind == "string":
            return "".join(token.text for token in found[start : place + 1]), follower
        if follower.text not in (".", ":"):
            return None
        place += 2
    return None


def _structure(words: Sequence[str]) -> tuple[list[tuple[int, int]], set[int]]:
    """The functions as pairs of places in ``words``, and the places of the keys of table constructors."""
    opened: list[int] = []
    spans: list[tuple[int, int]] = []
    fields: set[int] = set()
    for index, word in enumerate(words):
        if word not in _STRUCTURE:
            continue
        if word in _OPENING:
            opened.append(index)
        elif word == "end":
            while opened and words[opened[-1]] == "{":
                opened.pop()
            if opened and words[begin := opened.pop()] == "function":
                spans.append((begin, index))
        elif word == "}":
            if opened and words[opened[-1]] == "{":
                opened.pop()
        elif word == "=" and opened and words[opened[-1]] == "{":
            fields.add(index - 1)
    return spans, fields


def _digest_of(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
