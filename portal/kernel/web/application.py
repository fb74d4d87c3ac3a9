"""Flask and its answers without what no request here needs."""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeAlias

from flask import Flask, Request, Response, request
from flask.globals import request_ctx
from werkzeug.routing import MapAdapter

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

Hook: TypeAlias = Callable[..., Any]
#: So many hosts are remembered by which the portal was asked for.
_MOST_HOSTS = 100
_WITHOUT_BODY = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
#: An address in which nothing is to be quoted.
_PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9/._~?=&%+-]*")


class Answer(Response):
    """A response that is not looked through once more when it is ready."""

    def get_wsgi_response(
        self, environ: "WSGIEnvironment"
    ) -> tuple[Iterable[bytes], str, list[tuple[str, str]]]:
        """Return body, status and headers; of nearly all answers they are ready."""
        if (
            environ["REQUEST_METHOD"] != "HEAD"
            and self.status_code >= HTTPStatus.OK
            and self.status_code not in _WITHOUT_BODY
            and self.is_sequence
            and not self._on_close
        ):
            headers = self.headers.to_wsgi_list()
            said = {name.lower(): value for name, value in headers}
            if (
                "content-length" in said
                and "content-location" not in said
                and _PLAIN_ADDRESS.fullmatch(said.get("location", ""))
            ):
                return [b"".join(self.iter_encoded())], self.status, headers
        return super().get_wsgi_response(environ)


class Portal(Flask):
    """Flask without what no request here needs."""

    response_class = Answer

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._adapter_of = lru_cache(_MOST_HOSTS)(self._adapter_by_host)
        self._hooks: dict[str | None, tuple[list[Hook], list[Hook]]] = {}

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function: none is asynchronous, and a dozen would be looked at each time."""
        return func

    def preprocess_request(self) -> Any:
        """Do what is to be done before a view; return an answer if that is one already."""
        for hook in self._hooks_of(request._get_current_object())[0]:  # type: ignore[attr-defined]
            answer = hook()
            if answer is not None:
                return answer
        return None

    def process_response(self, response: Response) -> Response:
        """Do what is to be done with an answer."""
        context = request_ctx._get_current_object()  # type: ignore[attr-defined]
        for hook in (*context._after_request_functions, *self._hooks_of(context.request)[1]):
            response = hook(response)
        if not self.session_interface.is_null_session(context._session):
            self.session_interface.save_session(self, context._session, response)
        return response

    def _hooks_of(self, asked: Request) -> tuple[list[Hook], list[Hook]]:
        """Return what is to be done before and after a view, which is the same each time."""
        endpoint = asked.endpoint
        hooks = self._hooks.get(endpoint)
        if hooks is None:
            names = (None, *reversed(asked.blueprints))
            before: list[Hook] = [
                hook for name in names for hook in self.before_request_funcs.get(name, ())
            ]
            after = [
                hook
                for name in reversed(names)
                for hook in reversed(self.after_request_funcs.get(name, ()))
            ]
            if self.url_value_preprocessors:
                raise RuntimeError("values of addresses are not preprocessed here")
            hooks = self._hooks[endpoint] = (before, after)
        return hooks

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Return what matches and makes addresses; by each host it is put together once."""
        environ = request.environ if request is not None else {}
        host, path = environ.get("HTTP_HOST"), environ.get("PATH_INFO", "")
        if request is None or not host or "HTTP_UPGRADE" in environ or not path.isascii():
            return super().create_url_adapter(request)
        its_host, like = self._adapter_of(
            host, environ["wsgi.url_scheme"], environ.get("SCRIPT_NAME", "")
        )
        request.host = its_host
        return MapAdapter(
            like.map,
            like.server_name,
            like.script_name,
            like.subdomain,
            like.url_scheme,
            path,
            environ["REQUEST_METHOD"],
            environ.get("QUERY_STRING", "").encode("latin1").decode(errors="replace"),
        )

    def _adapter_by_host(self, host: str, scheme: str, script_name: str) -> tuple[str, MapAdapter]:
        asked = self.request_class(
            {
                "HTTP_HOST": host,
                "wsgi.url_scheme": scheme,
                "SCRIPT_NAME": script_name,
                "PATH_INFO": "/",
                "REQUEST_METHOD": "GET",
            }
        )
        adapter = super().create_url_adapter(asked)
        if adapter is None:
            raise RuntimeError("a request has an adapter")
        return asked.host, adapter
