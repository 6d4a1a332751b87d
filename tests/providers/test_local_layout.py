import json

from hypothesis import given
from hypothesis import strategies as st

from alloy_nb.messages import Message, Text, ToolCall, ToolResult
from alloy_nb.providers.answer import parse_arguments
from alloy_nb.providers.base import Request, ToolSpec
from alloy_nb.providers.local_layout import (
    ForcedCall,
    call_schema,
    flatten,
    forced_tools,
    narrowed,
    without_line_numbers,
)

READ = ToolSpec(
    "read",
    "Read a file.",
    {
        "type": "object",
        "properties": {"file_path": {"type": "string"}, "limit": {"type": "integer"}},
        "required": ["file_path"],
    },
    {"file_path": ["a.txt", "b.txt"]},
)
CLOCK = ToolSpec("clock", "Tell the time.", {"type": "object", "properties": {}})


def lines(messages):
    return [(message.role, message.text) for message in flatten(messages)]


def test_a_call_and_its_result_become_what_the_assistant_says_it_did():
    history = [
        Message.user("What is in note.txt?"),
        Message.assistant([ToolCall("c1", "read", {"file_path": "note.txt"})]),
        Message.user(ToolResult("     1\t48213\n", call_id="c1", name="read")),
    ]
    assert lines(history) == [
        ("user", "What is in note.txt?"),
        ("assistant", "I used the tool read. Its result is:\n48213"),
        ("user", "So what is the answer?"),
    ]


def test_words_beside_a_result_take_the_place_of_the_question():
    message = Message("user", (ToolResult("7", call_id="c", name="dice"), Text("Is that even?")))
    assert lines([message])[-1] == ("user", "Is that even?")


def test_a_failed_call_is_told_as_such():
    message = Message.user(ToolResult("File does not exist", call_id="c", name="read", is_error=True))
    assert lines([message])[0] == ("assistant", "I used the tool read. It failed:\nFile does not exist")


def test_earlier_turns_look_the_same_when_more_follows():
    """Else the prompt cache would be of no use, and each turn would cost more than the one before."""
    history = [
        Message.user("q"),
        Message.assistant([ToolCall("c1", "read", {})]),
        Message.user(ToolResult("1", call_id="c1", name="read")),
    ]
    longer = [*history, Message.assistant("The answer is 1."), Message.user("Thanks")]
    assert lines(longer)[: len(lines(history))] == lines(history)


def test_text_that_only_looks_numbered_stays():
    table = "     1\tone\n     7\tseven\n"
    assert without_line_numbers(table) == table


def test_a_notice_after_the_numbered_lines_stays():
    assert without_line_numbers("     1\ta\n     2\tb\n[more lines]") == "a\nb\n[more lines]"


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=20), min_size=1))
def test_numbering_lines_and_taking_the_numbers_out_gives_the_text(rows):
    numbered = "".join(f"{number:>6}\t{row}\n" for number, row in enumerate(rows, 1))
    assert without_line_numbers(numbered) == "".join(f"{row}\n" for row in rows)


def test_only_a_forced_choice_forces():
    def forced(choice):
        return [tool.name for tool in forced_tools(Request((), tools=(READ, CLOCK), tool_choice=choice))]

    assert forced("required") == ["read", "clock"]
    assert forced("clock") == ["clock"]
    assert forced(None) == forced("auto") == forced("none") == []


def test_arguments_are_held_to_the_candidates_and_optional_ones_left_out():
    arguments = call_schema([READ], required_only=True)["properties"]["arguments"]
    assert arguments["properties"] == {"file_path": {"enum": ["a.txt", "b.txt"]}}
    assert arguments["required"] == ["file_path"]


def names_of(text, candidates):
    (tool,) = narrowed([ToolSpec("read", "", {}, {"file_path": candidates})], [Message.user(text)])
    return tool.candidates["file_path"]


def test_files_that_the_user_names_are_the_candidates():
    files = ["a.txt", "data.txt", "sub/note.txt", "note.txt.bak"]
    assert names_of("Read data.txt.", files) == ["data.txt"]
    assert names_of("What is in note.txt?", files) == ["sub/note.txt"]
    assert names_of("Compare a.txt, data.txt", files) == ["a.txt", "data.txt"]
    assert names_of("Read some file", files) == files


def test_the_question_counts_and_not_a_result_that_came_since():
    spec = ToolSpec("read", "", {}, {"file_path": ["a.txt", "b.txt"]})
    result = ToolResult("see b.txt", call_id="c", name="read")
    (tool,) = narrowed([spec], [Message.user("Read a.txt"), Message.user(result)])
    assert tool.candidates["file_path"] == ["a.txt"]


def test_without_candidates_the_argument_keeps_its_own_schema():
    bare = ToolSpec("read", "", READ.input_schema)
    arguments = call_schema([bare], required_only=True)["properties"]["arguments"]
    assert arguments["properties"] == {"file_path": {"type": "string"}}


def test_of_several_tools_one_may_be_chosen():
    names = [call["properties"]["name"]["const"] for call in call_schema([READ, CLOCK], required_only=False)["anyOf"]]
    assert names == ["read", "clock"]


def test_definitions_of_two_tools_do_not_mix():
    def tool(name, kind):
        point = {"$defs": {"P": {"type": kind}}, "properties": {"p": {"$ref": "#/$defs/P"}}, "required": ["p"]}
        return ToolSpec(name, "", {"type": "object", **point})

    schema = call_schema([tool("a", "string"), tool("b", "integer")], required_only=True)
    assert schema["$defs"] == {"a.P": {"type": "string"}, "b.P": {"type": "integer"}}
    references = [call["properties"]["arguments"]["properties"]["p"]["$ref"] for call in schema["anyOf"]]
    assert references == ["#/$defs/a.P", "#/$defs/b.P"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    name=st.text(min_size=1),
    arguments=st.dictionaries(st.text(), json_values, max_size=3),
    indent=st.sampled_from([None, 2]),
    data=st.data(),
)
def test_however_the_text_is_split_the_call_is_the_same(name, arguments, indent, data):
    text = json.dumps({"name": name, "arguments": arguments}, indent=indent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    call = ForcedCall()
    deltas = [delta for piece in pieces for delta in call.feed(piece)] + list(call.end())
    assert deltas[0].name == name
    assert parse_arguments("".join(delta.arguments for delta in deltas)) == arguments


def test_a_call_that_was_cut_stays_broken_json():
    call = ForcedCall()
    deltas = [*call.feed('{"name": "write", "arguments": {"text": "}'), *call.end(whole=False)]
    assert parse_arguments("".join(delta.arguments for delta in deltas)) is None


def test_a_call_cut_before_its_arguments_is_no_call():
    call = ForcedCall()
    assert [*call.feed('{"name": "wri'), *call.end(whole=False)] == []
    assert not call.begun
