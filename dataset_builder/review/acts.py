"""What the buttons of the page do: from one seat to the next, decisions kept on the way."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from dataset_builder.review import edits, texts
from dataset_builder.review.sampling import Item
from dataset_builder.review.session import Desk

Mode = Literal["closed", "welcome", "read", "edit", "reject", "left"]


@dataclass(frozen=True)
class Seat:
    """What one open page shows. Kept by the server, so that no visitor can sit down at another's desk."""

    token: str = ""
    place: int = 0
    mode: Mode = "closed"
    note: str = ""
    problem: str = ""


Act = Callable[[Desk, Seat, str, str | None, str], Seat]
"""What a button does: (desk, seat, edited text, reason, reason in own words) to the next seat."""


def first(desk: Desk, seat: Seat, *_: object) -> Seat:
    """Open the first conversation that the reviewer has not decided on, from the seat's place on."""
    made, total = desk.decisions.latest(), len(desk.items)
    places = [(seat.place + step) % total for step in range(total)]
    open_place = next((place for place in places if desk.items[place].id not in made), None)
    if open_place is None:
        return replace(seat, mode="read", note=" · ".join(texts.DONE), problem="")
    return replace(seat, mode="read", place=open_place, problem="")


def accept(desk: Desk, seat: Seat, *_: object) -> Seat:
    desk.decisions.add(desk.items[seat.place].id, "accept")
    return first(desk, replace(seat, note=texts.JUST_SAVED))


def save_edit(desk: Desk, seat: Seat, text: str, *_: object) -> Seat:
    """Keep the edit, unless something is wrong with it, which is then said."""
    item = desk.items[seat.place]
    found = edits.edited(text, standing(desk, item).messages)
    if isinstance(found, str):
        return replace(seat, problem=texts.bad_edit(found))
    desk.decisions.add(item.id, "edit", messages=found)
    return first(desk, replace(seat, note=texts.JUST_SAVED))


def save_reject(desk: Desk, seat: Seat, _: str, reason: str | None, words: str) -> Seat:
    """Keep the rejection with its reason; `other` needs words."""
    words = " ".join(words.split())
    if reason not in texts.REASONS or (reason == texts.OTHER and not words):
        return replace(seat, problem=texts.NO_REASON)
    desk.decisions.add(desk.items[seat.place].id, "reject", f"{reason}: {words}" if words else reason)
    return first(desk, replace(seat, note=texts.JUST_SAVED))


def undo(desk: Desk, seat: Seat, *_: object) -> Seat:
    """Take the last decision back and show what it was about."""
    undone = desk.decisions.undo()
    if undone is None:
        return replace(seat, note=texts.NOTHING_TO_UNDO)
    places = {item.id: place for place, item in enumerate(desk.items)}
    return replace(seat, mode="read", place=places.get(undone.id, seat.place), note=texts.UNDONE, problem="")


def move(step: int) -> Act:
    def moved(desk: Desk, seat: Seat, *_: object) -> Seat:
        place = min(max(seat.place + step, 0), len(desk.items) - 1)
        return replace(seat, place=place, mode="read", note="", problem="")

    return moved


def turn_to(mode: Mode) -> Act:
    return lambda desk, seat, *_: replace(seat, mode=mode, note="", problem="")


def standing(desk: Desk, item: Item) -> Item:
    """The item as its reviewer last edited it."""
    made = desk.decisions.latest().get(item.id)
    return replace(item, messages=made.messages) if made and made.messages else item
