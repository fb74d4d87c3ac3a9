"""Templates that write their values out in half the time that Jinja takes for it.

Jinja makes a new `Markup` of everything that is written; most of it is markup already, or a text
without a character that would have to be escaped.
"""

import re
from typing import Any

from jinja2 import Environment
from jinja2.compiler import CodeGenerator, Frame
from jinja2.nodes import Expr
from markupsafe import Markup, escape

_to_be_escaped = re.compile("[&<>'\"]").search


def written(value: Any) -> str:
    """Return a value as it stands in a page, escaped unless it is markup."""
    kind = type(value)
    if kind is Markup:
        return value
    if kind is str and _to_be_escaped(value) is None:
        return value
    return escape(value)


class _Generator(CodeGenerator):
    def _output_child_pre(self, node: Expr, frame: Frame, finalize: Any) -> None:
        if frame.eval_ctx.autoescape and not frame.eval_ctx.volatile and finalize.src is None:
            self.write("environment.written(")
        else:
            super()._output_child_pre(node, frame, finalize)


def init_templates(environment: Environment) -> None:
    """Let an environment write values out in that way."""
    environment.extend(written=written)
    environment.code_generator_class = _Generator
