"""Templates that write values out and call macros in half the time that Jinja takes for it.

Jinja makes a new `Markup` of everything that is written; most of it is markup already, or a text
without a character that would have to be escaped. And it asks at each call anew what of its own
the callee wants to be given; most want nothing.
"""

import re
from collections.abc import Callable, Hashable, Mapping, MutableMapping
from functools import lru_cache, partial
from io import StringIO
from types import BuiltinMethodType, FunctionType, MethodType
from typing import Any

from flask import render_template
from jinja2 import Environment
from jinja2.compiler import CodeGenerator, Frame
from jinja2.nodes import Call, Expr, Name
from jinja2.runtime import Context, Macro
from markupsafe import Markup, escape

_FUNCTIONS = frozenset((FunctionType, MethodType, BuiltinMethodType))
_to_be_escaped = re.compile("[&<>'\"]").search
_quoted_marks = re.compile("%00(\\w+?)%00").sub


def written(value: Any) -> str:
    """Return a value as it stands in a page, escaped unless it is markup."""
    kind = type(value)
    if kind is Markup:
        return value
    if kind is str and _to_be_escaped(value) is None:
        return value
    return escape(value)


def callee(context: Context, called: Any) -> Callable[..., Any]:
    """Return what to call, with a template's arguments alone, where values are escaped."""
    kind = type(called)
    if kind is Macro or (kind in _FUNCTIONS and not hasattr(called, "jinja_pass_arg")):
        return called
    return partial(context.call, called)


@lru_cache(maxsize=4096)
def pattern_of(template: str, language: str, values: tuple[str, ...], **shape: Hashable) -> str:
    """Return a template with places for values, to be put in with `%` from a mapping.

    For small things that pages have by the dozen: to render one takes twenty times as long as to
    put its values in. They must be written already, as nothing is escaped any more; the template
    may ask whether a value is there, but not what it is. What it asks about is its `shape`.
    language: that of the present request.
    """
    return pattern_in(render_template(template, **marks_of(*values), **shape))


@lru_cache(maxsize=4096)
def pieces_of(
    template: str, language: str, values: tuple[str, ...], **shape: Hashable
) -> tuple[list[bytes], list[str]]:
    """Return the same in pieces, between every two of which there is one for a value; and the
    values' names in that order.

    For what a page has twenty of, and much of it: to join pieces takes a third as long.
    """
    pieces = render_template(template, **marks_of(*values), **shape).split("\0")
    return [piece.encode() for piece in pieces], pieces[1::2]


def marks_of(*values: str) -> dict[str, str]:
    """Return what stands for some values in a text that becomes a pattern."""
    # No request brings a NUL, and no template writes one.
    return {name: f"\0{name}\0" for name in values}


def pattern_in(marked: str) -> str:
    """Return a text as a pattern with places where marks stand.

    Where one was written into an address, the place is for the value `…_quoted`.
    """
    marked = _quoted_marks("\0\\1_quoted\0", marked)
    pieces = marked.replace("%", "%%").split("\0")
    pieces[1::2] = [f"%({name})s" for name in pieces[1::2]]
    return "".join(pieces)


def filled(pattern: bytes, values: Mapping[str, str | bytes]) -> bytes:
    """Return a whole page: a pattern with values put in, which are written already.

    As octets from the start: one letter that is not ASCII makes a text four times as slow to copy
    and to encode, and most values have none.
    """
    return pattern % {
        name.encode(): value if isinstance(value, bytes) else value.encode()
        for name, value in values.items()
    }


class _Generator(CodeGenerator):
    def _output_child_pre(self, node: Expr, frame: Frame, finalize: Any) -> None:
        if _is_escaping(frame) and finalize.src is None:
            self.write("environment.written(")
        else:
            super()._output_child_pre(node, frame, finalize)

    def visit_Call(  # noqa: N802 (a name of Jinja)
        self, node: Call, frame: Frame, forward_caller: bool = False
    ) -> None:
        if forward_caller or not _is_escaping(frame):
            super().visit_Call(node, frame, forward_caller=forward_caller)
            return
        if isinstance(node.node, Name) and node.node.name == "_":
            self.write("environment.say(")
        else:
            self.write("environment.callee(context, ")
            self.visit(node.node, frame)
            self.write(")(")
        self.write(self._arguments(node, frame))
        self.write(")")

    def _arguments(self, node: Call, frame: Frame) -> str:
        stream, self.stream = self.stream, StringIO()
        try:
            self.signature(node, frame)
            return self.stream.getvalue().removeprefix(", ")
        finally:
            self.stream = stream


def _is_escaping(frame: Frame) -> bool:
    return frame.eval_ctx.autoescape and not frame.eval_ctx.volatile


def init_templates(environment: Environment, say: Callable[..., Markup]) -> None:
    """Let an environment write values out and call in that way.

    say: the `_` of templates where values are escaped.
    """
    environment.extend(written=written, callee=callee, say=say)
    environment.code_generator_class = _Generator
    layered = environment.make_globals

    def globals_of(d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        # Hardly any template has globals of its own, and each import compares the keys of both.
        return layered(d) if d else environment.globals

    environment.make_globals = globals_of  # type: ignore[method-assign]
