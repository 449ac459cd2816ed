"""The chat as a web page: Gradio's Blocks, with the defaults that a vulnerable visitor needs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from space import texts
from space.chat import Chat, Conversation
from space.config import ConfigError, SpaceConfig, check_model
from training.generate import Model, load

CSS = Path(__file__).with_name("style.css")
IDLE_SECONDS = 2 * 60 * 60
"""After this long without a message, a visitor's transcript is dropped from memory."""

PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


def load_model(name: str) -> Model:
    """The model that the config names.

    Raises:
        ConfigError: where there is none.
    """
    check_model(name)
    try:
        return load(name)
    except (OSError, ValueError) as error:
        raise ConfigError(f"model {name!r} cannot be loaded: {' '.join(str(error).split())[:300]}") from error


def build(config: SpaceConfig, model: Model | None = None) -> gr.Blocks:
    """The page; loads the model that `config` names, unless one is given.

    Raises:
        ConfigError: where the model cannot be loaded.
    """
    chat = Chat(config, model or load_model(config.model))

    def send(said: Any, conversation: Conversation) -> Iterator[tuple[Any, ...]]:
        said = said.strip() if isinstance(said, str) else ""  # the API route would pass anything
        if not said:
            yield said, gr.skip(), gr.skip(), *_buttons(busy=False), gr.skip()
            return
        # Box and buttons are written once: later, the visitor may be typing, or may have pressed stop.
        once = (said if len(said) > config.max_message_chars else "", *_buttons(busy=True), gr.Row(visible=False))
        for grown in chat.respond(said, conversation):
            box, button, stop, suggestions = once
            yield box, grown.shown(), grown, button, stop, suggestions
            once = (gr.skip(),) * 4
        yield gr.skip(), gr.skip(), gr.skip(), *_buttons(busy=False), gr.skip()

    with gr.Blocks(title=texts.TITLE, analytics_enabled=False, delete_cache=(3600, 3600), fill_height=True) as page:
        gr.HTML(texts.crisis_bar(), elem_id="crisis", padding=False)
        gr.HTML(texts.notice(), elem_id="notice", padding=False)
        conversation = gr.State(Conversation(), time_to_live=IDLE_SECONDS)
        window = _chat_window()
        with gr.Row(elem_id="examples") as suggestions:
            examples = [gr.Button(text, size="sm", variant="secondary") for text in texts.EXAMPLES]
        with gr.Row(elem_id="ask", equal_height=True):
            box = gr.Textbox(label=texts.BOX_LABEL, placeholder=texts.BOX_PLACEHOLDER, lines=2, max_lines=6, scale=5)
            button = gr.Button(texts.SEND, variant="primary", elem_id="send", scale=1, min_width=110)
            stop = gr.Button(texts.STOP, variant="stop", elem_id="stop", scale=1, min_width=110, visible=False)
        clear = gr.Button(texts.CLEAR, size="sm", variant="secondary", elem_id="clear")

        sent = gr.on(
            [box.submit, button.click],
            send,
            [box, conversation],
            [box, window, conversation, button, stop, suggestions],
            concurrency_limit=config.concurrency,
            trigger_mode="once",
            **PRIVATE,
        )
        stop.click(lambda: _buttons(busy=False), None, [button, stop], cancels=[sent], queue=False, **PRIVATE)
        clear.click(
            lambda: (Conversation(), [], "", *_buttons(busy=False), gr.Row(visible=True)),
            None,
            [conversation, window, box, button, stop, suggestions],
            cancels=[sent],
            queue=False,
            **PRIVATE,
        )
        for example in examples:
            example.click(lambda text: text, example, box, queue=False, **PRIVATE)
    return page.queue(api_open=False, max_size=config.max_waiting)


def launch(page: gr.Blocks, *, host: str | None = None, port: int | None = None, **more: Any) -> Any:
    """Serve `page` until interrupted; without `host` and `port`, Gradio's environment variables decide."""
    return page.launch(server_name=host, server_port=port, **launch_settings(), **more)


def launch_settings() -> dict[str, Any]:
    """Gradio keeps, shares and shows more than is right here; these differ from its defaults on purpose."""
    return {
        "css": CSS.read_text(encoding="utf-8"),
        "theme": gr.themes.Soft(
            primary_hue="teal",
            secondary_hue="teal",
            neutral_hue="slate",
            font=["system-ui", "Noto Sans SC", "Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC", "sans-serif"],
            font_mono=["ui-monospace", "monospace"],
        ),
        "footer_links": [],  # no API page, no settings, no list of runs
        "run_history": False,  # would keep what was said in the browser
        "enable_monitoring": False,
        "mcp_server": False,
        "pwa": False,
        "share": False,
        "show_error": False,  # an error's text may quote a visitor
        "ssr_mode": False,  # needs Node
        "state_session_capacity": 1000,
        "max_file_size": "1kb",  # nothing is uploaded here
    }


def _chat_window() -> gr.Chatbot:
    return gr.Chatbot(
        label=texts.CHAT_LABEL,
        show_label=False,
        elem_id="chat",
        height="50vh",
        min_height=260,
        placeholder=texts.EMPTY_CHAT,
        buttons=["copy"],  # by default also "share", which posts the talk on the Hub
        watermark=texts.WATERMARK,
        allow_tags=False,
        latex_delimiters=[],
        feedback_options=None,
        layout="bubble",
        group_consecutive_messages=False,
    )


def _buttons(*, busy: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    return gr.update(visible=not busy), gr.update(visible=busy)
