"""`alloy -p "..."`: one question, one answer on stdout."""

from __future__ import annotations

import json
import signal
import sys
import threading
from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..counting import counted
from ..errors import ConfigError
from ..redaction import redact, redact_data, redact_known
from ..setting_commands import POLICIES
from .console import Notes, OutputGone, is_terminal, silence_stdout
from .failure import INTERRUPTED, READER_GONE, RUN_FAILED, output_lost, report
from .spelling import on_a_line
from .values import a_name, dollars, one_of, seconds, temperature, thinking, whole_number

if TYPE_CHECKING:
    from ..result import Result
    from ..tools.base import Tool
    from .transcript import Transcript

__all__ = [
    "add_arguments",
    "ending_signals",
    "named_options",
    "names_in",
    "run",
    "run_options",
    "show_run",
    "tools_named",
]

#: Characters of stdin that go along; more fits no model's window.
_LARGEST_INPUT = 10_000_000
#: Seconds after which a person is told that we wait for the end of stdin.
_PATIENCE = 2.0


def add_arguments(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("-p", "--prompt", nargs="?", const="", metavar="PROMPT", help="the question; words after it belong to it")
    add("--programmatic", dest="prompt", nargs="?", const="", help=SUPPRESS)  # its name in Alloy
    add("-m", "--model", metavar="NAME", help="provider:model, local, or scripted:FILE.jsonl")
    add("--provider", metavar="NAME", help="the provider of --model, or its default model")
    add("--fallback", metavar="NAMES", default="", help="models to go to when the first one fails, by comma")
    add("--thinking", type=thinking, metavar="HOW", help="low, medium, high, on, off, or a number of tokens")
    add("-t", "--tools", metavar="NAMES", help="as read,glob,grep,fetch,bash; with -p the default is none")
    add("--tool-choice", metavar="CHOICE", help="auto, required, none or a tool's name, for the first turn")
    add("-s", "--system", metavar="TEXT", help="the system prompt")
    add(
        "--max-turns",
        type=whole_number("--max-turns", 25),
        metavar="N",
        help="calls of the model at most (default: 25)",
    )
    add("--timeout", type=seconds("--timeout"), metavar="SECONDS", help="for the whole run (default: none)")
    add("--budget", type=dollars("--budget"), metavar="DOLLARS", help="what may be spent (default: no limit)")
    add("--temperature", type=temperature, metavar="N", help="0 for the most likely words")
    add("--dir", metavar="FOLDER", default=".", help="the tools' working directory (default: this one)")
    name = a_name("--session")
    add("--session", type=name, metavar="NAME", help="store the conversation under this name, or go on with it")
    add("--no-context", action="store_true", help="leave out AGENTS.md, .alloy/context/*.md and skills")
    add(
        "--approval",
        type=one_of("--approval", tuple(POLICIES)),
        choices=tuple(POLICIES),
        help="of tool calls that change or run things",
    )
    add("--no-stream", action="store_true", help="show the answer when it is whole")
    add("--json", action="store_true", help="print the whole result as one line of JSON")


def run(args: Namespace) -> int:
    """Ask once; the exit code."""
    from ..providers.registry import resolve_model
    from .transcript import Transcript

    tools = tools_named(names_in(args.tools or ""))
    live = is_terminal(sys.stdout) and not args.no_stream and not args.json
    transcript = Transcript(tools, live=live)
    prompt = compose(_by_skill(args, transcript.notes), _read_stdin())
    options = run_options(args, list(tools.values()))
    options["model"] = resolve_model(options["model"])
    return show_run(prompt, options, transcript, as_json=args.json)


def _by_skill(args: Namespace, notes: Notes) -> str:
    """The question; of one that begins with a skill's word, as in a conversation, the skill's text about the rest.

    Raises `ConfigError` for any other word with a slash.
    """
    question = str(args.prompt)
    if question == "-":  # as other programs have it: what is piped in, which goes along with any question
        return ""
    if not question.lstrip().startswith("/"):
        return question
    from ..commands import commands_of, find_command
    from ..context.surroundings import skills_of
    from ..folders import home_folder
    from ..skill_commands import skill_and_rest, skill_commands

    own = commands_of("terminal")
    here = () if args.no_context else skills_of(True, Path(args.dir).expanduser().absolute(), home_folder())[0]
    found = find_command(question, (*own, *skill_commands(here, own)))
    if found is None:
        return question
    command, about = found
    if command.name == "skill":  # whose name is no word, or a command's
        skill, about = skill_and_rest(here, about)
    elif command in own:
        raise ConfigError(
            f"/{command.name} is a command of a conversation",
            hint="`alloy` begins one; a question does not begin with a slash",
        )
    else:
        skill = next(skill for skill in here if skill.name == command.name)
    notes.line(
        f"skill {skill.name}: {len(skill.prompt(about)):,} characters" + (f" from {skill.path}" if skill.path else "")
    )
    return skill.prompt(about)


def names_in(text: str) -> list[str]:
    """Names with commas between them, each once."""
    return list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def tools_named(names: Sequence[str]) -> dict[str, Tool]:
    """The tools of `--tools`. Raises `ConfigError` for a name that is none of them."""
    from ..tools.toolbox import collect_tools

    try:
        return collect_tools(names)
    except ConfigError as error:
        raise ConfigError(f"--tools: {error.message}", hint=error.hint) from error


def compose(question: str, context: str) -> str:
    """The prompt: the question, and what came by stdin, marked as such.

    >>> print(compose("Review it", "+ x = 1"))
    Review it
    <BLANKLINE>
    <stdin>
    + x = 1
    </stdin>
    """
    if question.strip() and context.strip():
        return f"{question}\n\n<stdin>\n{context.rstrip()}\n</stdin>"
    prompt = question if question.strip() else context
    if not prompt.strip():
        raise ConfigError("the prompt is empty", hint='ask something: `alloy -p "What is a monad?"`')
    return prompt


def _read_stdin() -> str:
    """What is piped into us; nothing from a terminal, which is for a person's answers."""
    if sys.stdin is None or sys.stdin.closed or is_terminal(sys.stdin):
        return ""
    waiting = threading.Timer(_PATIENCE, _tell_of_waiting)
    waiting.daemon = True
    waiting.start()
    try:
        binary = getattr(sys.stdin, "buffer", None)
        data = sys.stdin.read(_LARGEST_INPUT + 1) if binary is None else binary.read(_LARGEST_INPUT + 1)
    except OSError as error:
        raise ConfigError(f"stdin cannot be read: {error.strerror}", hint="give `< /dev/null` for nothing") from error
    finally:
        waiting.cancel()
    if len(data) > _LARGEST_INPUT:
        raise ConfigError("stdin holds more than 10 MB", hint="send less: cut it with head, tail or grep")
    return data if isinstance(data, str) else data.decode("utf-8", "replace")


def _tell_of_waiting() -> None:
    Notes(sys.stderr).line("waiting for the end of stdin, which goes along with the question (none: `< /dev/null`)")


def run_options(args: Namespace, tools: Sequence[Tool]) -> dict[str, Any]:
    """The options of a run, by their names; `model` is a name, or None where none was given."""
    from ..providers.registry import resolve_model

    given = {
        "system_prompt": args.system,
        "max_turns": args.max_turns,
        "timeout": args.timeout,
        "budget": args.budget,
        "temperature": args.temperature,
        "tool_choice": args.tool_choice,
        "thinking": args.thinking,
        "session": args.session,
    }
    options = {name: value for name, value in given.items() if value is not None}
    return {
        **options,
        "model": model_name(args.provider, args.model),
        "fallback": [resolve_model(name) for name in names_in(args.fallback)],
        "tools": tools,
        "working_directory": args.dir,
        "approval": args.approval or "ask",
        "stream": not args.no_stream,
        "context_discovery": not args.no_context,
        "skills": not args.no_context,
    }


def named_options(args: Namespace) -> frozenset[str]:
    """Those that were given on the line, by their names in `run_options`."""
    return frozenset(name for name in _NAMED if getattr(args, name) is not None)


#: Options that have a value also where none was given.
_NAMED = ("approval", "budget", "max_turns", "tools")


def model_name(provider: str | None, model: str | None) -> str | None:
    """``--provider`` and ``--model`` as one name; a provider alone stands for its default model.

    >>> model_name("openai", "gpt-5.2"), model_name(None, "local"), model_name("local", "local:smollm2")
    ('openai:gpt-5.2', 'local', 'local:smollm2')
    """
    if not provider or not model or model.startswith(f"{provider}:"):
        return model or provider
    return f"{provider}:{model}"


def show_run(prompt: str, options: dict[str, Any], transcript: Transcript, *, as_json: bool = False) -> int:
    """Run it in sight of the user; the exit code."""
    result, code = _run_to_its_end(prompt, options, transcript)
    try:
        if as_json:
            transcript.answer.write_safe(to_json(result))
        else:
            transcript.write_answer(result)
        transcript.answer.end_line()
    except OutputGone:
        pass
    if transcript.answer.failure is not None:
        return _tell_output_gone(transcript)
    return code or _conclude(result, transcript, getattr(options["model"], "notice", None))


def _run_to_its_end(prompt: str, options: dict[str, Any], transcript: Transcript) -> tuple[Result, int]:
    """The result, also of a run that was interrupted; then with the exit code for that."""
    from ..runs import run as run_agent

    # Nothing but the answer reaches stdout: not a question that is asked, not what a tool's code prints.
    with ending_signals() as came, redirect_stdout(sys.stderr):
        try:
            return run_agent(prompt, check=False, display=None, on_event=transcript.hear, **options), 0
        except KeyboardInterrupt as interrupt:
            partial = getattr(interrupt.__cause__, "result", None)
            if partial is None:
                raise
            return partial, 128 + came[0] if came else INTERRUPTED


def _tell_output_gone(transcript: Transcript) -> int:
    failure = transcript.answer.failure
    silence_stdout()
    if isinstance(failure, BrokenPipeError):
        return READER_GONE
    assert failure is not None
    return report(output_lost(failure), transcript.notes)


def _conclude(result: Result, transcript: Transcript, notice: str | None) -> int:
    """What must be said of how it ended; the exit code."""
    from ..render.notices import CUT

    if result.error is not None:
        return report(result.error, transcript.notes)
    if result.status == "max_turns":
        transcript.notes.line(
            f"stopped after {counted(result.turns, 'turn')} without an answer: raise --max-turns", "yellow"
        )
        return RUN_FAILED
    if result.stop_reason == "max_tokens":
        transcript.notes.line(CUT.text, "yellow")
    elif not result.text:
        transcript.notes.line("the model gave no text", "yellow")
    transcript.show_footer(result, notice)
    return 0


@contextmanager
def ending_signals() -> Iterator[list[int]]:
    """SIGTERM and SIGHUP end a run as Ctrl-C does, so that nothing a tool started is left behind; which one came."""
    came: list[int] = []

    def end(number: int, _frame: Any) -> None:
        came.append(number)
        raise KeyboardInterrupt

    numbers = []
    if threading.current_thread() is threading.main_thread():
        numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    # One that is ignored (nohup) stays ignored.
    before = {number: signal.signal(number, end) for number in numbers if signal.getsignal(number) is signal.SIG_DFL}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def to_json(result: Result) -> str:
    """The result on one line, in ASCII: it can be printed anywhere, and steers no terminal."""
    error = result.error
    calls = [
        {
            "id": call.id,
            "name": call.name,
            "input": dict(call.input),
            "output": call.output,
            "error": call.error,
            "duration_ms": round(call.duration_ms, 3),
        }
        for call in result.tool_calls
    ]
    told = None
    if error is not None:
        kind = type(error).__name__
        message, hint = on_a_line(kind, error.message, error.hint or "")
        told = {"type": kind, "message": redact(message), "hint": redact(hint)}
    whole = {
        "text": result.text,
        "status": result.status,
        "stop_reason": result.stop_reason,
        "model": result.model,
        "usage": result.usage.to_dict(),
        "cost": result.cost,
        "turns": result.turns,
        "tool_calls": calls,
        "run_id": result.run_id,
        "duration": round(result.duration, 3),
        "error": told,
    }
    # Before it is JSON: a key with a quote in it is another text there, and one of digits might be a number.
    return json.dumps(redact_data(whole), default=lambda value: redact_known(str(value)))
