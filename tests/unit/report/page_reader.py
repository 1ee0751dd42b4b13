"""Reads a page as a browser's parser would: elements, attributes, text."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

_VOID = {"meta", "link", "img", "source", "input", "br"}


@dataclass
class Element:
    """An element, its attributes, and the text in it and below it."""

    tag: str
    attributes: dict[str, str]
    text: str = ""
    written: str = ""  #: text but for the numbers and marks set into a chain of thought


@dataclass
class Page(HTMLParser):
    """Every element with its own and its children's text."""

    elements: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open[-1].tag == tag, f"</{tag}> closes <{self._open[-1].tag}>"
        self._open.pop()
        if tag in ("td", "th"):
            self.handle_data(" ")

    def handle_data(self, data: str) -> None:
        is_added = any({"v", "m"} & set(e.attributes.get("class", "").split()) for e in self._open)
        for element in self._open:
            element.text += data
            element.written += "" if is_added else data

    def all(self, tag: str = "", css_class: str = "") -> list[Element]:
        return [
            element
            for element in self.elements
            if (not tag or element.tag == tag)
            and (not css_class or css_class in element.attributes.get("class", "").split())
        ]

    @property
    def ids(self) -> set[str]:
        return {element.attributes["id"] for element in self.elements if "id" in element.attributes}


def read_page(path: Path) -> Page:
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    page.close()
    assert not page._open, f"{path.name}: <{page._open[-1].tag}> is never closed"
    return page


def text_after(page: Page, after: str) -> str:
    """Text of the page after a heading's text."""
    body = next(e.text for e in page.all("body"))
    return body[body.index(after) :]
