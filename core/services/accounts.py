"""Who may come in, and as what: local accounts, sessions, roles."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlite_utils import Database

from core.errors import BadName, BadPassword, NameTaken, NotAllowed, SignInThrottled, WrongPassword
from core.messages import LANGS
from db import events, invitations, leases, members, users
from db.connect import writing
from db.errors import NotFound
from db.records import User

ROLES = ("annotator", "reviewer", "lead", "admin")  # each may also do what those before it may
SESSION_S = 14 * 86_400
MIN_PASSWORD = 10
FREE_FAILURES = 5  # wrong passwords before each further try has to wait
FAILURE_WINDOW_S = 15 * 60
_hasher = PasswordHasher()
_NOBODY = _hasher.hash(secrets.token_hex(16))  # compared when the name is unknown, so that both answers take as long


def digest(token: str) -> str:
    """What the database keeps of a random token."""
    return hashlib.sha256(token.encode()).hexdigest()


def hashed(password: str) -> str:
    """The hash of a password that is long enough; takes a while, so before a transaction. Raises BadPassword (need)."""
    if len(password) < MIN_PASSWORD or len(password) > 1000 or not password.strip():
        raise BadPassword(need=MIN_PASSWORD)
    return _hasher.hash(password)


def checked_name(name: str) -> str:
    """The name as it is kept. Raises BadName."""
    name = name.strip()
    if not 1 <= len(name) <= 60 or any(not c.isprintable() for c in name):
        raise BadName(name=name[:60])
    return name


def _matches(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def sign_in(db: Database, name: str, password: str, *, client: str, now: float) -> tuple[str, User]:
    """A new session's token and its user; the database keeps only the token's hash.

    Raises WrongPassword (name or password, never which), SignInThrottled (too many wrong ones for this name or from
    this client; each further one waits longer).
    """
    name = name.strip()
    check_pace(db, client=client, name=name, now=now)
    found = users.by_name(db, name)
    right = _matches(found[1] if found else _NOBODY, password)
    if not found or not right or not found[0].active or found[0].role == "system":
        note_failure(db, client=client, name=name, now=now)
        raise WrongPassword()
    user, password_hash = found
    with writing(db):
        users.forget_failures(db, name=name)
        if _hasher.check_needs_rehash(password_hash):
            users.update(db, user.id, password_hash=_hasher.hash(password))
        return open_session(db, user.id, now=now), user


def open_session(db: Database, user_id: int, *, now: float) -> str:
    """Inside the caller's transaction: a new session's token."""
    token = secrets.token_urlsafe(32)
    users.start_session(db, user_id, token_hash=digest(token), expires_at=now + SESSION_S, now=now)
    events.append(db, "signed_in", now=now, user_id=user_id)
    return token


def check_pace(db: Database, *, client: str, name: str, now: float) -> None:
    """Raises SignInThrottled: too many wrong tries for this name or from this client; each further one waits longer."""
    failed = users.failures(db, client=client, name=name, since=now - FAILURE_WINDOW_S)
    if len(failed) >= FREE_FAILURES:
        wait_s = failed[-1] + min(2 ** (len(failed) - FREE_FAILURES + 1), 300) - now
        if wait_s > 0:
            raise SignInThrottled(wait_s=int(wait_s) + 1)


def note_failure(db: Database, *, client: str, name: str, now: float) -> None:
    """Counts a wrong try."""
    with writing(db):
        users.record_failure(db, client=client, name=name, now=now, keep_s=FAILURE_WINDOW_S)


def who(db: Database, token: str | None, *, now: float) -> User | None:
    """The active user of a live session, or None; a session in use is prolonged once a day."""
    if not token:
        return None
    found = users.session(db, digest(token), now=now)
    if not found:
        return None
    user, expires_at = found
    if expires_at - now < SESSION_S - 86_400:
        with writing(db):
            users.prolong_session(db, digest(token), expires_at=now + SESSION_S)
    return user


def sign_out(db: Database, token: str, *, now: float) -> None:
    """End the session: the token is worth nothing from here on, and the texts on this person's desk go to others."""
    with writing(db):
        found = users.session(db, digest(token), now=now)
        users.end_session(db, digest(token))
        if found:
            user_id = found[0].id
            events.append(db, "signed_out", now=now, user_id=user_id)
            _clear_desks(db, user_id, by=user_id, now=now)


def _clear_desks(db: Database, user_id: int, *, by: int, now: float) -> None:
    """Inside the caller's transaction: what this person holds in any project goes to others."""
    for project_id, n in leases.release_everywhere(db, user_id).items():
        after = n if by == user_id else {"user": user_id, "leases": n}
        events.append(db, "released", now=now, project_id=project_id, user_id=by, after=after)


def require(user: User | None, role: str) -> User:
    """The user, if the role suffices (admin ⊃ lead ⊃ reviewer ⊃ annotator). Raises NotAllowed."""
    if user is None or not user.active or user.role not in ROLES or ROLES.index(user.role) < ROLES.index(role):
        raise NotAllowed(need=role)
    return user


def require_active(db: Database, user_id: int, role: str = "annotator") -> User:
    """The user as the database has it now: what every write asks, for a page may be older than a dismissal."""
    return require(users.peek(db, user_id), role)


def create_user(
    db: Database, name: str, password: str, role: str, *, by: int | None, now: float, lang: str = "zh",
    projects: Sequence[int] = (),
) -> User:  # fmt: skip
    """A new person, a member of ``projects``. Raises BadName, BadPassword (need), NameTaken."""
    name = checked_name(name)
    if role not in ROLES:
        raise NotAllowed(need=role)
    password_hash = hashed(password)
    with writing(db):
        if by is not None:
            require_active(db, by, "admin")
        made = insert_user(db, name=name, password_hash=password_hash, role=role, lang=lang, by=by, now=now)
        for project_id in projects:
            members.add(db, project_id, made.id, now=now)
            events.append(db, "member_added", now=now, project_id=project_id, user_id=by, after={"user": made.id})
    return made


def insert_user(
    db: Database, *, name: str, password_hash: str, role: str, lang: str, by: int | None, now: float
) -> User:
    """Inside the caller's transaction, which has checked name and role. Raises NameTaken."""
    if users.by_name(db, name):
        raise NameTaken(name=name)
    kept = lang if lang in LANGS else "zh"
    user_id = users.insert(db, name=name, role=role, password_hash=password_hash, lang=kept, now=now)
    events.append(db, "user_created", now=now, user_id=by, after={"user": user_id, "name": name, "role": role})
    return _existing(db, user_id)


def _existing(db: Database, user_id: int) -> User:
    user = users.peek(db, user_id)
    if user is None or user.role == "system":
        raise NotFound(what=f"user {user_id}")
    return user


def _keep_an_admin(db: Database, user: User) -> None:
    if user.role == "admin" and user.active and users.count_active(db, "admin") <= 1:
        raise NotAllowed(need="another_admin")


def set_role(db: Database, user_id: int, role: str, *, by: int, now: float) -> User:
    """Raises NotAllowed: the last admin stays one."""
    if role not in ROLES:
        raise NotAllowed(need=role)
    with writing(db):
        require_active(db, by, "admin")
        before = _existing(db, user_id)
        if role != "admin":
            _keep_an_admin(db, before)
        users.update(db, user_id, role=role)
        events.append(
            db, "role_set", now=now, user_id=by, before={"user": user_id, "role": before.role}, after={"role": role}
        )
    return _existing(db, user_id)


def set_active(db: Database, user_id: int, active: bool, *, by: int, now: float) -> User:
    """Deactivating ends the person's sessions and clears their desks; their work stays.

    Raises NotAllowed: the last admin stays active.
    """
    with writing(db):
        require_active(db, by, "admin")
        before = _existing(db, user_id)
        if not active:
            _keep_an_admin(db, before)
            users.end_sessions(db, user_id)
            invitations.withdraw_resets(db, user_id, now=now)
            _clear_desks(db, user_id, by=by, now=now)
        users.update(db, user_id, active=int(active))
        events.append(db, "active_set", now=now, user_id=by, before={"user": user_id}, after={"active": active})
    return _existing(db, user_id)


def set_password(db: Database, user_id: int, password: str, *, by: int | None, now: float) -> None:
    """A new password ends all sessions of that person. Raises BadPassword, NotAllowed."""
    password_hash = hashed(password)
    with writing(db):
        if by is not None:
            require_active(db, by, "annotator" if by == user_id else "admin")
        _existing(db, user_id)
        users.update(db, user_id, password_hash=password_hash)
        users.end_sessions(db, user_id)
        invitations.withdraw_resets(db, user_id, now=now)
        events.append(db, "password_set", now=now, user_id=by, after={"user": user_id})


def set_lang(db: Database, user_id: int, lang: str, *, now: float) -> None:
    with writing(db):
        users.update(db, user_id, lang=lang if lang in LANGS else "zh")


def list_users(db: Database) -> list[User]:
    return users.all_people(db)


def find(db: Database, name: str) -> User:
    """The person of that name. Raises NotFound."""
    found = users.by_name(db, name)
    if not found or found[0].role == "system":
        raise NotFound(what=name)
    return found[0]
