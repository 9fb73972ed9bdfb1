"""Kills a long mixed program with SIGKILL at operations of its store, and goes on with it in another process.

``python tests/conformance/killing.py [--store URL …] [--points N]`` says what came of it; its exit code is 1 where an
effect was lost or repeated, or a run ended otherwise than the one that nobody killed. Without ``--store`` it is a
SQLite file, and a PostgreSQL server of its own. Each process is a fork made before Lua starts, so that it costs little.
"""

from __future__ import annotations

import argparse
import os
import pickle
import random
import signal
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, cast

if __name__ == "__main__":  # as a script it is no part of a package
    sys.path.insert(0, str(Path(__file__).parents[2]))

from lua_procedures import run
from lua_procedures.durable.entries import HIDDEN_KINDS, Entry
from lua_procedures.durable.ownership import Ownership
from lua_procedures.durable.stores import Store, open_store
from tests.conformance.cells import differing, timeless
from tests.conformance.killed_program import PROGRAM, World

#: What a run imports when it first needs it; the forks find it there.
IMPORTED = "jsonschema langchain_core.tools langsmith.run_helpers lua_procedures.language.runtime psycopg tenacity"
SQLITE = "sqlite:///{folder}/runs.db"
NAMES = """
create save find journals entries last append own owner driven ask request requests open_requests answer forget close
""".split()


class Kill(NamedTuple):
    """Where a process ends: at an operation of its store, counted from 0, before or after that is done."""

    operation: int
    before: bool


class KillingStore:
    """A store whose process kills itself at an operation; None for never.

    Attributes:
        done: how many operations there were.
    """

    def __init__(self, store: Store, kill: Kill | None) -> None:
        self.store = store
        self.url = store.url
        self.keeps_objects = store.keeps_objects
        self.done = 0
        self._kill = kill

    def at(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """Do one operation, unless it is the last one of this process."""
        here = self._kill is not None and self._kill.operation == self.done
        self.done += 1
        if here and self._kill and self._kill.before:
            os.kill(os.getpid(), signal.SIGKILL)
        result = call(*arguments)
        if here:
            os.kill(os.getpid(), signal.SIGKILL)
        if isinstance(result, Ownership):
            return Ownership(result.owner, lambda: self.at(result.release))
        return result


def _operation(name: str) -> Callable[..., Any]:
    def method(self: KillingStore, *arguments: Any) -> Any:
        return self.at(getattr(self.store, name), *arguments)

    return method


for each in NAMES:
    setattr(KillingStore, each, _operation(each))


@dataclass
class Story:
    """One run, over all the processes that drove it.

    Attributes:
        kills: where they ended.
        ended: the outcome of the last one.
        called: the effects of each, in order.
        in_flight: those that a kill left unrecorded.
        faults: what is wrong.
    """

    name: str
    folder: Path
    kills: list[Kill] = field(default_factory=list)
    ended: dict[str, Any] = field(default_factory=dict)
    called: list[str] = field(default_factory=list)
    in_flight: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


class Harness:
    """Runs the program in a store, to its end or to a kill.

    Args:
        url: of the store.
        folder: where the processes leave what they did.
    """

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self._folder = folder
        self.expected = self._story("undisturbed")
        assert not self._drive(self.expected, None), "the run that nobody kills did not end"
        self.operations: int = self.expected.ended.pop("operations")
        self.requests = self._asked(self.expected)

    def tell(self, name: str, kills: list[Kill]) -> Story:
        """A run that is killed at these points, where it comes to them, and then goes on to its end."""
        story = self._story(name)
        before: list[Entry] = []
        for kill in kills:
            if not self._drive(story, kill):
                break
            story.kills.append(kill)
            now = self._entries(story)
            if now[: len(before)] != before:
                story.faults.append("recorded entries changed")
            before = now
            self._note_in_flight(story, now)
        else:
            self._drive(story, None)
        self._check(story)
        return story

    def _story(self, name: str) -> Story:
        story = Story(name, self._folder / name)
        story.folder.mkdir()
        return story

    def _drive(self, story: Story, kill: Kill | None) -> bool:
        """Let a new process drive the run; whether it was killed."""
        process = os.fork()
        if not process:
            _run(self.url, story, kill)
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        story.called = World(story.folder).called()
        if code == 0:
            story.ended = pickle.loads((story.folder / "ended").read_bytes())
        elif code != -signal.SIGKILL:
            story.faults.append(f"a process ended with {code}")
        return code == -signal.SIGKILL

    def _note_in_flight(self, story: Story, entries: list[Entry]) -> None:
        """At most the last effect is unrecorded, besides those that earlier kills had left."""
        recorded = sum(World.is_effect(entry.kind, entry.name) for entry in entries)
        unrecorded = len(story.called) - recorded - len(story.in_flight)
        if unrecorded == 1:
            story.in_flight.append(story.called[-1])
        elif unrecorded:
            story.faults.append(f"{unrecorded} effects are not recorded")

    def _check(self, story: Story) -> None:
        """Nothing is repeated or lost, and the end is that of the run that nobody killed."""
        if Counter(story.called) != Counter(self.expected.called + story.in_flight):
            story.faults.append(f"called {story.called}, of which {story.in_flight} were in flight")
        story.ended.pop("operations", None)
        if not story.ended or (difference := differing(self.expected.ended, story.ended)):
            story.faults.append(f"ended otherwise: {difference if story.ended else 'not at all'}")
        entries = [entry for entry in self._entries(story) if entry.kind not in HIDDEN_KINDS]
        if any(times > 1 for times in Counter((entry.key, entry.reads) for entry in entries).values()):
            story.faults.append("something is recorded twice")
        if self._asked(story) != self.requests:
            story.faults.append(f"asked {self._asked(story)}")

    @contextmanager
    def _opened(self) -> Iterator[Store]:
        store = open_store(self.url)
        try:
            yield store
        finally:
            store.close()

    def _entries(self, story: Story) -> list[Entry]:
        with self._opened() as store:
            return [entry for row in store.journals(story.name) for entry in store.entries(row.id)]

    def _asked(self, story: Story) -> list[str]:
        """The questions and sleeps, each by its id."""
        with self._opened() as store:
            return [each.id for row in store.journals(story.name) for each in store.requests(row.id)]


def _run(url: str, story: Story, kill: Kill | None) -> None:
    """What a forked process does; it ends here."""
    code = 1
    try:
        store = KillingStore(open_store(url), kill)
        world = World(story.folder)
        ended = run(PROGRAM, name=story.name, store=cast("Store", store), files=world.files, **world.options)
        whole = {**timeless(ended), "file": world.noted(), "operations": store.done}
        (story.folder / "ended").write_bytes(pickle.dumps(whole))
        code = 0
    except BaseException:  # noqa: BLE001 - whatever it was, this fork must not go on as its parent
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


def points(chance: random.Random, operations: int, number: int) -> Iterator[list[Kill]]:
    """For each story the points of its kills: the first ones all different, and some more at random."""
    everywhere = [Kill(operation, before) for operation in range(operations) for before in (True, False)]
    first = [kill for _ in range(number // len(everywhere) + 1) for kill in chance.sample(everywhere, len(everywhere))]
    for kill in first:
        further = chance.choices(everywhere, k=chance.choice((0, 0, 1, 2)))
        yield [kill, *further]


def say(line: str) -> None:
    """On stdout at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def tell(url: str, number: int, seed: int) -> bool:
    """Kill so often, say what came of it, and whether all was well."""
    with tempfile.TemporaryDirectory() as name:
        harness = Harness(url.replace("{folder}", name), Path(name))
        stories: list[Story] = []
        for kills in points(random.Random(seed), harness.operations, number):
            if sum(len(story.kills) for story in stories) >= number:
                break
            stories.append(harness.tell(f"run-{len(stories)}", kills))
    for story in stories:
        for fault in story.faults:
            say(f"{story.name}, killed at {[tuple(kill) for kill in story.kills]}: {fault}")
    say(
        f"{url.partition(':')[0]}: {sum(len(story.kills) for story in stories)} kills in {len(stories)} runs of "
        f"{harness.operations} operations and {len(harness.expected.called)} effects; "
        f"{sum(len(story.in_flight) for story in stories)} effects were in flight and done again; "
        f"{sum(bool(story.faults) for story in stories)} runs with faults"
    )
    return not any(story.faults for story in stories)


@contextmanager
def stores(given: list[str] | None) -> Iterator[list[str]]:
    """Those that are given; else a SQLite file, and a PostgreSQL server that runs as long as this lasts."""
    if given:
        yield given
        return
    from tests.durable.cluster import serving

    with serving() as cluster:
        if cluster is None:
            say("no PostgreSQL server is installed: SQLite only")
        yield [SQLITE, *([cluster.url()] if cluster else [])]


def main() -> int:
    """The command line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--store", action="append", help="a store's URL; {folder} in it is a temporary folder")
    options.add_argument("--points", type=int, default=300, help="how many kills")
    options.add_argument("--seed", type=int, default=7)
    given = options.parse_args()
    for module in IMPORTED.split():
        with suppress(ImportError):  # psycopg is an extra
            import_module(module)
    with stores(given.store) as urls:
        well = [tell(url, given.points, given.seed) for url in urls]  # each of them, also after one with faults
    return 0 if all(well) else 1


if __name__ == "__main__":
    raise SystemExit(main())
