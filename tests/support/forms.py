"""A page's form as a browser without scripts would send it."""

from html.parser import HTMLParser


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.values: list[tuple[str, str]] = []
        self.within: str | None = None
        self.select: tuple[str, list[str], list[str]] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name, value = given.get("name"), given.get("value") or ""
        if tag == "option" and self.select is not None:
            self.select[1].append(value)
            if "selected" in given:
                self.select[2].append(value)
        if not name:
            return
        # A file that was not chosen is sent empty, here it is left out.
        is_left = given.get("type") in ("checkbox", "radio") and "checked" not in given
        if tag == "input" and not is_left and given.get("type") not in ("file", "submit"):
            self.values.append((name, value))
        elif tag == "textarea":
            self.values.append((name, ""))
            self.within = name
        elif tag == "select":
            self.select = name, [], []

    def handle_data(self, data: str) -> None:
        if self.within is not None:
            name, text = self.values[-1]
            self.values[-1] = name, text + data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self.within is not None:
            name, text = self.values[-1]
            text = text.removeprefix("\r").removeprefix("\n")
            self.values[-1] = name, text.replace("\r\n", "\n").replace("\n", "\r\n")
            self.within = None
        elif tag == "select" and self.select is not None:
            name, offered, chosen = self.select
            self.values.extend((name, value) for value in chosen or offered[:1])
            self.select = None


def filled(page: str) -> dict[str, list[str]]:
    """Return what a page's main form would send as it stands."""
    start = page.index('<form class="form"')
    reader = _Reader()
    reader.feed(page[start : page.index("</form>", start)])
    found: dict[str, list[str]] = {}
    for name, value in reader.values:
        found.setdefault(name, []).append(value)
    return found
