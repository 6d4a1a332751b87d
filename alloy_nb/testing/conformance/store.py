"""The tests that every session store must pass, each named after what it keeps."""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading
import unittest
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from ...errors import SessionConflict, SessionError
from ...messages import Message
from ...recorder import fold_records
from ...session import SessionInfo, SessionStore

__all__ = ["StoreConformance"]

#: How long is waited for what must happen, in seconds.
SECONDS = 60
THREADS = 4
STEPS = 12

#: Names that are somebody's path, quotation, wildcard or alphabet.
ODD_NAMES = (
    "it's",
    'say "x"',
    "a/b/../c",
    "..",
    "C:\\temp",
    "100%",
    "a_b",
    "axb",
    "A_B",
    "*?[x]",
    "two words",
    " blanks around ",
    "line\nbreak",
    "Füchse 狐 🦊",
    "🦊" * 500,
    "x" * 500,
    "--",
    "; DROP TABLE sessions",
    "NULL",
)
#: Texts that have been lost, cut or changed by a store of somebody's.
ODD_TEXTS = (
    "",
    "é\n\r\t€ \u2028 \u2029",
    "🦊 👩‍👩‍👧",
    "a\x00b",
    "half: \ud83e, other half: \udd8a",
    "\ufeff\uffff",
    "'\"\\%_;--",
    '{"not": "an object"}',
    "e\u0301 is not \u00e9",
)

#: What another process does: `count` appends of two records each, as fast as it can.
_WRITER = """
import pickle, sys
sys.path[:] = pickle.load(sys.stdin.buffer)
from alloy_nb.errors import SessionConflict
store, session, name, count, exact = pickle.load(sys.stdin.buffer)
print("ready", flush=True)
for step in range(count):
    while True:
        after = len(store.read(session)) if exact else None
        try:
            store.append(session, [{"by": name, "step": step, "half": half} for half in (1, 2)], after=after)
            break
        except SessionConflict:
            assert exact
print("done", flush=True)
"""


class StoreConformance:
    """Subclass it and give `make`; pytest finds the tests. See the package for an example."""

    #: Whether other processes see what is stored: then a store can be pickled, and its copy has the same sessions.
    shared: ClassVar[bool] = True

    def make(self) -> SessionStore:
        """A store that is empty, at each call another one."""
        raise NotImplementedError

    # -- records --------------------------------------------------------------------------------------------------

    def test_records_come_back_in_order(self) -> None:
        store = self.make()
        store.append("a", [{"n": 1}, {"n": 2}])
        store.append("b", [{"n": 10}])
        store.append("a", [{"n": 3, "deep": {"list": [1, -2.5, None, True, {"x": []}]}}])
        assert _read(store, "a") == [{"n": 1}, {"n": 2}, {"n": 3, "deep": {"list": [1, -2.5, None, True, {"x": []}]}}]
        assert _read(store, "b") == [{"n": 10}], "the sessions were mixed"
        assert _read(store, "nobody") == [], "a session that is not there has no records"

    def test_any_text_comes_back_as_it_was(self) -> None:
        store = self.make()
        records = [{"text": text, text: "as a key"} for text in ODD_TEXTS]
        store.append("a", records)
        for sent, got in zip(records, _read(store, "a"), strict=True):
            assert got == sent, f"{sent!r} came back as {got!r}"

    def test_a_big_record_comes_back(self) -> None:
        store = self.make()
        big = {"text": "0123456789abcdeé" * 330_000}
        store.append("a", [{"n": 1}, big])
        assert _read(store, "a") == [{"n": 1}, big], "a record of 5 MB was cut or changed"

    def test_many_records_at_once_and_one_by_one(self) -> None:
        store = self.make()
        store.append("a", [{"n": n} for n in range(2000)])
        for n in range(2000, 2050):
            store.append("a", [{"n": n}], after=n)
        assert [record["n"] for record in store.read("a")] == list(range(2050))

    def test_what_was_given_and_what_was_read_may_be_changed(self) -> None:
        store = self.make()
        record: dict[str, Any] = {"list": [1]}
        store.append("a", [record])
        record["list"].append(2)
        _read(store, "a")[0]["list"].append(3)
        assert _read(store, "a") == [{"list": [1]}], "the store holds the caller's own objects"

    def test_nothing_appended_changes_nothing(self) -> None:
        store = self.make()
        store.append("a", [])
        assert (_read(store, "a"), _ids(store)) == ([], []), "a session of no records is not there"
        store.append("b", [{"n": 1}])
        store.append("b", [], after=1)
        assert _read(store, "b") == [{"n": 1}]
        assert _conflicts(store, "b", [], 5), "`after` is looked at also when there is nothing to append"

    def test_an_append_that_fails_stores_nothing(self) -> None:
        store = self.make()
        store.append("a", [{"n": 1}])
        loop: dict[str, Any] = {}
        loop["self"] = loop
        failed = False
        try:
            store.append("a", [{"n": 2}, loop])
        except Exception:  # noqa: BLE001 - whatever it raises for what is no JSON
            failed = True
        assert failed, "a record that is no JSON was taken"
        assert _read(store, "a") == [{"n": 1}], "half of an append was stored"
        store.append("a", [{"n": 2}], after=1)
        assert _read(store, "a") == [{"n": 1}, {"n": 2}]

    # -- after ----------------------------------------------------------------------------------------------------

    def test_after_is_exact(self) -> None:
        store = self.make()
        assert _conflicts(store, "a", [{"n": 0}], 1), "there were no records, and `after=1` was taken"
        store.append("a", [{"n": 1}, {"n": 2}], after=0)
        for wrong in (0, 1, 3):
            assert _conflicts(store, "a", [{"n": 0}], wrong), f"there were 2 records, and `after={wrong}` was taken"
        store.append("a", [{"n": 3}], after=2)
        assert _read(store, "a") == [{"n": 1}, {"n": 2}, {"n": 3}], "what was refused was stored all the same"

    def test_one_of_many_threads_wins(self) -> None:
        store = self.make()
        won = self._race(lambda name: not _conflicts(store, "a", [{"by": name}, {"by": name}], 0))
        assert won.count(True) == 1, f"{won.count(True)} threads appended after the same record"
        assert len({record["by"] for record in store.read("a")}) == 1, "what two threads appended was mixed"
        assert len(store.read("a")) == 2

    def test_threads_lose_and_mix_nothing(self) -> None:
        store = self.make()

        def work(name: str) -> bool:
            for step in range(STEPS):
                for session in ("shared", name):
                    store.append(session, [{"by": name, "step": step, "half": half} for half in (1, 2)])
            return True

        names = [str(number) for number in range(THREADS)]
        assert all(self._race(work))
        _check_halves(store.read("shared"), names, STEPS)
        for name in names:
            _check_halves(store.read(name), [name], STEPS)

    def test_processes_lose_and_mix_nothing(self) -> None:
        """With sessions of their own, and in one session."""
        store = self._shared_store()
        self._in_processes(store, [("one", "0"), ("other", "1"), ("both", "2"), ("both", "3")], exact=False)
        _check_halves(store.read("one"), ["0"], STEPS)
        _check_halves(store.read("other"), ["1"], STEPS)
        _check_halves(store.read("both"), ["2", "3"], STEPS)

    def test_after_is_exact_between_processes(self) -> None:
        store = self._shared_store()
        self._in_processes(store, [("a", "0"), ("a", "1"), ("a", "2")], exact=True)
        _check_halves(store.read("a"), ["0", "1", "2"], STEPS)

    # -- sessions -------------------------------------------------------------------------------------------------

    def test_names_are_kept_apart_and_come_back(self) -> None:
        store = self.make()
        for number, name in enumerate(ODD_NAMES):
            store.append(name, [{"n": number}], after=0)
        for number, name in enumerate(ODD_NAMES):
            assert _read(store, name) == [{"n": number}], f"{name[:40]!r} was taken for another session"
        assert set(_ids(store)) == set(ODD_NAMES), "the list has other names than were given"
        assert store.delete("a_b"), "a session that is there could not be deleted"
        assert set(_ids(store)) == {*ODD_NAMES} - {"a_b"}, "more was deleted than was said"

    def test_a_name_that_cannot_be_kept_is_refused(self) -> None:
        store = self.make()
        for name in ("a\x00b", "half \ud83e", "x" * 100_000):
            refusal: SessionError | None = None
            try:
                store.append(name, [{"n": 1}])
            except SessionError as error:
                refusal = error
            if refusal is None:
                assert _read(store, name) == [{"n": 1}], f"{name[:40]!r} was taken, and is not there"
            else:
                assert refusal.hint, "it does not say what to do"

    def test_the_list_has_the_newest_first(self) -> None:
        store = self.make()
        assert _ids(store) == []
        for name in ("a", "b", "c", "a"):
            store.append(name, [{"n": 1}, {"n": 2}])
        assert _ids(store) == ["a", "c", "b"], "the list is not by when they were gone on with last"
        first = store.list()[0]
        assert isinstance(first, SessionInfo), f"{first!r} is no SessionInfo"
        assert first.records == 4
        assert first.created_at <= first.updated_at
        for time in (first.created_at, first.updated_at):
            assert time.utcoffset() is not None, "its times say no zone: they are UTC"

    def test_what_the_list_says_of_a_conversation_is_true(self) -> None:
        """A store need not say it; if it does, it is what the records say."""
        store = self.make()
        answer = Message.assistant("In dens.", model="acme:one")
        for message in (Message.user("Where do foxes live?"), answer, Message.user("And badgers?")):
            store.append("a", [{"v": 1, "kind": "message", "message": message.to_dict()}])
        store.append("a", [{"v": 1, "kind": "cut", "to": 2}, {"v": 1, "kind": "something new"}])
        (info,) = store.list()
        assert info.title in (None, "Where do foxes live?"), f"its title is {info.title!r}"
        assert info.model in (None, "acme:one"), f"its model is {info.model!r}"
        assert info.messages in (None, len(fold_records("a", store.read("a")).messages)), "it counts other messages"

    def test_many_sessions(self) -> None:
        store = self.make()
        for number in range(300):
            store.append(f"session-{number}", [{"n": number}])
        assert _ids(store) == [f"session-{number}" for number in reversed(range(300))]
        assert _read(store, "session-7") == [{"n": 7}]

    def test_deleting_is_for_good_and_told(self) -> None:
        store = self.make()
        store.append("a", [{"n": 1}, {"n": 2}])
        store.append("b", [{"n": 3}])
        assert store.delete("a") is True
        assert store.delete("a") is False, "what is not there cannot be deleted"
        assert (_read(store, "a"), _ids(store)) == ([], ["b"])
        store.append("a", [{"n": 4}], after=0)
        assert _read(store, "a") == [{"n": 4}], "a deleted session came back with another of its name"

    def test_candidates_leave_out_nothing(self) -> None:
        """If a store has them: a session may be named in vain, never be missing."""
        store: Any = self.make()
        if not callable(getattr(store, "candidates", None)):
            raise unittest.SkipTest("it has no `candidates`")
        texts = {"a": "Foxes live in dens", "b": 'say "fox_es"', "c": "Füchse", "d": "100% \\ of it"}
        for name, text in texts.items():
            store.append(name, [{"text": text}])
        for wanted, holding in (
            ("FOXES", "a"),
            ("fox_es", "b"),
            ("füchse", "c"),
            ("100%", "d"),
            ('"fox', "b"),
            ("\\", "d"),
        ):
            assert holding in store.candidates(wanted), f"{wanted!r} stands in {texts[holding]!r}"
        assert [name for name in store.candidates("e") if name not in texts] == []

    # -- later ----------------------------------------------------------------------------------------------------

    def test_what_was_stored_is_there_when_it_is_opened_again(self) -> None:
        store = self._shared_store()
        store.append("a", [{"n": 1}])
        copy: SessionStore = pickle.loads(pickle.dumps(store))
        assert _read(copy, "a") == [{"n": 1}]
        copy.append("a", [{"n": 2}], after=1)
        assert _conflicts(store, "a", [{"n": 0}], 1), "it does not see what another one has stored"
        assert _read(store, "a") == [{"n": 1}, {"n": 2}]
        assert copy.delete("a")
        assert _read(store, "a") == []

    # -- what they stand on ---------------------------------------------------------------------------------------

    def _shared_store(self) -> SessionStore:
        if not self.shared:
            raise unittest.SkipTest("other processes do not see it")
        return self.make()

    def _race(self, work: Callable[[str], bool]) -> list[bool]:
        """What `work` says in threads that begin together."""
        gate, said = threading.Barrier(THREADS), dict[str, bool]()

        def enter(name: str) -> None:
            gate.wait(SECONDS)
            said[name] = work(name)

        threads = [threading.Thread(target=enter, args=(str(n),), daemon=True) for n in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SECONDS)
        assert len(said) == THREADS, "a thread failed, or waits for ever"
        return list(said.values())

    def _in_processes(self, store: SessionStore, works: Sequence[tuple[str, str]], *, exact: bool) -> None:
        """Each a process that appends to a session; they begin together, as far as can be had."""
        if type(store).__module__ == "__main__":  # of a notebook, or a script
            raise unittest.SkipTest("its class is in no module, from which another process could have it")
        processes = [
            subprocess.Popen([sys.executable, "-c", _WRITER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=False)
            for _ in works
        ]
        try:
            for process, (session, name) in zip(processes, works, strict=True):
                assert process.stdin is not None
                # The store's class may be where pytest has found it.
                process.stdin.write(pickle.dumps(sys.path) + pickle.dumps((store, session, name, STEPS, exact)))
                process.stdin.close()
            for process in processes:
                assert process.stdout is not None
                said = process.stdout.read().decode().split()
                assert process.wait(SECONDS) == 0, "a process that appended failed"
                assert said == ["ready", "done"]
        finally:
            for process in processes:
                process.kill()
                process.wait()
                if process.stdout is not None:
                    process.stdout.close()


def _read(store: SessionStore, name: str) -> list[Any]:
    return [dict(record) for record in store.read(name)]


def _ids(store: SessionStore) -> list[str]:
    return [info.id for info in store.list()]


def _conflicts(store: SessionStore, name: str, records: list[dict[str, Any]], after: int) -> bool:
    conflict: SessionConflict | None = None
    try:
        store.append(name, records, after=after)
    except SessionConflict as error:
        conflict = error
    assert conflict is None or conflict.hint, "it does not say what to do"
    return conflict is not None


def _check_halves(records: Sequence[Any], names: Sequence[str], steps: int) -> None:
    """Every append is there as a whole, and those of one writer in order."""
    assert len(records) == 2 * steps * len(names), (
        f"{2 * steps * len(names)} records were stored, {len(records)} are there"
    )
    for first, second in zip(records[::2], records[1::2], strict=True):
        assert first == {**second, "half": 1}, "what one append stored is not together"
    for name in names:
        own = [record["step"] for record in records[::2] if record["by"] == name]
        assert own == list(range(steps)), f"the appends of {name} are not in order"
