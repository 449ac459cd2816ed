"""Markdown of strangers as HTML that can do nothing: no scripts, no styles, nothing loaded from another host.

nh3 has the last word. What comes before it (headings, images, the cost of raw HTML) only makes the result nicer.
"""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, unquote, urlsplit

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape

MAX_RENDERED = 128 << 10  # characters; the slowest input of this length that we found takes 1 s
_MAX_TAGS = 5_000  # of raw HTML: 100,000 nested ones cost nh3 16 s
# Each unclosed <b>, <font> or the like is opened again in every paragraph that follows.
_MAX_REOPENED = 500_000
_FORMATTING = re.compile(r"<(?:a|b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)(?=[\s/>])", re.IGNORECASE)
_UNDER_HEAD = re.compile(r"^[ \t>*+0-9.)]*[|:-][-|: \t]*$", re.MULTILINE)
_MAX_CELLS = 20_000
_TAG = re.compile(r"<[a-zA-Z/]")
_RAW_HEADING = re.compile(r"(</?h)([1-6])(?=[\s/>])", re.IGNORECASE)
_NOT_IN_SLUG = re.compile(r"[^\w\- ]")

_TAGS = (
    "a abbr b blockquote br caption center code dd del details div dl dt em h2 h3 h4 h5 h6 hr i img ins kbd li mark "
    "ol p pre q s samp small span strong sub summary sup table tbody td tfoot th thead tr u ul var"
)
_WITH_CONTENT = "iframe math noscript object script select style svg template textarea title"
_CELL = {"align", "colspan", "rowspan"}
_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title", "width", "height"},
    "ol": {"start"},
    "details": {"open"},
    "td": _CELL,
    "th": _CELL,
    **{tag: {"align", "id"} for tag in ("h2", "h3", "h4", "h5", "h6")},
    "p": {"align"},
    "div": {"align"},
}
_PLAIN_VALUE = {
    "align": re.compile(r"left|right|center"),
    "colspan": re.compile(r"\d{1,3}"),
    "rowspan": re.compile(r"\d{1,3}"),
    "start": re.compile(r"\d{1,9}"),
    "width": re.compile(r"\d{1,4}%?"),
    "height": re.compile(r"\d{1,4}%?"),
}


@dataclass(frozen=True)
class Place:
    """Where a text is from, which is what its relative links start at."""

    repo: str  # the repository's path in addresses
    revision: str
    folder: str = ""

    def address(self, target: str, view: str) -> str | None:
        """The address of a relative link in `view` (blob or resolve); None if it leaves the repository."""
        parts = urlsplit(target)
        path = posixpath.normpath(posixpath.join(self.folder, unquote(parts.path)))
        if path.startswith(("/", "..")) or "\\" in path:
            return None
        where = f"{quote(path)}" if path != "." else ""
        fragment = f"#user-content-{parts.fragment}" if parts.fragment and view == "blob" else ""
        return f"/{self.repo}/{view}/{quote(self.revision, safe='')}/{where}{fragment}"


def render(text: str, place: Place | None = None) -> Markup:
    """Safe HTML, with headings from <h2> on. A text that would take too long to render is shown as it is."""
    if len(text) > MAX_RENDERED:
        return Markup('<pre tabindex="0">{}</pre>').format(text)
    return Markup(_rendered(text.encode("utf-8", "replace").decode(), place))


@lru_cache(maxsize=32)
def _rendered(text: str, place: Place | None) -> str:
    rules = ["strikethrough"] if _has_many_cells(text) else ["table", "strikethrough"]
    parser = MarkdownIt("commonmark", {"html": True}).enable(rules)
    tokens = parser.parse(text)
    if _is_costly(tokens):
        parser = MarkdownIt("commonmark", {"html": False}).enable(rules)
        tokens = parser.parse(text)
    _shift_headings(tokens)
    linked = 0
    for token in _flat(tokens):
        linked += (token.type == "link_open") - (token.type == "link_close")
        _adapt(token, place, linked=linked > 0)
    return _clean(parser.renderer.render(tokens, parser.options, {}), place)


def _flat(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from token.children or []


def _has_many_cells(text: str) -> bool:
    """A short row is filled up to as many cells as the first: 1.4 kB of text can make 65,536 of them, in 1 s."""
    widths = [line.count("|") + 1 for line in _UNDER_HEAD.findall(text)]
    return max(widths, default=0) * (text.count("\n") + 1) > _MAX_CELLS


def _is_costly(tokens: list[Token]) -> bool:
    raw = [token.content for token in _flat(tokens) if token.type in ("html_block", "html_inline")]
    tags = sum(len(_TAG.findall(content)) for content in raw)
    reopened = sum(len(_FORMATTING.findall(content)) for content in raw) * (len(tokens) + tags)
    return tags > _MAX_TAGS or reopened > _MAX_REOPENED


def _shift_headings(tokens: list[Token]) -> None:
    """The page has its <h1> already. Headings get an id, so that a table of contents works."""
    seen: dict[str, int] = {}
    for index, token in enumerate(tokens):
        if token.type not in ("heading_open", "heading_close"):
            continue
        token.tag = _lower_heading(token.tag)
        if token.type == "heading_open":
            slug = _NOT_IN_SLUG.sub("", tokens[index + 1].content.strip().lower()).replace(" ", "-") or "section"
            count = seen[slug] = seen.get(slug, -1) + 1
            token.attrSet("id", f"{slug}-{count}" if count else slug)


def _lower_heading(tag: str) -> str:
    return f"h{min(6, int(tag[1]) + 1)}"


def _adapt(token: Token, place: Place | None, *, linked: bool) -> None:
    if token.type in ("html_block", "html_inline"):
        token.content = _RAW_HEADING.sub(lambda match: match[1] + str(min(6, int(match[2]) + 1)), token.content)
    elif token.type in ("th_open", "td_open") and "style" in token.attrs:
        token.attrs = {"align": str(token.attrs["style"]).removeprefix("text-align:")}
    elif token.type == "image" and _image(str(token.attrs.get("src", "")), place) is None:
        # An image from elsewhere would tell its host who reads this, so it becomes a link; in a link, its words.
        words, source = token.content or "image", token.attrs.get("src", "")
        token.type = "html_inline"
        token.content = escape(words) if linked else Markup('<a href="{}">{}</a>').format(source, words)


def _clean(html: str, place: Place | None) -> str:
    def attribute(tag: str, name: str, value: str) -> str | None:
        try:
            if name == "href":
                return _link(value, place)
            if name == "src":
                return _image(value, place)
        except ValueError:  # no address at all, such as http://[
            return None
        pattern = _PLAIN_VALUE.get(name)
        return value if pattern is None or pattern.fullmatch(value) else None

    return nh3.clean(
        html,
        tags=set(_TAGS.split()),
        clean_content_tags=set(_WITH_CONTENT.split()),
        attributes=_ATTRIBUTES,
        attribute_filter=attribute,
        link_rel="noopener noreferrer nofollow",
        url_schemes={"http", "https", "mailto"},
        id_prefix="user-content-",
        generic_attribute_prefixes=set(),
        # What scrolls sideways must be reachable by keyboard.
        set_tag_attribute_values={"pre": {"tabindex": "0"}, "table": {"tabindex": "0"}},
    )


def _link(target: str, place: Place | None) -> str | None:
    target = target.strip()
    parts = urlsplit(target)
    if parts.scheme:
        return target if parts.scheme in ("http", "https", "mailto") else None
    if target.startswith("#"):
        return f"#user-content-{target[1:]}"
    if target.startswith(("/", "\\")):
        return target.replace("\\", "/")
    return place.address(target, "blob") if place else None


def _image(target: str, place: Place | None) -> str | None:
    """The address of an image in a repository of this server; None for all others."""
    target = target.strip()
    try:
        parts = urlsplit(target)
    except ValueError:
        return None
    if parts.scheme or parts.netloc or "\\" in target:
        return None
    if target.startswith("/"):
        return target if "/resolve/" in parts.path and not target.startswith("//") else None
    return place.address(target, "resolve") if place and parts.path else None
