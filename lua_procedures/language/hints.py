"""What to do about an error of Lua: habits from other languages, misspelt names, what Lua 5.5 does differently."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple

from .source import LineNumbers, Token, emptied, split_lines, tokens

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

__all__ = [
    "LONGEST",
    "Place",
    "closest",
    "meant",
    "missing_global",
    "place_of",
    "runtime_hint",
    "suggestion",
    "syntax_hint",
    "unknown_name_hint",
]

LONGEST = 300  # of a line that hints look at, and of what Lua or we quote


class Place(NamedTuple):
    """What hints look at: the code of the error's line, without comments and what strings hold, and known names."""

    code: str
    before: str
    text: str
    first_line: int
    known: Collection[str]


def place_of(text: str, line: int | None, first_line: int, known: Collection[str]) -> Place:
    """What hints look at for an error in that line of a text."""
    lines = split_lines(emptied(text))
    index = min((line or first_line) - first_line, len(lines) - 1) if line is not None else -1
    code = lines[index].rstrip() if index >= 0 else ""
    before = next((other.rstrip() for other in reversed(lines[: max(index, 0)]) if other.strip()), "")
    return Place(code[:LONGEST], before[:LONGEST], text, first_line, known)


def closest(name: str, known: Iterable[str], n: int = 1) -> list[str]:
    """Up to ``n`` of the known names that ``name`` may have been meant to be, best first; upper and lower case are one.

    A dotted name such as ``Human.aprove`` is compared with what its owner has, and where nobody has that owner
    with all dotted names; a name without a dot only with such.
    """
    owner, dot, member = name.rpartition(".")
    candidates = [other for other in known if ("." in other) == bool(dot)]
    members = [other for other in candidates if dot and other.lower().startswith(f"{owner}.".lower())]
    if members:
        tails = {other[len(owner) + 1 :]: other for other in members}
        return [tails[tail] for tail in _close(member, tails, n)]
    return _close(name, candidates, n)


def _close(name: str, known: Iterable[str], n: int) -> list[str]:
    by_lower = {other.lower(): other for other in sorted(known, reverse=True)}
    matches = get_close_matches(name.lower(), by_lower, n + 3, cutoff=0.65)
    swapped = sorted(matches, key=lambda match: sorted(match) != sorted(name.lower()))  # 'Setp': 'Step' before 'Stop'
    return [by_lower[match] for match in swapped[:n]]


def unknown_name_hint(name: str, known: Iterable[str]) -> str | None:
    """What was probably meant by a global, or a dotted field, that does not exist; None where nothing is close."""
    if habit := _GLOBAL_HABITS.get(name):
        return habit
    return suggestion(name, known) or None


def suggestion(name: str, known: Iterable[str]) -> str:
    """``Did you mean 'x'?`` for what ``name`` may have been meant to be; "" where nothing is close."""
    near = closest(name, known)
    return f"Did you mean '{near[0]}'?" if near else ""


def meant(name: str, known: Iterable[str]) -> str:
    """``; did you mean x?`` for the end of a message about what a person typed; "" where nothing is close."""
    near = closest(name, known)
    return f"; did you mean {near[0]}?" if near else ""


class _Hint(NamedTuple):
    """Given where both patterns are found; ``$name`` in the text is what their group of that name found."""

    message: str
    code: str
    text: str


def _first_hint(hints: Iterable[_Hint], message: str, code: str) -> str | None:
    for hint in hints:
        if (said := re.search(hint.message, message)) and (seen := re.search(hint.code, code)):
            groups = {**said.groupdict(), **seen.groupdict()}
            return re.sub(r"\$(\w+)", lambda name: str(groups[name[1]]), hint.text)  # noqa: B023 - used at once
    return None


def syntax_hint(message: str, place: Place) -> str | None:
    """The line of the error first, then the one before it: Lua notices late."""
    if assigned := re.search(r"const variable '(\w+)'", message):
        return _const_hint(assigned[1], place.text)
    if "near <eof>" in message and "'end' expected" in message and (unclosed := _unclosed_hint(place)):
        return unclosed
    return (
        _first_hint(_SYNTAX_HINTS, message, place.code)
        or _first_hint(_SYNTAX_HINTS, message, place.before)
        or _first_hint(_SYNTAX_RULES, message, place.code)
    )


def _const_hint(name: str, text: str) -> str:
    if re.search(rf"\bfor\s+{name}\b", emptied(text)):
        return f"A 'for' variable cannot be assigned to in Lua 5.5: copy it first, as in local copy = {name}."
    return f"'{name}' is declared <const> and cannot be assigned to."


def _unclosed_hint(place: Place) -> str | None:
    """Where an 'end' is missing: the block whose 'end' stands further left than its beginning, or an 'else if'."""
    if elseif := re.search(r"\belse[ \t]+if\b", code := emptied(place.text)):
        line = LineNumbers(code, place.first_line)(elseif.start())
        return f"'else if' at line {line} opens a second 'if' with an 'end' of its own: write 'elseif'."
    lines = split_lines(place.text)
    indents = [len(line) - len(line.lstrip()) for line in lines]
    line_of = LineNumbers(place.text, 0)
    opened: list[Token] = []
    for token in tokens(place.text, comments=False):
        if token.text in ("function", "if", "do", "repeat"):
            opened.append(token)
        elif token.text in ("end", "until") and opened:
            begin, end = line_of((opening := opened.pop()).start), line_of(token.start)
            if indents[end] < indents[begin] and lines[end].startswith(token.text, indents[end]):
                return f"The '{opening.text}' at line {begin + place.first_line} seems to have no 'end'."
    return None


def runtime_hint(message: str, place: Place) -> str | None:
    """What to do about an error at run time, or None."""
    if hint := _first_hint(_RUNTIME_HINTS, message, place.code):
        return hint
    if name := missing_global(message):
        return _missing_global_hint(name, place.known)
    if missing := re.search(r"call a nil value \((?:field|method) '(\w+)'\)", message):
        return _missing_member_hint(missing[1], place)
    return _first_hint(_NIL_HINTS, message, place.code)


def missing_global(message: str) -> str | None:
    """The global that an error at run time found to be nil, or None."""
    missing = re.search(r"nil value \(global '(\w+)'\)", message)
    return missing[1] if missing else None


def _missing_global_hint(name: str, known: Collection[str]) -> str:
    if name in known:
        return f"'{name}' is nil at this point."
    meant = unknown_name_hint(name, known)
    return f"'{name}' is not defined. {meant or 'Is it set before this line, and spelt the same there?'}"


def _missing_member_hint(name: str, place: Place) -> str | None:
    """A field that was called: a misspelt one of a known owner, a method that Python has, or an owner's whole list."""
    called = re.search(rf"([\w.]+)[.:]\s*{name}\b", place.code)
    owner = called[1] if called else ""
    owners = {other.rpartition(".")[0] for other in place.known}
    likely = {owner, *closest(owner, owners)}
    near = [other for other in closest(f"{owner}.{name}", place.known) if other.rpartition(".")[0] in likely]
    if owner and near:
        return f"'{owner}' has no '{name}'. Did you mean '{near[0]}'?"
    if name in _METHOD_HABITS:
        return f"Lua has no '{name}': {_METHOD_HABITS[name]}."
    members = sorted(other for other in place.known if other.startswith(f"{owner}."))
    return f"'{owner}' has no '{name}'. It has {', '.join(members)}." if members else None


_ITEM = r"(?P<item>\w+(?:\.\w+|\[[^\]]*\])*)"

# Tried in this order; a code pattern of "" holds everywhere.
_SYNTAX_HINTS = (
    _Hint("near '!'", r"!=", "In Lua 'not equal' is ~=."),
    _Hint("near '!'", "", "In Lua '!x' is 'not x'."),
    _Hint("near '='", "===", "Lua compares with ==."),
    _Hint("near '='", ":=", "Lua assigns with =."),
    _Hint("near", rf"{_ITEM}\s*(?P<op>[-+*%^&|]|//?|\.\.)=(?!=)", "Lua has no '$op=': write $item = $item $op …"),
    _Hint("near", rf"{_ITEM}\s*\+\+", "Lua has no '++': write $item = $item + 1."),
    _Hint("near", rf"\+\+\s*{_ITEM}", "Lua has no '++': write $item = $item + 1."),
    _Hint("near", rf"^\s*{_ITEM}--$", "'--' begins a comment in Lua: write $item = $item - 1."),
    _Hint("near '&'", "&&", "Lua writes 'and' for '&&'."),
    _Hint(r"near '\|'", r"\|\|", "Lua writes 'or' for '||'."),
    _Hint("near '#'", "", "In Lua a comment begins with --, not with #."),
    _Hint("near '//'", r"^\s*//", "In Lua a comment begins with --, not with //."),
    _Hint("near", r"(^|\s)#\s", "In Lua a comment begins with --, not with #."),
    _Hint(r"near '\['", r"(^|[^\w\])\s])\s*\[|\b(return|in|and|or|not)\s*\[", "Lua writes a list as {1, 2, 3}."),
    _Hint("near", r"^\s*(?:elif|elsif)\b", "Lua writes 'elseif … then'."),
    _Hint("near '(in|not)'", r"\bin\b", "Lua has no 'in' test: ask t[key] ~= nil, or loop over the list."),
    _Hint("near", r"\w\s+is\s+(not\s+)?\w", "Lua has no 'is': compare with == or ~=; no value is nil."),
    _Hint("near", r"^\s*(async\s+)?(def|func|fn)\s", "Lua defines a function as: function name(a, b) … end"),
    _Hint(
        "near",
        r"^\s*(import|from)\s+\w",
        "There is nothing to import: JSON is Json, and Python values come in as inputs.",
    ),
    _Hint("near", r"^\s*class\s", "Lua has no classes: use tables and functions."),
    _Hint("near", r"^\s*(try|except|finally|catch)\b", "Lua catches errors with: ok, err = pcall(function() … end)"),
    _Hint("near", r"^\s*(switch|match|case|unless)\b", "Lua chooses with: if … then … elseif … then … else … end"),
    _Hint("near", r"^\s*(raise|throw)\b", 'Lua raises with error("message").'),
    _Hint("near", r"^\s*pass$", "Lua needs no 'pass': leave it out."),
    _Hint(
        "near", r"\bcontinue\b\s*(end\b|;|$)", "Lua has no 'continue': goto next, with ::next:: before the loop's end."
    ),
    _Hint("near", r"^\s*(?P<word>var|let|const)\s", "Lua declares with 'local', not '$word'."),
    _Hint("near", r"\blambda\b|=>", "Lua writes a small function as: function(x) return … end"),
    _Hint("near", r"\b(await|async)\b", "Leave 'await' out: a call returns when its result is there."),
    _Hint(
        "near", r"^\s*(if|else|for|while|with|elseif)\b.*:\s*(--)?$", "Blocks read: if … then … end, for … do … end."
    ),
    _Hint("near", r"\?|=(?!.*\bthen\b).*\bif\b.*\belse\b", "Lua chooses a value with: condition and a or b"),
    _Hint(
        r"'\)' expected.*near '[=:]'", r"\bfunction\b", "Parameters have no defaults or types: write a = a or 1 inside."
    ),
    _Hint(r"'\)' expected.*near '='", "", "Lua has no named arguments: pass a table, f{a = 1}."),
    _Hint("near ':'|<name> expected near", r'(^|[{,])\s*(""|\w+)\s*:', 'A table reads {key = 1, ["a key"] = 2}.'),
    _Hint("'}' expected.*near '='", r'""\s*=', 'A table reads {key = 1, ["a key"] = 2}.'),
    _Hint("'then' expected.*near '='", "", "A comparison is written ==; = assigns."),
    _Hint("near '=='", "", "An assignment is written =; == compares."),
    _Hint(r"near '\*'", r"\*\*", "Lua writes a power as x ^ 2."),
    _Hint(r"near '\{'|'then' expected", r"\)\s*\{", "Blocks have no braces: if … then … end, function f() … end."),
    _Hint("near", r'"""', "Lua writes text of several lines as [[ … ]]."),
    _Hint("unfinished string", "", "Close the text on its line, or write several lines as [[ … ]]."),
    _Hint("invalid escape", "", r"Write a backslash as \\, or the text as [[ … ]]."),
    _Hint("malformed number", r"\d\.\.", "Put spaces around '..' where a number is joined."),
    _Hint("malformed number", "", "A name cannot begin with a digit."),
    _Hint(r"near '<\\", "[“”„‘’«»]", "Use plain quotes: \"text\" or 'text'."),
    _Hint(r"near '<\\", "", "Names are made of the letters A to Z, digits and _."),
    _Hint("near '`'", "", "Use plain quotes, or [[ … ]] for several lines."),
    _Hint("near '@'", "", "Lua has no decorators."),
    _Hint("<eof> expected near 'end'", "", "There is one 'end' too many, here or above."),
    _Hint("(<eof>|'end') expected.*near '", r"\breturn\b", "'return' must be the last statement of its block."),
)

# What can be said of the message where no habit shows on either line.
_SYNTAX_RULES = (
    _Hint("'then' expected", "", "An 'if' reads: if … then … end."),
    _Hint("'do' expected", "", "Loops read: for … do … end, while … do … end."),
    _Hint("'}' expected", "", "Is a comma missing between the entries of the table?"),
    _Hint(
        "<eof> expected near '(?!end|else|until)[A-Za-z_]",
        "",
        "Nothing follows a 'return': put it above, or write do return … end.",
    ),
    _Hint("not declared", "", "After a 'global' declaration all globals must be declared; 'global *' allows any."),
    _Hint(
        "syntax error near",
        r"^\s*(?!end\b|else|until\b)(?P<name>[\w.]+)(\s+[\w\"].*)?$",
        "A statement assigns or calls: is $name(…) meant?",
    ),
)

_RUNTIME_HINTS = (
    _Hint(r"a list with holes", "", "Put null where a value is missing: {1, null, 3}."),
    _Hint(r"global '[frbuFRBU]+'", r'\b[frbuFRBU]{1,2}""', "Lua has no f-strings: join with .. or use string.format."),
    _Hint("nil value.*integer index", r"\[\s*0\s*\]", "Lists begin at 1 in Lua: the first entry is t[1]."),
    _Hint("to 'for iterator'", "", "What the loop goes over is not a table here."),
    _Hint("call a number value.*for iterator", "", "A loop over numbers reads: for i = 1, n do … end"),
    _Hint(
        "call a .* value.*for iterator",
        "",
        "Loops read: for i, v in ipairs(list) do … end, for k, v in pairs(t) do … end.",
    ),
    _Hint(
        "attempt to add a '(string|number)'", "", "Lua joins texts with .., not with +; tonumber(text) makes a number."
    ),
    _Hint("attempt to mod a 'string'", "", "Lua fills in text with string.format(text, value)."),
    _Hint("attempt to mul a '(string|number)'", "", "Lua repeats text with string.rep(text, n)."),
    _Hint(r"attempt to \w+ a '.*string'|arithmetic on a string", "", "tonumber(text) makes a number of a text."),
    _Hint("concatenate a table", "", 'Use Json.encode(t), or table.concat(list, ", ").'),
    _Hint("concatenate a (boolean|function)", "", "Join tostring(x) instead."),
    _Hint("compare (number with string|string with number)", "", "tonumber(text) makes a number of a text."),
    _Hint(
        "got no value|calling '.*' on bad self",
        r"\b(?!string|table|math|utf8)\w+\.(?P<name>\w+)\(\s*\)",
        "Methods take a colon: x:$name().",
    ),
    _Hint("no integer representation", "", "math.floor(x), or // to divide, gives a whole number."),
    _Hint("stack overflow", "", "A function calls itself without end."),
    _Hint("attempt to index a nil value$", r"\bipairs\b", "What ipairs is given is nil."),
)

_NIL_HINTS = (
    _Hint(
        r"nil value \((local|upvalue|field) '(?P<name>\w+)'\)",
        "",
        "'$name' is nil here; test it first where that can be.",
    ),
    _Hint("concatenate a nil", "", 'Join tostring(x), or (x or "").'),
    _Hint("compare .*nil", "", "One of the two is nil."),
)

_GLOBAL_HABITS = {
    **dict.fromkeys(("True", "TRUE"), "In Lua it is 'true'."),
    **dict.fromkeys(("False", "FALSE"), "In Lua it is 'false'."),
    **dict.fromkeys(("None", "NULL", "Null", "undefined"), "In Lua it is 'nil'; inside a list it is 'null'."),
    "len": "Lua's length of x is #x.",
    "str": "Use tostring(x).",
    "int": "Use math.floor(x), or tonumber(text).",
    "float": "Use tonumber(text).",
    "range": "A loop over numbers reads: for i = 1, n do … end",
    "enumerate": "Use: for i, v in ipairs(list) do … end",
    "isinstance": 'Use type(x) == "table".',
    **dict.fromkeys(("list", "dict", "Array", "Object"), "A list or a dict is a table: {}."),
    **dict.fromkeys(("abs", "max", "min", "floor", "ceil", "sqrt"), "It is in math, as in math.max(a, b)."),
    "sorted": "table.sort(list) sorts in place.",
    "append": "Use table.insert(list, value).",
    "format": "Use string.format(text, value).",
    "open": "Use File.read(path) and File.write(path, text).",
    "json": "Use Json.encode(value) and Json.decode(text).",
    **dict.fromkeys(("raise", "throw"), 'Use error("message").'),
    "console": "Use print(…) or Log.info(…).",
    "sleep": "Use Sleep(seconds).",
    "time": "Use os.time() for the time, and Sleep(seconds) to wait.",
    "io": "Use File.read(path) and File.write(path, text), or print(…).",
    **dict.fromkeys(("requests", "http", "urllib"), "The network is reached by tools: give the program one."),
}

_METHOD_HABITS = {
    **dict.fromkeys(("append", "push", "add"), "use table.insert(list, value)"),
    "extend": "add the values one by one with table.insert(list, value)",
    "pop": "use table.remove(list)",
    "join": 'use table.concat(list, ", ")',
    "split": 'use for part in text:gmatch("[^,]+") do … end',
    **dict.fromkeys(("strip", "trim"), 'use text:match("^%s*(.-)%s*$")'),
    "replace": "use text:gsub(pattern, new)",
    "startswith": "use text:sub(1, #start) == start",
    "endswith": "use text:sub(-#ending) == ending",
    **dict.fromkeys(("items", "keys", "values"), "use for k, v in pairs(t) do … end"),
    "get": "use t[key] or default",
    **dict.fromkeys(("length", "size"), "the length of x is #x"),
    "map": "use a loop: for i, v in ipairs(list) do … end",
    "getenv": "give the program what it needs as an input",
}
