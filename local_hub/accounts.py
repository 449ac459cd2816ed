"""Accounts and their tokens. A token is shown once, when it is made; what is kept is its hash.

The fixed development token is not in the list: see auth.py for where it counts.
"""

import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from local_hub import clock
from local_hub.names import checked_namespace

ADMIN = "local"  # reads and writes everywhere: the person whose machine this is
ROLES = ("read", "write")
_FILE = "tokens.json"


@dataclass(frozen=True)
class Account:
    """Who calls, and what their token allows."""

    name: str
    role: str = "write"
    orgs: tuple[str, ...] = ()
    token: str = "development"  # the token's id, never the token

    def belongs_to(self, namespace: str) -> bool:
        return self.name in (ADMIN, namespace) or namespace in self.orgs

    def writes_in(self, namespace: str) -> bool:
        return self.role == "write" and self.belongs_to(namespace)


@dataclass(frozen=True)
class TokenRecord:
    """One token as tokens.json keeps it. A token has 256 random bits, so a plain SHA-256 of it cannot be guessed."""

    id: str
    user: str
    role: str
    orgs: list[str]
    sha256: str
    created: str

    @property
    def account(self) -> Account:
        return Account(self.user, self.role, tuple(self.orgs), self.id)


def _differ_in_case(one: str, other: str) -> bool:
    return one != other and one.lower() == other.lower()


def hashed(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


class Tokens:
    """The tokens of one root. The command writes them and a running server sees that at its next request."""

    def __init__(self, root: Path) -> None:
        self._path = root / _FILE
        self._seen: tuple[int, int] | None = None  # the file's time and number when it was last read
        self._by_hash: dict[str, TokenRecord] = {}

    def create(self, user: str, role: str, orgs: list[str]) -> str:
        """A new token, to be shown to its user now: it cannot be found out later."""
        if role not in ROLES:
            raise ValueError(f"role {role!r} is unknown; use one of {', '.join(ROLES)}")
        names = [checked_namespace(name) for name in (user, *orgs)]
        token = f"hub_{secrets.token_urlsafe(32)}"
        record = TokenRecord(secrets.token_hex(4), names[0], role, names[1:], hashed(token), clock.now())
        with self._changing() as records:
            if other := next((r.user for r in records if _differ_in_case(r.user, user)), None):
                raise ValueError(f"there is a user {other!r} already, and names differ in more than case; use that")
            records.append(record)
        return token

    def revoke(self, token_id: str) -> None:
        """Raises KeyError when there is none of that id."""
        with self._changing() as records:
            kept = [record for record in records if record.id != token_id]
            if len(kept) == len(records):
                raise KeyError(token_id)
            records[:] = kept

    def all(self) -> list[TokenRecord]:
        return list(self._current().values())

    def users(self) -> set[str]:
        return {record.user for record in self.all()}

    def account_of(self, token: str) -> Account | None:
        # A lookup by hash: how long it takes tells nothing about a token that is not known.
        record = self._current().get(hashed(token))
        return record.account if record else None

    def _current(self) -> dict[str, TokenRecord]:
        try:
            stat = self._path.stat()
        except FileNotFoundError:
            return {}
        if (stat.st_mtime_ns, stat.st_ino) != self._seen:
            self._by_hash = {record.sha256: record for record in self._read()}
            self._seen = stat.st_mtime_ns, stat.st_ino
        return self._by_hash

    def _read(self) -> list[TokenRecord]:
        if not self._path.exists():
            return []
        return [TokenRecord(**entry) for entry in json.loads(self._path.read_text(encoding="utf-8"))]

    @contextmanager
    def _changing(self) -> Iterator[list[TokenRecord]]:
        """The records, to edit in place; written back by rename, one writer at a time."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            records = self._read()
            yield records
            draft = self._path.with_suffix(".draft")
            draft.unlink(missing_ok=True)
            with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as out:
                json.dump([asdict(record) for record in records], out, indent=1)
                out.flush()
                os.fsync(out.fileno())
            draft.replace(self._path)
