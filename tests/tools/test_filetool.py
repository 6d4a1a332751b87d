"""What was decided about is what is touched: links that are swapped between the question and the call."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.errors import ToolError
from alloy_nb.tools.context import ToolContext
from alloy_nb.tools.edit import Edit
from alloy_nb.tools.filetool import FileTool
from alloy_nb.tools.read import Read
from alloy_nb.tools.write import Write

INPUTS: Mapping[type[FileTool], Mapping[str, Any]] = {
    Read: {"file_path": "link"},
    Write: {"file_path": "link", "content": "mine"},
    Edit: {"file_path": "link", "old_string": "text", "new_string": "mine"},
}
TOOLS = pytest.mark.parametrize("kind", list(INPUTS))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A working directory with a link in it, and files inside and outside that it may lead to."""
    folder = Path(os.path.realpath(tmp_path)) / "project"
    folder.mkdir()
    for name in ("a.txt", "b.txt", ".env", "../outside.txt", "../other.txt"):
        (folder / name).write_text(f"text of {Path(name).name}")
    point(folder, "a.txt")
    return folder


def point(project: Path, target: str) -> None:
    """Let the link lead elsewhere, in one step."""
    (project / "next").symlink_to(project / target)
    os.replace(project / "next", project / "link")


def contents(project: Path) -> dict[str, str]:
    return {path.name: path.read_text() for folder in (project, project.parent) for path in folder.glob("*.txt")}


def execute(tool: FileTool, ctx: ToolContext, **more: Any) -> Any:
    return asyncio.run(tool.execute({**INPUTS[type(tool)], **more}, ctx))


def run(project: Path, tool: Any, approval: Any, **more: Any) -> alloy.ToolResult:
    kind = next(base for base in type(tool).__mro__ if base in INPUTS)
    call = {"name": tool.name, "input": {**INPUTS[kind], **more}}
    result = alloy.run(
        "x",
        model=alloy.Scripted([{"tool_calls": [call]}, {"text": "done"}]),
        tools=[tool],
        approval=approval,
        working_directory=project,
    )
    return result.messages[2].tool_results[0]


# -- through a run ------------------------------------------------------------------------------------------------


@TOOLS
@pytest.mark.parametrize(("asked", "then"), [("../outside.txt", "../other.txt"), ("../outside.txt", ".env")])
def test_a_link_that_is_swapped_while_a_person_thinks_is_an_error(
    project: Path, kind: type[FileTool], asked: str, then: str
) -> None:
    """A call that was allowed for one place never touches another."""
    point(project, asked)
    before = contents(project)

    def swap_and_allow(call: alloy.ToolCall, ctx: ToolContext) -> bool:
        point(project, then)
        return True

    part = run(project, kind(), swap_and_allow)
    assert part.is_error
    assert "link has changed since it was allowed (now it " in part.text
    assert "try again" in part.text
    assert "text of" not in part.text
    assert contents(project) == before


@pytest.mark.parametrize("kind", [Write, Edit])
def test_a_change_that_was_allowed_for_one_file_inside_does_not_land_in_another(
    project: Path, kind: type[FileTool]
) -> None:
    before = contents(project)

    def swap_and_allow(call: alloy.ToolCall, ctx: ToolContext) -> bool:
        point(project, "b.txt")
        return True

    assert run(project, kind(), swap_and_allow).text.endswith("has changed since it was allowed; try again.")
    assert contents(project) == before


@TOOLS
def test_what_was_allowed_outside_is_done_there(project: Path, kind: type[FileTool]) -> None:
    point(project, "../outside.txt")
    part = run(project, kind(), lambda call, ctx: True)
    assert not part.is_error
    if kind is not Read:
        assert "mine" in (project / "../outside.txt").read_text()
        assert (project / "link").is_symlink()
    assert contents(project)["a.txt"] == "text of a.txt"


def test_a_free_call_stays_free_only_for_what_is_harmless(project: Path) -> None:
    """`read` needs no question for a link to the inside; swapped before the call runs, it reads nothing outside."""

    class Slow(Read):
        async def execute(self, input: Mapping[str, Any], ctx: ToolContext) -> str:
            assert ctx.allowed is None
            point(project, "../outside.txt")
            return await super().execute(input, ctx)

    part = run(project, Slow(), "ask")
    assert "link has changed since it was allowed (now it is outside the working directory)" in part.text
    assert "text of" not in part.text


def test_allowed_for_good_means_where_it_led(project: Path) -> None:
    """A path that was allowed always is asked about anew once it leads elsewhere."""
    from alloy_nb.tools.approval import Decision, Memory, Question
    from alloy_nb.tools.toolbox import pattern_of

    def question() -> Question:
        tool, input, ctx = Write(), INPUTS[Write], ToolContext(project)
        reason = tool.approval_reason(input, ctx)
        assert reason is not None
        return Question(alloy.ToolCall("1", "write", dict(input)), reason, "link", pattern_of(tool, input, reason))

    memory = Memory()
    memory.note(question(), Decision(allowed=True, remember="command"))
    assert memory.knows(question())
    (project / "a.txt").unlink()  # to create it is not asked anew
    assert memory.knows(question())
    point(project, "../outside.txt")
    assert not memory.knows(question())


# -- a tool by itself ---------------------------------------------------------------------------------------------


@TOOLS
def test_a_question_names_where_a_link_leads(project: Path, kind: type[FileTool]) -> None:
    ctx = ToolContext(project)
    point(project, "../outside.txt")
    reason = kind().approval_reason(INPUTS[kind], ctx)
    outside = project.parent / "outside.txt"
    assert reason is not None
    assert reason.endswith(f"`link`, which is outside the working directory: it leads to `{outside}`")


@TOOLS
@pytest.mark.parametrize("target", ["../outside.txt", ".env"])
def test_without_a_question_nothing_risky_is_touched(project: Path, kind: type[FileTool], target: str) -> None:
    point(project, target)
    with pytest.raises(ToolError, match="has changed since it was allowed"):
        execute(kind(), ToolContext(project))
    assert (project / target).read_text() == f"text of {Path(target).name}"


def test_two_writes_of_a_turn_may_both_have_been_asked_as_the_first(project: Path) -> None:
    """Both were allowed to create the file; for the second one it is there."""
    ctx = ToolContext(project, allowed="write wants to create `new.txt`")
    for content in ("one", "two"):
        execute(Write(), ctx, file_path="new.txt", content=content)
    assert (project / "new.txt").read_text() == "two"


def test_a_subclass_that_asks_in_its_own_words_is_heard_again(project: Path) -> None:
    class Polite(Read):
        def approval_reason(self, input: Mapping[str, Any], ctx: ToolContext) -> str | None:
            return f"May I see {os.path.realpath(ctx.resolve(input['file_path']))}?"

    point(project, "../outside.txt")
    assert "text of outside.txt" in run(project, Polite(), "auto").text

    def swap_and_allow(call: alloy.ToolCall, ctx: ToolContext) -> bool:
        point(project, "../other.txt")
        return True

    assert "has changed since it was allowed" in run(project, Polite(), swap_and_allow).text


def test_a_tool_of_ones_own_may_use_it_where_nobody_need_be_asked(project: Path) -> None:
    class Shout(alloy.Tool):
        name = "shout"
        requires_approval = True

        async def execute(self, input: Mapping[str, Any], ctx: ToolContext) -> str:
            assert ctx.allowed == "this tool asks first"
            return (await Read().execute({"file_path": "link"}, ctx)).upper()

    ctx = ToolContext(project, allowed="this tool asks first")
    assert "TEXT OF A.TXT" in asyncio.run(Shout().execute({}, ctx))
    point(project, "../outside.txt")
    with pytest.raises(ToolError, match="has changed since"):
        asyncio.run(Shout().execute({}, ctx))


def test_a_read_that_always_asks_says_which_file(project: Path) -> None:
    class Careful(Read):
        requires_approval = True

    assert Careful().approval_reason({"file_path": "a.txt"}, ToolContext(project)) == "read wants to open `a.txt`"
    assert "text of b.txt" in run(project, Careful(), "auto", file_path="b.txt").text


@TOOLS
@pytest.mark.parametrize("name", ["sub/", "sub/.", "a.txt/"])
def test_a_folders_name_is_no_files(project: Path, kind: type[FileTool], name: str) -> None:
    with pytest.raises(ToolError, match="names a folder, not a file"):
        execute(kind(), ToolContext(project), file_path=name)
    with pytest.raises(ToolError, match="names a folder, not a file"):
        kind().approval_reason({**INPUTS[kind], "file_path": name}, ToolContext(project))


@TOOLS
@pytest.mark.parametrize("name", ["n" * 300, "d/" * 3000 + "x", "circle", "circle/x", "a.txt/b"])
def test_names_that_no_file_can_have_are_errors_to_the_model(project: Path, kind: type[FileTool], name: str) -> None:
    (project / "circle").symlink_to(project / "circle")
    before = contents(project)
    part = run(project, kind(), "auto", file_path=name)
    assert part.is_error
    assert "crashed" not in part.text
    assert contents(project) == before
    assert not (project / "d").exists()


@TOOLS
def test_a_call_to_a_path_that_is_not_allowed_is_refused_unasked(project: Path, kind: type[FileTool]) -> None:
    """TOOL-7, TOOL-w1: `allowed_paths` holds for links too."""
    ctx = ToolContext(project, {"allowed_paths": [project / "sub"]})
    with pytest.raises(ToolError, match=f"(?m)^Path {project}/link is outside allowed directories$"):
        kind().approval_reason(INPUTS[kind], ctx)
    with pytest.raises(ToolError, match="is outside allowed directories"):
        execute(kind(), ctx)
    (project / "sub").mkdir()
    (project / "sub/a.txt").write_text("some text")
    point(project, "sub/a.txt")
    execute(kind(), ctx)


def test_a_call_that_was_given_up_changes_nothing_any_more(project: Path) -> None:
    ctx = ToolContext(project)
    ctx.cancelled.set()
    for kind in (Write, Edit):
        with pytest.raises(ToolError, match="given up"):
            execute(kind(), ctx)
    assert contents(project)["a.txt"] == "text of a.txt"


# -- races --------------------------------------------------------------------------------------------------------


@pytest.fixture
def swapping(project: Path) -> Iterator[Path]:
    """The project, with a thread that lets the link lead in and out all the time."""
    over = threading.Event()

    def swap() -> None:
        while not over.is_set():
            point(project, "../outside.txt")
            point(project, "a.txt")

    thread = threading.Thread(target=swap)
    thread.start()
    yield project
    over.set()
    thread.join()


def race(project: Path, times: int, ctx: ToolContext, may: str, must_not: str) -> None:
    """Read, write and edit the link many times; only the file `may` is ever seen or changed."""
    untouched = contents(project)[must_not]
    texts = {"refused": 0, "done": 0}
    actions: list[Callable[[int], Any]] = [
        lambda n: Read().execute({"file_path": "link"}, replace(ctx, allowed=question(Read))),
        lambda n: Write().execute({"file_path": "link", "content": f"text {n}"}, replace(ctx, allowed=question(Write))),
        lambda n: Edit().execute(
            {"file_path": "link", "old_string": "text", "new_string": f"text {n % 10}"},
            replace(ctx, allowed=question(Edit)),
        ),
    ]
    risk = f", which is outside the working directory: it leads to `{project.parent}/outside.txt`"
    verbs = {Read: "open", Write: "replace", Edit: "change"}

    def question(kind: type[FileTool]) -> str | None:
        return f"{kind.name} wants to {verbs[kind]} `link`{risk}" if may == "outside.txt" else None

    async def all_of_them() -> None:
        for number in range(times):
            try:
                said = str(await actions[number % 3](number))
                texts["done"] += 1
            except ToolError as error:
                said = str(error)
                texts["refused"] += 1
            assert f"text of {must_not}" not in said
            # The changes noted for an undo hold the text that was there before.
            ctx.state.clear()

    asyncio.run(all_of_them())
    assert contents(project)[must_not] == untouched == f"text of {must_not}"
    assert texts["done"]
    assert texts["refused"]  # else nothing was tried


@pytest.mark.thorough
def test_a_link_that_is_swapped_all_the_time_never_leads_out(swapping: Path) -> None:
    race(swapping, 900, ToolContext(swapping), may="a.txt", must_not="outside.txt")


@pytest.mark.thorough
def test_what_was_allowed_outside_never_lands_inside(swapping: Path) -> None:
    race(swapping, 900, ToolContext(swapping), may="outside.txt", must_not="a.txt")


@pytest.mark.slow
@pytest.mark.parametrize(("may", "must_not"), [("a.txt", "outside.txt"), ("outside.txt", "a.txt")])
def test_a_link_that_is_swapped_for_long_never_leads_out(swapping: Path, may: str, must_not: str) -> None:
    race(swapping, 30_000, ToolContext(swapping), may, must_not)
