"""Every colour and style of the static form, in one table.

The static form must read in any theme, and in places that keep nothing but literal colours: so text takes the
page's own colour, quiet text is that colour at less opacity, and what has a hue has one literal of medium
lightness. No colour can reach a contrast of 4.5 on both #ffffff and #111111 (the best is the square root of their
own contrast, 4.345): each literal here is within 0.02 of that. Where the browser can mix colours and nothing was
stripped, it is mixed with the page's text colour, and is above 4.5 on both.
"""

from __future__ import annotations

__all__ = ["CODE_COLOURS", "COLOURS", "MIXED", "STYLES", "mark"]

#: Literals, for marks and for code.
COLOURS = {
    "blue": "#1979df",
    "green": "#218b3b",
    "red": "#dc403a",
    "orange": "#c15d05",
    "purple": "#9e57db",
    "teal": "#0b878b",
    "pink": "#cf4194",
}

#: How much of a mixed colour is the literal; the rest is the page's text colour.
MIXED = 0.7

#: The beginning of a Pygments token type -> colour.
CODE_COLOURS = {
    "Keyword.Type": "teal",
    "Keyword": "purple",
    "Operator.Word": "purple",
    "Name.Builtin": "teal",
    "Name.Class": "teal",
    "Name.Decorator": "pink",
    "Name.Exception": "red",
    "Name.Function": "blue",
    "Name.Tag": "blue",
    "Name.Attribute": "teal",
    "Literal.String": "green",
    "Literal.Number": "orange",
    "Generic.Deleted": "red",
    "Generic.Inserted": "green",
    "Generic.Heading": "blue",
    "Generic.Subheading": "purple",
}

_LINE = "rgba(127,127,127,0.35)"
_SOFT = "rgba(127,127,127,0.09)"
_MONO = "font-family:Menlo,Consolas,'DejaVu Sans Mono',monospace"
_BOX = f"margin:6px 0;padding:6px 10px;border:1px solid {_LINE};border-radius:4px"

#: Inline styles by what they are for. JupyterLab's sanitizer of untrusted output keeps each of these declarations.
STYLES = {
    "run": f"border-left:2px solid {_LINE};padding:1px 0 1px 12px;overflow-wrap:break-word;line-height:1.5",
    "run-live": f"border-left:2px solid {COLOURS['blue']};padding:1px 0 1px 12px;overflow-wrap:break-word;"
    "line-height:1.5",
    # Within a team's rail.
    "run-within": "overflow-wrap:break-word;line-height:1.5",
    "agent": "margin:2px 0 10px 18px",
    # What is left of its line, and no more: a long one would push the facts to a line of their own.
    "excerpt": "opacity:0.78;flex:1 1 10em;min-width:0;overflow:hidden;text-overflow:ellipsis;white-space:nowrap",
    "fold": "margin:5px 0",
    "summary": "cursor:pointer;font-size:12px",
    # Beside the disclosure triangle; the parts of the line wrap in a narrow window.
    "line": "display:inline-flex;flex-wrap:wrap;gap:0 8px;align-items:baseline;width:calc(100% - 18px);"
    "vertical-align:top",
    # As wide as those with a triangle.
    "still": "display:flex;flex-wrap:wrap;gap:0 8px;align-items:baseline;font-size:12px;margin:5px 0;"
    "padding:0 5px 0 13px",
    "quiet": "opacity:0.68",
    "right": "opacity:0.68;margin-left:auto",
    "key": f"{_MONO};font-size:12px;background:none;padding:0;min-width:0;overflow-wrap:break-word",
    "body": "margin:4px 0 8px 18px",
    "label": "opacity:0.68;font-size:11.5px;margin:6px 0 2px 0",
    # JupyterLab breaks the lines of a <pre> anywhere, in the middle of words too.
    "output": f"{_MONO};font-size:12px;line-height:1.45;white-space:pre-wrap;overflow-wrap:break-word;"
    "word-break:normal;margin:0;"
    f"padding:6px 10px;border-radius:4px;background:{_SOFT};max-height:360px;overflow:auto",
    # No tint under coloured code, here and below: it would cost contrast.
    "code-box": f"{_MONO};font-size:12px;line-height:1.45;white-space:pre-wrap;overflow-wrap:break-word;"
    f"word-break:normal;margin:0;padding:6px 10px;border:1px solid {_LINE};border-radius:4px;background:none;"
    "max-height:360px;overflow:auto",
    "tail": f"{_MONO};font-size:12px;line-height:1.45;white-space:pre-wrap;overflow-wrap:break-word;"
    "word-break:normal;margin:4px 0;padding:0;background:none",
    "diff": f"{_MONO};font-size:12px;line-height:1.45;white-space:pre;overflow-x:auto;margin:0;padding:6px 10px;"
    f"border:1px solid {_LINE};border-radius:4px;background:none;max-height:360px;overflow-y:auto",
    "thinking": "margin:4px 0 8px 18px;font-size:12px;font-style:italic;opacity:0.78;white-space:pre-wrap;"
    "overflow-wrap:break-word",
    "card": f"margin:8px 0;padding:8px 10px;border:1px solid {COLOURS['orange']};border-radius:6px",
    "card-error": f"margin:8px 0;padding:8px 10px;border:1px solid {COLOURS['red']};border-radius:6px",
    "said": f"margin:8px 0;padding:2px 10px;border-radius:6px;background:{_SOFT};white-space:pre-wrap",
    "asked": f"margin:4px 0 6px 0;padding:2px 10px;border-radius:6px;background:{_SOFT};white-space:pre-wrap;"
    "font-size:12px;opacity:0.85",
    "hint": "margin-top:4px;opacity:0.78",
    "foot": "display:flex;flex-wrap:wrap;gap:0 12px;font-size:11.5px;margin-top:8px;opacity:0.68",
    "going-on": "font-size:11.5px;opacity:0.68",
    "notice": "font-size:12px;margin:5px 0;opacity:0.68",
    "p": "margin:8px 0",
    "list": "margin:6px 0;padding-left:24px",
    "item": "margin:2px 0",
    "h1": "margin:14px 0 6px 0;font-size:1.35em;font-weight:600;line-height:1.3",
    "h2": "margin:12px 0 6px 0;font-size:1.2em;font-weight:600;line-height:1.3",
    "h3": "margin:10px 0 4px 0;font-size:1.08em;font-weight:600;line-height:1.3",
    "h4": "margin:8px 0 4px 0;font-size:1em;font-weight:600;line-height:1.3",
    "quote": f"margin:8px 0;padding:0 12px;border-left:3px solid {_LINE}",
    "rule": f"margin:10px 0;border:0;border-top:1px solid {_LINE};height:0",
    "code": f"{_MONO};font-size:0.92em;padding:1px 4px;border-radius:3px;background:{_SOFT}",
    "pre": f"{_MONO};font-size:12px;line-height:1.45;white-space:pre;overflow-x:auto;background:none;{_BOX}",
    "pre-code": f"{_MONO};font-size:12px;background:none;padding:0;white-space:pre",
    "table-box": "overflow-x:auto;margin:8px 0",
    "table": "border-collapse:collapse;font-size:12px;margin:0",
    "cell": f"padding:3px 10px;border-bottom:1px solid {_LINE};text-align:left",
    "cell-right": f"padding:3px 10px;border-bottom:1px solid {_LINE};text-align:right",
    "cell-center": f"padding:3px 10px;border-bottom:1px solid {_LINE};text-align:center",
    "rich": "margin:4px 0 8px 18px",
    "picture": f"display:block;max-width:100%;margin:6px 0;border:1px solid {_LINE};border-radius:4px",
    "link": "text-decoration:underline",
    "comment": "opacity:0.72;font-style:italic",
    "strong": "font-weight:600",
}


def mark(colour: str) -> str:
    """The style of something with a hue: the literal, then the mixed colour for browsers and places that keep it.

    >>> mark("blue")
    'color:#1979df;color:color-mix(in srgb,#1979df 70%,currentColor)'
    """
    literal = COLOURS[colour]
    return f"color:{literal};color:color-mix(in srgb,{literal} {MIXED:.0%},currentColor)"
