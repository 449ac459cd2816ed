"""`python -m local_hub`: serve a Hub, or run one command against it."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import pygit2
import typer

from local_hub.accounts import ADMIN, Tokens
from local_hub.auth import TOKEN, is_loopback
from local_hub.errors import HubError
from local_hub.gc import collect
from local_hub.server import (
    DEFAULT_HOST,
    DEFAULT_PORT,
    DEFAULT_ROOT,
    HubBusy,
    held_store,
    live_url,
    prepared,
    serving,
    takes_development_token,
)

# Each would keep a client from this Hub, or send it a token that is not for it.
_REMOVED = (
    "HF_HUB_OFFLINE",
    "TRANSFORMERS_OFFLINE",
    "HF_DATASETS_OFFLINE",
    "HF_HUB_DISABLE_IMPLICIT_TOKEN",
    "HUGGING_FACE_HUB_TOKEN",
    "HUGGINGFACE_CO_STAGING",
)
_LOCAL_HOSTS = "127.0.0.1,localhost"
_EXAMPLES = """
Examples:

  python -m local_hub serve --root build/hub

  python -m local_hub run -- hf upload local/demo ./demo
"""

app = typer.Typer(
    help="A Hugging Face Hub on this machine.",
    epilog=_EXAMPLES,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
Root = Annotated[Path, typer.Option(help="Where repositories are kept.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free port.")]


def _fail(message: str, code: int = 1) -> NoReturn:
    typer.echo(f"local_hub: {message}", err=True)
    raise typer.Exit(code)


@contextmanager
def _usable(root: Path) -> Iterator[None]:
    """Turn what goes wrong with a root into a line that says what to do."""
    try:
        yield
    except HubBusy as error:
        _fail(str(error))
    except OSError as error:
        _fail(f"cannot use root {root}: {error.strerror}; pass another --root")


tokens = typer.Typer(help="Make, list and revoke the tokens of a root.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(tokens, name="token")


@app.command(
    epilog="Examples:\n\n  python -m local_hub serve\n\n"
    "  python -m local_hub serve --root /data/hub --host 0.0.0.0 --port 8080 --allow-host hub.lan"
)
def serve(
    root: Root = DEFAULT_ROOT,
    host: Annotated[str, typer.Option(help="Address to listen on; beyond loopback it takes made tokens only.")] = (
        DEFAULT_HOST
    ),
    port: Port = DEFAULT_PORT,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="A further name that clients call this server by.")
    ] = None,
    run_spaces: Annotated[
        bool, typer.Option("--run-spaces", help="Start the Spaces: runs what was pushed there.")
    ] = False,
) -> None:
    """Serve until interrupted."""
    hosts = frozenset(name.lower() for name in allow_host or [])
    try:
        with _usable(root), prepared(root, host, port, hosts, run_spaces=run_spaces) as running:
            typer.echo(f"Local Hub at {running.url}, kept in {root}, requests in its server.log. In another shell:\n")
            typer.echo(_exports(root, host, running.url), color=False)
            sys.stdout.flush()
            # Else the server, done with its own shutdown, would let SIGTERM end us before the files are tidied.
            signal.signal(signal.SIGTERM, signal.default_int_handler)
            running.run()
    except KeyboardInterrupt:
        typer.echo("local_hub: stopped", err=True)


def _check_exists(root: Path) -> None:
    if not root.is_dir():
        _fail(f"there is no root {root}; pass the --root of a Hub that was served before")


def _exports(root: Path, host: str, url: str) -> str:
    """The line that points clients here. Beyond loopback it names this machine, and the very first token is made."""
    if is_loopback(host):
        return f"export HF_ENDPOINT={url} HF_TOKEN={TOKEN} NO_PROXY={_LOCAL_HOSTS}"
    known = Tokens(root)
    token = "$TOKEN  # one that `python -m local_hub token create` printed" if known.all() else None
    name = socket.gethostname() if host in ("0.0.0.0", "::") else host
    address = f"http://{name}:{url.rpartition(':')[2]}"
    return f"export HF_ENDPOINT={address} NO_PROXY={name} HF_TOKEN={token or known.create(ADMIN, 'write', [])}"


@tokens.command(
    epilog="Examples:\n\n  python -m local_hub token create alice --org lab\n\n"
    "  python -m local_hub token create reader --role read --root /data/hub"
)
def create(
    user: Annotated[str, typer.Argument(help=f"Whose it is; {ADMIN!r} reads and writes everywhere.")],
    role: Annotated[str, typer.Option(help="read or write.")] = "write",
    org: Annotated[list[str] | None, typer.Option(help="A further namespace that the user belongs to.")] = None,
    root: Root = DEFAULT_ROOT,
) -> None:
    """Make a token and print it: only its hash is kept, so this is the one time that it can be read."""
    try:
        with _usable(root):
            typer.echo(Tokens(root).create(user, role, org or []))
    except (HubError, ValueError) as error:
        _fail(str(error))


@tokens.command(
    "list", epilog="Examples:\n\n  python -m local_hub token list\n\n  python -m local_hub token list --root /data/hub"
)
def list_tokens(root: Root = DEFAULT_ROOT) -> None:
    """One line per token: id, user, role, organisations, when it was made."""
    _check_exists(root)
    for record in Tokens(root).all():
        typer.echo("\t".join([record.id, record.user, record.role, ",".join(record.orgs) or "-", record.created]))


@tokens.command(
    epilog="Examples:\n\n  python -m local_hub token revoke 1f2e3d4c\n\n"
    "  python -m local_hub token revoke 1f2e3d4c --root /data/hub"
)
def revoke(token_id: Annotated[str, typer.Argument(metavar="ID")], root: Root = DEFAULT_ROOT) -> None:
    """Refuse a token from now on; a running server sees that at once."""
    _check_exists(root)
    try:
        Tokens(root).revoke(token_id)
        typer.echo(f"revoked {token_id}", err=True)
    except KeyError:
        _fail(f"there is no token {token_id!r} in {root}; `python -m local_hub token list` shows their ids")


@app.command(epilog="Examples:\n\n  python -m local_hub gc\n\n  python -m local_hub gc --root /data/hub")
def gc(root: Root = DEFAULT_ROOT) -> None:
    """Free the disk of large files that no repository names, and of the chunks that Xet uploads left."""
    _check_exists(root)
    try:
        with _usable(root), held_store(root) as store:
            freed = collect(store)
    except pygit2.GitError as error:
        _fail(f"a repository in {root} cannot be read, so nothing was freed: {error}; mend it or remove its folder")
    typer.echo(f"freed {freed.size:,} bytes: {freed.large_files} large files, {freed.xorbs} xorbs")


@app.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    epilog="Examples:\n\n  python -m local_hub run -- hf auth whoami\n\n"
    "  python -m local_hub run --root /tmp/hub -- python train_and_push.py",
)
def run(
    command: Annotated[list[str], typer.Argument(metavar="-- COMMAND...", show_default=False)],
    root: Root = DEFAULT_ROOT,
    port: Port = 0,
) -> None:
    """Run COMMAND against the Hub in ROOT: the one that serves it now, or one for the length of the command."""
    with _usable(root), ExitStack() as stack:
        url = live_url(root) or stack.enter_context(serving(root, port))
        if not takes_development_token(root):
            _fail(f"the server at {url} takes made tokens only; set HF_ENDPOINT and HF_TOKEN yourself, without `run`")
        code = _exit_code_of(command, client_environment(os.environ, url))
    raise typer.Exit(code)


def client_environment(environment: Mapping[str, str], url: str) -> dict[str, str]:
    """`environment` with every client pointed at `url`, and with our token in place of any real one."""
    bypass = ",".join(filter(None, [environment.get("NO_PROXY") or environment.get("no_proxy"), _LOCAL_HOSTS]))
    kept = {key: value for key, value in environment.items() if key not in _REMOVED}
    # Some clients read the one spelling, some the other.
    return {**kept, "HF_ENDPOINT": url, "HF_TOKEN": TOKEN, "NO_PROXY": bypass, "no_proxy": bypass}


def _exit_code_of(command: list[str], environment: dict[str, str]) -> int:
    """Run `command` to its end. Ctrl-C reaches it by way of the terminal, so we only wait; SIGTERM is passed on."""
    # A handler, not SIG_IGN: the child would inherit that.
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        child = subprocess.Popen(command, env=environment)
        signal.signal(signal.SIGTERM, lambda number, _: child.send_signal(number))
        code = child.wait()
    except OSError as error:
        typer.echo(f"local_hub: cannot run {command[0]}: {error.strerror}; check its name and PATH", err=True)
        return 127 if isinstance(error, FileNotFoundError) else 126
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 128 - code if code < 0 else code  # the shell's convention for a death by signal
