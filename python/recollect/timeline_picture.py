"""A timeline as a picture: bars by level and time, and a closer look at each part when it is opened."""

from collections.abc import Sequence
from typing import Protocol

from recollect.html import escape, shorten
from recollect.records import Record
from recollect.timeline_results import Node
from recollect.times import MAX_MICROS, MIN_MICROS, from_micros

__all__ = ["Pictured", "picture"]

_WIDTH, _ROW, _LEFT = 760, 22, 70
_COLOURS = ("#93c5fd", "#60a5fa", "#38bdf8", "#34d399", "#fbbf24", "#f472b6", "#c4b5fd", "#e5e7eb")
_OUTER = ("persona", "year", "month", "week", "day")
_MINUTE = 60_000_000


class Pictured(Protocol):
    """What a picture is made of."""

    @property
    def levels(self) -> tuple[str, ...]:
        """From the finest to the coarsest."""

    def nodes(self, level: str, start: int | None = None, end: int | None = None) -> list[Node]:
        """Return nodes by start."""

    def records(self, node: Node, limit: int | None = None) -> list[Record]:
        """Return memories below a node."""


def picture(timeline: Pictured, most: int) -> str:
    """Return HTML without scripts: what is opened shows a part of the time at its own scale."""
    levels = [level for level in timeline.levels if level in _OUTER]
    rows = {level: timeline.nodes(level) for level in levels}
    spans = [node for nodes in rows.values() for node in nodes]
    if not spans:
        return "<p>Nothing has happened yet.</p>"
    outer = "month" if "month" in rows else levels[-1]
    inner = "day" if "day" in rows else levels[0]
    left = [most]
    parts = [_bars(rows, _hull(spans))]
    for node in rows[outer]:
        within = timeline.nodes(inner, node.start, _end(node))
        within = [day for day in within if node.start <= day.start < node.end]
        closer = {level: timeline.nodes(level, node.start, _end(node)) for level in ("session", inner)}
        closer = {level: nodes for level, nodes in closer.items() if level in timeline.levels}
        days = "".join(_day(timeline, day, left) for day in within) if inner != outer else ""
        parts.append(
            f"<details><summary>{_title(node, '%B %Y' if outer == 'month' else '%Y')}</summary>"
            f'{_said(node)}{_bars(closer, _hull([node]))}<div style="margin-left:1em">{days}</div></details>'
        )
    return f'<div style="font-family:sans-serif;font-size:13px">{"".join(parts)}</div>'


def _day(timeline: Pictured, day: Node, left: list[int]) -> str:
    shown = min(day.events, left[0])
    left[0] -= shown
    lines = [
        f"<li>{escape(_clock(record))} {escape(record.speaker + ': ' if record.speaker else '')}"
        f"{escape(shorten(record.text, 160))}</li>"
        for record in (timeline.records(day, shown) if shown else [])
    ]
    rest = day.events - shown
    more = f"<li>… and {rest} more</li>" if rest else ""
    finer = {level: timeline.nodes(level, day.start, _end(day)) for level in ("segment", "session")}
    finer = {level: nodes for level, nodes in finer.items() if level in timeline.levels}
    return (
        f"<details><summary>{_title(day, '%A %d %B')}</summary>{_said(day)}{_bars(finer, _hull([day]))}"
        f"<ul>{''.join(lines)}{more}</ul></details>"
    )


def _end(node: Node) -> int | None:
    """Return the end of a node, or None beyond the calendar."""
    return node.end if node.end <= MAX_MICROS else None


def _clock(record: Record) -> str:
    return f"{record.at or record.ingested:%H:%M}"


def _title(node: Node, form: str) -> str:
    events = f"{node.events} {'memory' if node.events == 1 else 'memories'}"
    return f"{escape(format(from_micros(node.start), form))} · {events}"


def _said(node: Node) -> str:
    return "" if node.text is None else f'<p style="margin:4px 1em;color:#374151">{escape(node.text)}</p>'


def _hull(nodes: Sequence[Node]) -> tuple[int, int]:
    start = max(min(node.start for node in nodes), MIN_MICROS)
    end = max(node.end if node.end <= MAX_MICROS else node.start + 1 for node in nodes)
    return start, max(end, start + _MINUTE)


def _bars(rows: dict[str, list[Node]], hull: tuple[int, int]) -> str:
    """Return an SVG with one row of bars for each level, the coarsest on top."""
    start, end = hull
    scale = (_WIDTH - _LEFT) / (end - start)
    shapes = []
    for at, (level, nodes) in enumerate(sorted(rows.items(), key=lambda row: len(row[1]))):
        top = at * _ROW
        shapes.append(f'<text x="0" y="{top + 14}" font-size="11">{escape(level)}</text>')
        most = max((node.events for node in nodes), default=1)
        for number, node in enumerate(nodes):
            first = _LEFT + (max(node.start, start) - start) * scale
            last = _LEFT + (min(max(node.end, node.start + 1), end) - start) * scale
            told = escape(f"{from_micros(node.start):%Y-%m-%d %H:%M} · {node.events}")
            shade = 0.35 + 0.65 * node.events / most
            shapes.append(
                f'<rect x="{first:.1f}" y="{top + 3}" width="{max(last - first, 1.5):.1f}" '
                f'height="{_ROW - 6}" '
                f'rx="2" fill="{_COLOURS[at % len(_COLOURS)]}" fill-opacity="{shade:.2f}" stroke="#fff" '
                f'stroke-width="0.5"><title>{told} memories{_tip(node)}</title></rect>'
                if number < 2000
                else ""
            )
    height = len(rows) * _ROW
    foot = height + 12
    dates = "".join(
        f'<text x="{x}" y="{foot}" font-size="10" fill="#6b7280" text-anchor="{anchor}">'
        f"{escape(format(from_micros(min(at, MAX_MICROS)), '%Y-%m-%d'))}</text>"
        for x, at, anchor in ((_LEFT, start, "start"), (_WIDTH, end, "end"))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{foot + 4}" role="img" '
        f'style="display:block;font-family:sans-serif">{"".join(shapes)}{dates}</svg>'
    )


def _tip(node: Node) -> str:
    return "" if node.text is None else f": {escape(shorten(node.text, 200))}"
