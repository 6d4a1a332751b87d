"""What goes into a prompt, and above all what does not."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from alloy_nb.errors import ConfigError
from alloy_nb.notebook.interpolation import Insertion, interpolate, look_up
from alloy_nb.notebook.preview import list_insertions

NAMES = {"a": 1, "b": "two", "n": 3, "x": [10, 20], "key": "K", "d": {"k": "v"}}


def filled(text: str, names: dict[str, object] | None = None) -> str:
    return interpolate(text, NAMES if names is None else names)[0]


@pytest.mark.parametrize(
    "prompt",
    [
        '{"a": 1, "key": {"x": [1, 2], "n": null}}',
        '{"b": {"a": []}}',
        "{a, b, n}",
        "{a: 1, b: 2}",
        "{ a }",
        "{x | x > 0}",
        r"\frac{a}{b} + \sqrt[n]{x} and x_{n}^{n} \mathrm{x}",
        r"$\frac{a}{b}$ and $$ {x} = {n} $$ and $ {a} $ and \({x}\) and \[ {n} \]",
        r"\begin{align*} {a} &= {b} \end{align*}",
        r"\{x : x > 0\} and \left\{a\right\}",
        "{{a}} and {{ n }}",
        "${a} and ${key}",
        "$$\n{x}\n$$",
        "`{a}` and ``{a} ` {b}``",
        "```json\n{a}\n```",
        "> ```\n> {a}\n> ```",
        "~~~~\n{a}\n~~~\n{b}\n~~~~",
        "```\n{a} in a fence that is never closed",
        "{f(a)} {x[]} {}",
        "f{a} a{b} }{n}",
        r"\\{a}",
        "{u} and {if}",
    ],
)
def test_what_looks_like_a_variable_but_is_json_latex_a_set_or_code_stays_as_typed(prompt: str) -> None:
    assert interpolate(prompt, NAMES) == (prompt, ())


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("{n} of {b}", "3 of two"),
        ("({n})[{n}],{n}.", "(3)[3],3."),
        ("{x[0]} {x[-1]} {x[:1]} {x}", "10 20 [10] [10, 20]"),
        ("{d[\"k\"]} {d['k']}", "v v"),
        ("{n.real} {n.real.imag}", "3 0"),
        (r"\{n} is {n}", "{n} is 3"),
        ("from $5 to {n} and $9", "from $5 to 3 and $9"),
        ("$x$ {n} $y$", "$x$ 3 $y$"),
        ("`code` {n} `code`", "`code` 3 `code`"),
        ("one ` alone {n}", "one ` alone 3"),
        ("```\ncode\n```\n{n}", "```\ncode\n```\n3"),
        ('"{n}"', '"3"'),
    ],
)
def test_a_bound_name_goes_in(prompt: str, expected: str) -> None:
    assert filled(prompt) == expected


def test_a_subscript_may_be_a_bound_name() -> None:
    assert filled("{rows[i]} {table[b]}", {"rows": "xyz", "i": 2, "table": {"two": 2}, "b": "two"}) == "z 2"


def test_a_value_is_not_searched_for_names_again() -> None:
    assert filled("{a}", {"a": "{b}", "b": "no"}) == "{b}"


def test_what_went_in_is_listed() -> None:
    assert interpolate("{b} and {x[0]}", NAMES)[1] == (Insertion("b", "str", 3), Insertion("x[0]", "int", 2))


@pytest.mark.parametrize("expression", ["n.nothing", "x[7]", 'd["absent"]', "x[unbound]", "n[0]"])
def test_a_lookup__that_fails_is_named(expression: str) -> None:
    with pytest.raises(ConfigError) as caught:
        filled(f"see {{{expression}}}")
    step = re.sub(r"^\w+", "", expression)
    assert step.strip("[].\"'") in caught.value.message
    assert caught.value.hint


def test_nothing_is_called_or_evaluated() -> None:
    called = []
    filled("{f()} {f} {x[f()]}", {"f": lambda: called.append(1), "x": [1]})
    assert called == []


def test_look_up_names_what_is_not_defined() -> None:
    with pytest.raises(ConfigError, match="`nothing` is not defined"):
        look_up("nothing", {})


BRACES = st.text(alphabet="{}[]()`$\\_^\"': \n\tabnxkey.,~0123456789#é", max_size=80)


@given(BRACES)
def test_text_without_bound_names_is_unchanged(text: str) -> None:
    assert interpolate(text, {}) == (text, ())


@given(BRACES)
def test_text_around_what_went_in_is_unchanged(text: str) -> None:
    """Taking the values out again gives the text back: nothing else was touched, but the escapes of the same names."""
    assume(not re.search(r"\{\w+[.\[]", text))  # a step into a value is another one, or an error
    marked = {name: f"\0{name}\0" for name in ("a", "b", "n", "x", "k", "e", "y", "ab", "key")}
    after, inserted = interpolate(text, marked)
    restored = re.sub("\0(\\w+)\0", r"{\1}", after)
    assert sum(not item.typed and item.meant is None for item in inserted) == after.count("\0") // 2
    assert re.sub(r"\\(\{\w+\})", r"\1", restored) == re.sub(r"\\(\{\w+\})", r"\1", text)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet="abnxkey ", max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "n", "x", "key"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(_json, st.sampled_from([None, 2]))
def test_json_with_the_names_of_variables_reaches_the_model_unchanged(value: object, indent: int | None) -> None:
    import json

    text = f"Explain {json.dumps(value, indent=indent)} please"
    assert interpolate(text, NAMES) == (text, ())


@given(
    st.lists(st.sampled_from(["a", "b", "n", "x", "key"]), min_size=2, max_size=5), st.sampled_from([", ", ",", ": "])
)
def test_sets_and_dicts_of_bound_names_reach_the_model_unchanged(names: list[str], between: str) -> None:
    text = "{" + between.join(names) + "}"
    assert interpolate(text, NAMES) == (text, ())


@given(
    st.lists(
        st.sampled_from([r"\frac{a}{b}", r"x_{n}", r"e^{x}", r"\sqrt[n]{x}", r"\text{key}", r"\sum_{a}^{b}", "{{a}}"]),
        min_size=1,
        max_size=5,
    )
)
def test_latex_reaches_the_model_unchanged_with_and_without_dollars(pieces: list[str]) -> None:
    for text in (" + ".join(pieces), "$" + " + ".join(pieces) + "$", "$$\n" + "\n".join(pieces) + "\n$$"):
        assert interpolate(text, NAMES) == (text, ())


def test_a_misspelt_name_is_left_as_typed_and_told() -> None:
    names = {"sales": [1], "n": 2, "_salse": 3}
    text, inserted = interpolate("{salse} of {sales[0]}, {m}, {other}, `{salse}`, $x_{salse}$, \\{salse}", names)
    assert text == "{salse} of 1, {m}, {other}, `{salse}`, $x_{salse}$, \\{salse}"
    assert [(item.expression, item.meant) for item in inserted] == [
        ("salse", "sales"),
        ("sales[0]", None),
        ("other", ""),
    ]
    assert list_insertions(inserted)[0] == "{salse} as typed: no such variable, did you mean {sales}?"


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("slaes", ", did you mean {sales}?"),
        ("Sales", ", did you mean {sales}?"),
        ("fd", ", did you mean {df}?"),
        ("fd.columns", ", did you mean {df}?"),
        ("nothing", ""),
        ("dg", ""),
        ("größe", ""),
        ("answer.text", ""),
        ("rows[0]", ""),
        ('rows["a"]', ""),
    ],
)
def test_what_looks_like_a_variable_and_is_none_is_told(expression: str, told: str) -> None:
    """`{answer.text}`, and `{df}` after a restart, went to the model as these very letters, and nobody was told."""
    text, inserted = interpolate(f"see {{{expression}}}!", {"sales": 1, "df": 2})
    assert text == f"see {{{expression}}}!"
    assert list_insertions(inserted) == [f"{{{expression}}} as typed: no such variable{told}"]


@pytest.mark.parametrize(
    "text",
    [
        "{n}",
        "{n.a}",
        "{if}",
        "{class}",
        "{ df }",
        "\\{dg}",
        "f{dg}",
        "`{dg}`",
        "${dg}$",
        "x_{dg}",
        "`{fd.a}`",
        "$x_{fd}$",
        '{"fd": 1}',
        "{fd: 1}",
        "\\frac{fd}{ab.c}",
        "{{fd.a}}",
    ],
)
def test_what_may_as_well_be_a_word_mathematics_or_json_is_no_misspelling(text: str) -> None:
    assert interpolate(text, {"sales": 1, "df": 2}) == (text, ())


@pytest.mark.parametrize(
    "expression",
    ["x.mean()", "a + n", "n/2", "n!r", "n:.2f", "n:,.1f", "x[n + 1]", "d.get('k')"],
)
def test_what_would_have_to_be_evaluated_is_sent_as_typed_and_told(expression: str) -> None:
    """`{df.a.mean()}` reached the model as these very letters, and nobody was told."""
    text, inserted = interpolate(f"see {{{expression}}}!", NAMES)
    assert text == f"see {{{expression}}}!"
    assert inserted == (Insertion(expression, "", 0, typed=True),)
    assert list_insertions(inserted) == [f"{{{expression}}} as typed: only names, attributes and [...] are filled in"]


@pytest.mark.parametrize(
    "text",
    [
        "{unbound.mean()}",
        "{a, b}",
        "{a: 1}",
        "{x | x > 0}",
        "{a();}",
        "`{x.mean()}`",
        "$x_{n+1}$",
        r"\{x.mean()}",
        "{a(}",
        '{"a": a()}',
        "{a for a in x}",
    ],
)
def test_nothing_is_told_of_braces_that_ask_for_nothing(text: str) -> None:
    assert interpolate(text, NAMES) == (text, ())


@pytest.mark.parametrize("text", ["{a(" + ")" * 100_000, "{a" + "[0]" * 30_000, "{a(" * 30_000, "{a" + " + 1" * 30_000])
def test_no_text_takes_long(text: str) -> None:
    assert interpolate(text, NAMES)[0] == text
