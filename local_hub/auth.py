"""Who calls, and signatures for the calls that carry no token of the Hub.

On loopback the fixed development token stands for the person whose machine this is. Every other token was made by
`python -m local_hub token create`. One that is not known is refused, so that a real one sent here by mistake is
neither accepted nor kept.
"""

import base64
import binascii
import hashlib
import hmac
import ipaddress
import time

from local_hub.accounts import ADMIN, Account, Tokens
from local_hub.errors import HubError

USER = ADMIN
TOKEN = "local"
LIFETIME = 3600 * 6  # seconds; an upload of one large file must end within it


def is_loopback(address: str) -> bool:
    """Whether an address, or `localhost`, is reached from this machine alone."""
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return address == "localhost"


def caller(tokens: Tokens, authorization: str | None, *, development: bool, reading: bool) -> Account | None:
    """The account behind an Authorization header, or None for an anonymous caller.

    `development` says whether the fixed token counts here. `Basic`, by which a browser signs in, is for `reading`
    only: a browser sends it along with whatever another site makes it ask for.
    """
    if not authorization:
        return None
    scheme, _, credentials = authorization.partition(" ")
    match scheme.lower():
        case "bearer":
            token = credentials.strip()
        case "basic" if reading:
            token = _password(credentials.strip())
        case _:
            raise _refused()
    if development and hmac.compare_digest(token.encode("utf-8", "surrogateescape"), TOKEN.encode()):
        return Account(USER)
    account = tokens.account_of(token)
    if account is None:
        raise _refused()
    return account


def _refused() -> HubError:
    # huggingface_hub knows these very words; with others it would report a missing repository.
    return HubError(401, "Invalid credentials in Authorization header")


def _password(credentials: str) -> str:
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        raise _refused() from None


def sign(secret: bytes, purpose: str) -> str:
    """A key that opens `purpose`, and only that, until it expires; it survives a restart of the server."""
    expires = int(time.time()) + LIFETIME
    return f"{expires}-{_digest(secret, purpose, expires)}"


def check(secret: bytes, purpose: str, key: str) -> None:
    expires, _, digest = key.partition("-")
    if not (expires.isascii() and expires.isdecimal() and len(expires) < 15) or int(expires) < time.time():
        raise HubError(401, "this upload key is malformed or has expired; start the upload again")
    if not hmac.compare_digest(digest.encode(), _digest(secret, purpose, int(expires)).encode()):
        raise HubError(401, "this upload key is not valid here; start the upload again")


def _digest(secret: bytes, purpose: str, expires: int) -> str:
    return hmac.new(secret, f"{purpose}\n{expires}".encode(), hashlib.sha256).hexdigest()
