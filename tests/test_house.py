"""The house rules that hold the package together: who may import what, what is public, what the papers say."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from functools import cache
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "lua_procedures"

#: A module imports from its own row and from rows above it.
ROWS = """
_version errors limits handles language durable human modules records graph_exports graphs runs events rendering
terminal primitives program tools predictors agents files fixtures runner given session exports histories
run_records jobs api command_line __main__ notebook adapters testing __init__
""".split()

#: Rows above that a row must not know all the same.
STRANGERS = {"durable": {"language"}}

#: Libraries that belong to some rows only.
OWNERS = {
    "IPython": {"notebook"},
    "anywidget": {"notebook"},
    "httpx": {"predictors"},
    "ipykernel": {"notebook"},
    "ipywidgets": {"notebook"},
    "langchain": {"agents"},
    "langchain_core": {"agents", "testing", "tools"},
    "lupa": {"language"},
    "mcp": {"tools"},
    "prompt_toolkit": {"terminal"},
    "psycopg": {"durable"},
    "sqlite3": {"durable"},
}

#: What `import lua_procedures` leaves for later: each costs more than the package.
HEAVY = """
IPython anywidget httpx ipywidgets jsonschema langchain_core lupa nbclient numpy pandas prompt_toolkit pydantic sklearn
tenacity
""".split()


class Import(NamedTuple):
    """One import statement that runs: who, whom, where, and whether it runs when the module is imported."""

    importer: str
    imported: str
    line: int
    at_once: bool

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.imported}"


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def _modules() -> dict[str, ast.Module]:
    return {_name(path): ast.parse(path.read_bytes(), str(path)) for path in sorted(PACKAGE.rglob("*.py"))}


def _is_package(module: str) -> bool:
    return ROOT.joinpath(*module.split("."), "__init__.py").exists()


def _targets(module: str, node: ast.Import | ast.ImportFrom) -> list[str]:
    """The modules that a statement imports, by their full names, each once."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    near = module.split(".") if _is_package(module) else module.split(".")[:-1]
    start = near[: len(near) - node.level + 1] if node.level else []
    base = ".".join([*start, *filter(None, [node.module])])
    within = [f"{base}.{alias.name}" for alias in node.names]
    return list(dict.fromkeys(name if name in _modules() else base for name in within))


def _walk(module: str, nodes: list[ast.stmt], *, at_once: bool = True) -> list[Import]:
    """The imports in these statements that run; those for a type checker do not."""
    found: list[Import] = []
    for node in nodes:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            found += [Import(module, target, node.lineno, at_once) for target in _targets(module, node)]
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            found += _walk(module, node.orelse, at_once=at_once)
        else:
            later = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
            inner = [child for child in ast.iter_child_nodes(node) if isinstance(child, (ast.stmt, ast.ExceptHandler))]
            found += _walk(module, inner, at_once=at_once and not later)  # type: ignore[arg-type]
    return found


@cache
def _imports() -> list[Import]:
    return [found for module, tree in _modules().items() for found in _walk(module, tree.body)]


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] == PACKAGE.name


def _row(module: str) -> str:
    return ([*module.split("."), "__init__"])[1]


def _between_rows() -> list[tuple[Import, str, str]]:
    return [(found, _row(found.importer), _row(found.imported)) for found in _imports() if _is_ours(found.imported)]


def _public() -> list[str]:
    return import_module(PACKAGE.name).__all__


def test_imports_are_seen_wherever_they_stand():
    """The measurement itself: imports in functions, branches and handlers count; those for a type checker do not."""
    source = """
if TYPE_CHECKING:
    import a
else:
    import b
def f():
    try:
        from .stores import Store
    except ImportError:
        from .. import errors
class C:
    import d
"""
    found = _walk("lua_procedures.durable.journal", ast.parse(source).body)
    assert [(each.imported.removeprefix("lua_procedures."), each.at_once) for each in found] == [
        ("b", True),
        ("durable.stores", False),
        ("errors", False),
        ("d", True),
    ]


def test_every_module_has_a_row():
    """A new module or folder of the package has to say where it stands."""
    assert {_row(module) for module in _modules()} <= set(ROWS)


def test_imports_go_up_the_rows_only():
    """No module imports from a row below its own, also not inside a function."""
    assert [str(found) for found, row, other in _between_rows() if ROWS.index(other) > ROWS.index(row)] == []


def test_strangers_stay_strangers():
    """The journal knows no Lua."""
    assert [str(found) for found, row, other in _between_rows() if other in STRANGERS.get(row, set())] == []


def test_no_module_imports_itself_in_a_circle():
    """The imports that run when a module is imported form no cycle."""
    graph: dict[str, set[str]] = {module: set() for module in _modules()}
    for found in _imports():
        if found.at_once and _is_ours(found.imported):
            graph[found.importer].add(found.imported)
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the modules


def test_libraries_stay_with_their_owners():
    """Lua is met in language/ only, IPython in notebook/ only, and so on."""
    strays = [
        str(found)
        for found in _imports()
        if _row(found.importer) not in OWNERS.get(found.imported.partition(".")[0], {_row(found.importer)})
    ]
    assert strays == []


def test_import_is_light():
    """`import lua_procedures` imports none of the heavy libraries; they come when they are first needed."""
    code = f"import lua_procedures, sys; print(*sorted(set({HEAVY}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_public_names_are_sorted_and_there():
    """`__all__` is sorted as ruff sorts (constants, classes, the rest), without repetitions, and each name is there."""
    names = _public()
    assert names == sorted(set(names), key=lambda name: (not name.isupper(), not name[0].isupper(), name))
    assert [name for name in names if not hasattr(import_module(PACKAGE.name), name)] == []


def test_errors_are_public():
    """Every error class can be imported from the package itself."""
    assert set(import_module("lua_procedures.errors").__all__) <= set(_public())
    assert dir(import_module("lua_procedures")) == sorted(_public())


def test_every_module_says_what_it_is():
    """Every module that is not private starts with a docstring."""
    named = {module: tree for module, tree in _modules().items() if not module.rpartition(".")[2].startswith("_")}
    assert [module for module, tree in named.items() if not ast.get_docstring(tree)] == []


def test_every_test_says_what_it_shows():
    """Every test has a docstring of one line."""
    silent = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test_"):
                docstring = (ast.get_docstring(node) or "\n").strip("\n") or "\n"
                silent += [f"{path.name}:{node.lineno} {node.name}"] if "\n" in docstring else []
    assert silent == []


def test_package_is_typed():
    """Type checkers of users read the package's hints."""
    assert (PACKAGE / "py.typed").is_file()


def test_version_is_stated_once():
    """The version stands in `_version.py` alone; the build and the package take it from there."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" in project["project"]["dynamic"]
    assert ROOT / project["tool"]["hatch"]["version"]["path"] == PACKAGE / "_version.py"
    stating = [path.name for path in PACKAGE.rglob("*.py") if re.search(rb"__version__ *=", path.read_bytes())]
    assert stating == ["_version.py"]
    assert import_module(PACKAGE.name).__version__ == import_module("lua_procedures._version").__version__


def test_architecture_page_names_the_rows():
    """The table in docs/architecture.md has the rows that are checked here, in their order."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = page.partition("## The seams")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == ROWS


def test_papers_name_chores_that_exist():
    """Every `scripts/dev.py CHORE` in the papers and the workflows is a chore."""
    papers = [
        *ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob(".github/workflows/*.yml"),
        ROOT / ".ci" / "run", ROOT / ".pre-commit-config.yaml",
    ]  # fmt: skip
    text = "\n".join(path.read_text(encoding="utf-8") for path in papers)
    named = set(re.findall(r"scripts/dev\.py(?: --no-uv| --venv \S+)* ([a-z]+)", text))
    script = [sys.executable, str(ROOT / "scripts" / "dev.py"), "--help"]
    chores = set(
        re.findall(
            r"^  ([a-z]+) ", subprocess.run(script, capture_output=True, text=True, check=True).stdout, re.MULTILINE
        )
    )
    assert {"lab", "headless", "test"} <= named <= chores


def test_dev_script_reads_on_an_old_python():
    """Python 3.7 gets as far as the message that says it is too old."""
    ast.parse((ROOT / "scripts" / "dev.py").read_bytes(), feature_version=(3, 7))


UNSTEADY = """
from pathlib import Path

def test_steady():
    pass

def test_unsteady():
    before = Path(__file__).with_suffix(".ran")
    if not before.exists():
        before.touch()
        raise AssertionError
"""
BROKEN = "def test_broken():\n    raise AssertionError\n"


@pytest.mark.parametrize(
    ("more", "code", "said"), [("", 0, "1 passed"), (BROKEN, 1, "1 failed, 1 passed")], ids=["mended", "broken"]
)
def test_what_fails_is_tried_once_more_alone(tmp_path, more, code, said):
    """One that passes then is told of in the summary, and does not fail the whole; one that fails again does."""
    for folder in ("scripts", "tests"):
        (tmp_path / folder).mkdir()
    (tmp_path / "scripts" / "dev.py").write_bytes((ROOT / "scripts" / "dev.py").read_bytes())
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "conftest.py").write_text(
        'def pytest_addoption(parser):\n    parser.addoption("--complete", action="store_true")\n'
    )
    (tmp_path / "tests" / "test_some.py").write_text(UNSTEADY + more)
    environment = "dev.Environment(__import__('pathlib').Path(sys.prefix), None)"
    script = f"import sys; import dev; sys.exit(dev._all({environment}, dev.PYTEST))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path / "scripts", capture_output=True, text=True, check=False,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST")},
    )  # fmt: skip
    assert (done.returncode, f"again: {said}" in done.stdout) == (code, True), done.stdout + done.stderr


def test_what_notebooks_import_is_installed_with_them():
    """The chores that open notebooks, Binder and the tests install all that the cells import, by one extra."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    cells = [
        "".join(cell["source"])
        for path in (ROOT / "notebooks").glob("*.ipynb")
        for cell in json.loads(path.read_bytes())["cells"]
        if cell["cell_type"] == "code"
    ]
    imported = set(re.findall(r"^(?:import|from) (\w+)", "\n".join(cells), re.MULTILINE))
    others = imported - set(sys.stdlib_module_names) - {PACKAGE.name, "IPython"}
    packages = {re.split(r"[\[><=]", each)[0].replace("scikit-learn", "sklearn") for each in extras["notebooks"]}
    packages = {each.replace("-", "_") for each in packages}
    assert others <= packages
    assert "sklearn" in others
    assert (ROOT / "binder" / "requirements.txt").read_text().split() == [".[notebooks]"]
    chores = (ROOT / "scripts" / "dev.py").read_text(encoding="utf-8")
    opening = re.findall(r"^def (\w+).*\n.*\n    environment.prepare\(\"notebooks\"\)", chores, re.MULTILINE)
    assert opening == ["lab", "headless"]
    assert all("notebooks" in extras[extra][0].partition("[")[2] for extra in ("all", "test"))


def test_no_notebook_cell_is_left_out():
    """The quickstart is there, and no cell of a notebook hides from nbval."""
    notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
    assert (ROOT / "notebooks" / "00-quickstart.ipynb") in notebooks
    hidden = re.compile(r"NBVAL_SKIP|NBVAL_IGNORE_OUTPUT|nbval-skip|nbval-ignore-output", re.IGNORECASE)
    cells = [(path.name, json.dumps(cell)) for path in notebooks for cell in json.loads(path.read_bytes())["cells"]]
    assert [name for name, cell in cells if hidden.search(cell)] == []


EACH = (
    "".join(f"@pytest.mark.{mark}\n" for mark in ("browser", "database", "kernel", "notebook")) + "def test_k(): pass"
)
SPREAD = ("-p", "xdist.plugin", "-n", "2")  # over two processes


@pytest.mark.parametrize(
    ("body", "options", "passes"),
    [
        ("", (), True),
        ("", ("--complete",), False),
        ("@pytest.mark.kernel\ndef test_k(): pass", ("--complete",), False),
        (EACH, ("--complete",), True),
        ("@pytest.mark.kernel\ndef test_k(): pass", ("-k", "plain"), False),
        ("@pytest.mark.kernel\n@pytest.mark.skip\ndef test_k(): pass", (), False),
        ("@pytest.mark.kernel\ndef test_k(): pytest.skip('no')", (), False),
        ("pytest.importorskip('no_such_module')", (), False),
        ("@pytest.mark.skip\ndef test_k(): pass", (), True),
        (EACH, ("--complete", *SPREAD), True),
        ("@pytest.mark.kernel\ndef test_k(): pass", ("--complete", *SPREAD), False),
        ("@pytest.mark.kernel\n@pytest.mark.skip\ndef test_k(): pass", SPREAD, False),
        ("@pytest.mark.kernel\ndef test_k(): pass", ("-k", "plain", *SPREAD), False),
        ("pytest.importorskip('no_such_module')", SPREAD, False),
    ],
)
def test_incomplete_runs_fail(tmp_path, monkeypatch, body, options, passes):
    """In continuous integration a real part that was skipped, deselected or is missing fails the run."""
    monkeypatch.setenv("CI", "1")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n  browser\n  database\n  kernel\n  notebook\n")
    (tmp_path / "test_some.py").write_text(f"import pytest\ndef test_plain(): pass\n{body}\n")
    command = [sys.executable, "-m", "pytest", "--strict-markers", *options, "test_some.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ("not complete" in done.stdout) is not passes, done.stdout
    assert (done.returncode == 0) is passes, done.stdout


def timed(source: str) -> list[int]:
    """The lines of the assertions by which a clock may have gone on only so far."""
    compared = [
        (node.lineno, left if isinstance(operator, (ast.Lt, ast.LtE)) else right)
        for claim in ast.walk(ast.parse(source))
        if isinstance(claim, ast.Assert)
        for node in ast.walk(claim.test)
        if isinstance(node, ast.Compare)
        for left, operator, right in zip([node.left, *node.comparators], node.ops, node.comparators, strict=False)
        if isinstance(operator, (ast.Lt, ast.LtE, ast.Gt, ast.GtE))
    ]
    called = re.compile(r"\b(?:time|monotonic|perf_counter|process_time|thread_time)(?:_ns)?\(\)")
    return [line for line, smaller in compared if called.search(ast.unparse(smaller))]


def test_no_test_fails_on_a_slow_machine():
    """No test asserts that something took less than a time: see `tests/bounds.py` for what is counted instead."""
    assert timed("assert 3 <= time.monotonic() - began") == []
    assert timed("assert time.monotonic() - began < 3\nassert 5 > time.time() - began") == [1, 2]
    found = {path.name: timed(path.read_text(encoding="utf-8")) for path in (ROOT / "tests").rglob("*.py")}
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_the_reference_page_is_made_of_the_catalog():
    """docs/primitives.md is what the table of primitives says; `scripts/dev.py reference` writes it again."""
    page = (ROOT / "docs" / "primitives.md").read_text(encoding="utf-8")
    assert page == import_module("lua_procedures.primitives.reference").reference_page()


def test_names_of_the_kit_are_defined_once():
    """The files of the prelude share one table: a second definition of a name would take the place of the first."""
    found: dict[str, list[str]] = {}
    for file in sorted((PACKAGE / "language").glob("*.lua")):
        text = file.read_text(encoding="utf-8")
        for names in re.findall(r"^ *(?:function (kit\.\w+)\(|((?:kit\.\w+, )*kit\.\w+) = )", text, re.MULTILINE):
            for name in "".join(names).split(", "):
                found.setdefault(name, []).append(file.name)
    assert {name: files for name, files in found.items() if len(set(files)) > 1} == {}
