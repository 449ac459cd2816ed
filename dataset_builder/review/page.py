"""The proofreading page: one conversation at a time, source beside it, decided with one key."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import gradio as gr

from dataset_builder.review import edits, texts, view
from dataset_builder.review.acts import (
    Act,
    Mode,
    Seat,
    accept,
    first,
    move,
    save_edit,
    save_reject,
    standing,
    turn_to,
    undo,
)
from dataset_builder.review.sampling import Item
from dataset_builder.review.session import Desk

HERE = Path(__file__).parent
IDLE_SECONDS = 12 * 60 * 60
"""After this long without the page, its place is dropped from memory; decisions are on disk."""
PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


def build(desks: Mapping[str, Desk]) -> gr.Blocks:
    """The page on which every token opens its own desk, and no other."""

    def enter(request: gr.Request) -> tuple[Any, ...]:
        token = str(request.query_params.get("token", ""))
        return _shown(desks, Seat(token, mode="welcome") if token in desks else Seat())

    def doing(act: Act) -> Callable[..., tuple[Any, ...]]:
        def done(seat: Seat, text: Any, reason: Any, words: Any) -> tuple[Any, ...]:
            desk = desks.get(seat.token)
            if desk is None:  # the server was started again under an open page
                return _shown(desks, replace(seat, mode="closed", problem=texts.STALE))
            try:
                after = act(desk, seat, str(text or ""), reason, str(words or ""))
            except OSError as error:
                after = replace(seat, problem=texts.NOT_SAVED.format(error=error.strerror or error))
            return _shown(desks, after)

        return done

    with gr.Blocks(title=texts.TITLE, analytics_enabled=False, delete_cache=(3600, 3600)) as page:
        seat = gr.State(Seat(), time_to_live=IDLE_SECONDS)
        outputs, buttons, (editor, reason, words) = _components()
        inputs = [seat, editor, reason, words]
        page.load(enter, None, [seat, *outputs], queue=False, **PRIVATE).then(None, js=_focus("#begin"))
        actions: tuple[tuple[str, Act, str], ...] = (
            ("begin", first, _TOP),
            ("accept", accept, _TOP),
            ("undo", undo, _TOP),
            ("previous", move(-1), _TOP),
            ("next", move(+1), _TOP),
            ("leave", turn_to("left"), _focus("#begin")),
            ("edit", turn_to("edit"), _focus("#editor textarea")),
            ("save-edit", save_edit, _AFTER),
            ("cancel-edit", turn_to("read"), _TOP),
            ("reject", turn_to("reject"), _focus("#reason input")),
            ("save-reject", save_reject, _AFTER),
            ("cancel-reject", turn_to("read"), _TOP),
        )
        for name, act, js in actions:
            pressed = buttons[name].click(
                doing(act), inputs, [seat, *outputs], trigger_mode="once", queue=False, **PRIVATE
            )
            pressed.then(None, js=_settled(js))
            pressed.failure(None, js=_settled("() => {}"))
        buttons["help"].click(None, js="() => { const k = document.getElementById('keys'); k.hidden = !k.hidden; }")
    return page


def launch(page: gr.Blocks, *, host: str, port: int | None, **more: Any) -> Any:
    """Serve `page` until interrupted."""
    return page.launch(server_name=host, server_port=port, **launch_settings(), **more)


def launch_settings() -> dict[str, Any]:
    """As the demo's (space.app): nothing is shared, kept in the browser or offered to strangers."""
    return {
        "css": (HERE / "style.css").read_text(encoding="utf-8"),
        "head": (HERE / "keys.html").read_text(encoding="utf-8"),
        "theme": gr.themes.Soft(
            primary_hue="teal",
            secondary_hue="teal",
            neutral_hue="slate",
            font=["system-ui", "Noto Sans SC", "Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC", "sans-serif"],
            font_mono=["ui-monospace", "monospace"],
        ),
        "footer_links": [],
        "run_history": False,
        "enable_monitoring": False,
        "mcp_server": False,
        "pwa": False,
        "share": False,
        "show_error": False,
        "ssr_mode": False,
        "max_file_size": "1kb",  # nothing is uploaded here
    }


_TOP = "() => { document.activeElement?.blur(); window.scrollTo(0, 0); }"
_AFTER = f"() => {{ if (!document.querySelector('.problem')) ({_TOP})(); }}"
"""Script: to the top of the next conversation, but stay where something was refused."""


def _settled(js: str) -> str:
    """Script: let the next key through (keys.html), then do `js`. Gradio drops a second press silently until here."""
    return f"() => {{ document.dispatchEvent(new Event('review:settled')); ({js})(); }}"


def _focus(what: str) -> str:
    """Script: focus the element once it is there, text with the caret at its start."""
    return (
        "() => { let tries = 0; const look = () => { "
        f"const found = document.querySelector({what!r}); "
        "if (found) { found.focus(); if (found.type === 'textarea') found.setSelectionRange(0, 0);"
        " found.scrollTop = 0; found.scrollIntoView({block: 'nearest'}); } "
        "else if (tries++ < 20) setTimeout(look, 50); }; setTimeout(look, 50); }"
    )


def _components() -> tuple[list[Any], dict[str, gr.Button], tuple[Any, Any, Any]]:
    """What `_shown` updates, in its order; the buttons by name; and the three that are filled in."""
    buttons: dict[str, gr.Button] = {}

    def button(name: str, label: str, variant: Literal["primary", "secondary", "stop"] = "secondary") -> gr.Button:
        buttons[name] = gr.Button(label, variant=variant, elem_id=name, size="md", min_width=90)
        return buttons[name]

    gr.HTML(view.rest(), elem_id="rest", padding=False)
    top = gr.HTML("", elem_id="top", padding=False)
    begin = button("begin", texts.BEGIN, "primary")
    begin.visible = False  # until the server has said whose desk this is
    with gr.Column(visible=False, elem_id="desk") as desk:
        status = gr.HTML("", elem_id="status", padding=False)
        with gr.Row(elem_id="papers"):
            with gr.Column(elem_id="paper", scale=2, min_width=0):
                source = gr.HTML("", elem_id="source", padding=False)
            with gr.Column(elem_id="talk", scale=3, min_width=0):
                talk = gr.HTML("", elem_id="conversation", padding=False)
                with gr.Column(visible=False) as editing:
                    editor = gr.Textbox(
                        label=texts.EDITOR, info=texts.EDITOR_HELP, lines=18, max_lines=18, elem_id="editor"
                    )
        with gr.Column(elem_id="dock"):
            gr.HTML(f'<div id="keys" hidden>{view.keys()}</div>', elem_id="help-box", padding=False)
            problem = gr.HTML("", elem_id="problem", padding=False, visible=False)
            with gr.Row(visible=False, elem_classes="bar") as edit_bar:
                button("save-edit", texts.SAVE_EDIT, "primary")
                button("cancel-edit", texts.CANCEL)
            with gr.Column(visible=False, elem_id="rejecting") as rejecting:
                choices = [(label, name) for name, label in texts.REASONS.items()]
                reason = gr.Radio(choices, label=texts.REASON, elem_id="reason")
                words = gr.Textbox(label=texts.REASON_TEXT, lines=1, max_lines=4, max_length=500, elem_id="words")
                with gr.Row(elem_classes="bar"):
                    button("save-reject", texts.SAVE_REJECT, "stop")
                    button("cancel-reject", texts.CANCEL)
            with gr.Row(visible=False, elem_id="actions", elem_classes="bar") as reading:
                button("accept", texts.ACCEPT, "primary")
                button("edit", texts.EDIT)
                button("reject", texts.REJECT)
                for name, label in (("undo", texts.UNDO), ("previous", texts.PREVIOUS), ("next", texts.NEXT)):
                    button(name, label)
                button("help", texts.HELP)
                button("leave", texts.LEAVE)
    shown = [top, begin, desk, status, source, talk, problem]
    return [*shown, editing, edit_bar, editor, rejecting, reason, words, reading], buttons, (editor, reason, words)


def _shown(desks: Mapping[str, Desk], seat: Seat) -> tuple[Any, ...]:
    """The seat, and what every component shows for it."""
    if seat.mode in ("closed", "welcome", "left"):
        top = {"closed": view.message(texts.NO_LINK), "welcome": view.welcome(), "left": _left()}[seat.mode]
        top = view.problem(seat.problem) or top
        label = texts.BACK if seat.mode == "left" else texts.BEGIN
        begin = gr.update(visible=seat.mode != "closed", value=label)
        # What was read is taken off the page, not only hidden.
        shut = gr.update(visible=False)
        return (seat, gr.update(value=top, visible=True), begin, shut, "", "", "", "", *_panels(seat.mode, None, seat))
    desk = desks[seat.token]
    item, latest = desk.items[seat.place], desk.decisions.latest()
    done = sum(each.id in latest for each in desk.items)
    return (
        seat,
        gr.update(visible=False),
        gr.update(visible=False),
        gr.update(visible=True),
        view.status(seat.place + 1, len(desk.items), done, seat.note),
        view.source(item),
        gr.update(value=view.conversation(item, latest.get(item.id)), visible=seat.mode != "edit"),
        gr.update(value=view.problem(seat.problem), visible=bool(seat.problem)),
        *_panels(seat.mode, standing(desk, item), seat),
    )


def _panels(mode: Mode, item: Item | None, seat: Seat) -> tuple[Any, ...]:
    """Editor, its buttons, its text, the reasons, the reason, its words, and the actions."""
    refused = bool(seat.problem)  # what was typed stays
    text = gr.skip() if refused else (edits.as_text(item.messages) if item and mode == "edit" else "")
    cleared = (gr.skip(), gr.skip()) if refused else (None, "")
    editing, rejecting = gr.update(visible=mode == "edit"), gr.update(visible=mode == "reject")
    return editing, editing, text, rejecting, *cleared, gr.update(visible=mode == "read")


def _left() -> str:
    return view.message(texts.LEFT) + f'<div class="warning">{view.support()}</div>'
