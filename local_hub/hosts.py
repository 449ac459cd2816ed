"""Which names a request may call this server by.

A page on the web can have a name of its own resolve to 127.0.0.1, and then reads the answers of a server there as if
they were its own site's. It cannot do so with an address, nor with a name that it does not own.
"""

import ipaddress
import re
import socket

from local_hub.errors import HubError

_HOST = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?")


def check_host(header: str | None, allowed: frozenset[str] = frozenset()) -> None:
    """Refuse a Host header that is no address, not localhost, not this machine's name, and not `allowed`."""
    match = _HOST.fullmatch(header or "")
    if match is None:
        raise HubError(400, f"the Host header {str(header)[:80]!r} is missing or malformed")
    name = match[1].strip("[]").lower()
    if name == "localhost" or name.endswith(".localhost") or name in allowed or name == socket.gethostname().lower():
        return
    try:
        ipaddress.ip_address(name)
    except ValueError:
        raise HubError(
            421, f"{name[:80]!r} is not a name of this server; serve with --allow-host to make it one"
        ) from None
