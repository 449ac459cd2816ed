"""Who calls, and signatures for the calls that carry no token of the Hub.

There is one user, `local`, with one fixed development token: this is a Hub for one person's machine. Any other token
is refused, so that a real one sent here by mistake is neither accepted nor kept.
"""

import hashlib
import hmac
import time

from local_hub.errors import HubError

USER = "local"
TOKEN = "local"
LIFETIME = 3600 * 6  # seconds; an upload of one large file must end within it


def user_of(authorization: str | None) -> str | None:
    """The user behind an Authorization header, or None for an anonymous caller."""
    if not authorization:
        return None
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() == "bearer" and hmac.compare_digest(token.strip().encode(), TOKEN.encode()):
        return USER
    # huggingface_hub knows these very words; with others it would report a missing repository.
    raise HubError(401, "Invalid credentials in Authorization header")


def sign(secret: bytes, purpose: str) -> str:
    """A key that opens `purpose`, and only that, until it expires; it survives a restart of the server."""
    expires = int(time.time()) + LIFETIME
    return f"{expires}-{_digest(secret, purpose, expires)}"


def check(secret: bytes, purpose: str, key: str) -> None:
    expires, _, digest = key.partition("-")
    if not expires.isdecimal() or int(expires) < time.time():
        raise HubError(401, "this upload key is malformed or has expired; start the upload again")
    if not hmac.compare_digest(digest.encode(), _digest(secret, purpose, int(expires)).encode()):
        raise HubError(401, "this upload key is not valid here; start the upload again")


def _digest(secret: bytes, purpose: str, expires: int) -> str:
    return hmac.new(secret, f"{purpose}\n{expires}".encode(), hashlib.sha256).hexdigest()
