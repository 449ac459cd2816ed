"""`python -m space`: the demo on this machine."""

import socket
from pathlib import Path
from typing import Annotated

import typer

from space.config import FILE, ConfigError, check_model, load_config

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.callback()
def main() -> None:
    """The multi-turn chat demo."""


@app.command(
    epilog="Examples:\n\npython -m space serve --model build/model\n\n"
    "python -m space serve --model http://127.0.0.1:8000/v1#soulchat --port 7861"
)
def serve(
    model: Annotated[str | None, typer.Option(help="Checkpoint folder, Hub repo id, or endpoint URL#NAME.")] = None,
    config: Annotated[
        Path, typer.Option(help="YAML file with all settings.", show_default="space/config.yaml")
    ] = FILE,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 7860,
) -> None:
    """Serve the demo until interrupted."""
    try:
        settings = load_config(config, model=model)
        _check_free(host, port)
        check_model(settings.model)
        from space.app import build, launch  # seconds of imports, after what can be refused at once

        page = build(settings)
        typer.echo(f"serving {settings.model} at http://{host}:{port}", err=True)
        launch(page, host=host, port=port, quiet=True)
    except ConfigError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error


Hub = Annotated[str, typer.Option(help="local, or huggingface.")]
Namespace = Annotated[str, typer.Option(help="The user or organisation to publish under.")]


@app.command(
    epilog="Examples:\n\npython -m space check --namespace my-lab\n\n"
    "python -m local_hub run -- python -m space check --hub local --namespace local"
)
def check(hub: Hub = "huggingface", namespace: Namespace = "") -> None:
    """Say whether a push could go through: the hub, the namespace and the token."""
    from space.release import NotReady
    from space.release import check as check_hub

    try:
        check_hub(hub, namespace)
    except NotReady as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error


@app.command(
    epilog="Examples:\n\npython -m local_hub run -- python -m space push --hub local --namespace local\n\n"
    "python -m space push --hub huggingface --namespace my-lab --public"
)
def push(
    hub: Hub = "local",
    namespace: Namespace = "local",
    corpus: Annotated[Path, typer.Option(help="The built corpus.")] = Path("soulchat"),
    model: Annotated[Path, typer.Option(help="The trained model, with its card.")] = Path("build/model"),
    public: Annotated[
        bool, typer.Option("--public", help="Show the Space to everyone; without, it is private.")
    ] = False,
) -> None:
    """Publish corpus, model and Space as NAMESPACE/soulchat, in one atomic commit each."""
    from space.release import NotReady, a_topic, release, what_users_type

    try:
        released = release(hub, namespace, corpus=corpus, model=model, public=public)
    except (NotReady, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(what_users_type(hub, namespace, released, topic=a_topic(corpus), public=public))


def _check_free(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ConfigError(
                f"{host}:{port} cannot be listened on ({error.strerror}); choose another with --port"
            ) from error


if __name__ == "__main__":
    app()
