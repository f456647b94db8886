"""Links that let somebody in once: to join a project, with a new account or their own, or to set a password anew.

The token is in the link alone; the database keeps its hash. A link counts only as long as whoever made it may still
make one, so that a dismissal ends their links too.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from core.errors import BadInvitation, NotAllowed, UserMistake
from core.services import accounts, membership, projects
from db import events, members, users
from db import invitations as rows
from db.connect import writing
from db.errors import NotFound
from db.records import User

DAY_S = 86_400
MIN_DAYS, MAX_DAYS = 1, 30
RESET_S = 2 * DAY_S
OFFERED = {"lead": ("annotator", "reviewer"), "admin": ("annotator", "reviewer", "lead")}  # who may invite as what


@dataclass(frozen=True, kw_only=True)
class Invitation:
    """A link that still works; ``who`` is the person of a reset."""

    id: int
    kind: str
    role: str
    project_id: int | None
    who: str | None
    made_by: str
    created_at: float
    expires_at: float


@dataclass(frozen=True, kw_only=True)
class Offer:
    """What the holder of a link may do; ``name`` is the account's, of a reset."""

    kind: str
    role: str
    project: projects.Project | None
    name: str | None


def offered_roles(user: User) -> tuple[str, ...]:
    """The roles that this person may invite somebody as."""
    return OFFERED.get(user.role, ())


def invite(db: Database, project_id: int, role: str, *, days: int, by: int, now: float) -> str:
    """A new link's token: shown once, for it is kept nowhere.

    Raises NotAllowed (a lead invites to their own projects, up to reviewers; nobody invites an administrator),
    NotFound, BadInvitation (so many days no link lasts).
    """
    if not MIN_DAYS <= days <= MAX_DAYS:
        raise BadInvitation()
    token = secrets.token_urlsafe(32)
    with writing(db):
        maker = membership.require_member(db, project_id, by, "lead")
        if role not in offered_roles(maker):
            raise NotAllowed(need="admin")
        projects.project(db, project_id)
        made = rows.insert(
            db, token_hash=accounts.digest(token), kind="join", role=role, project_id=project_id, user_id=None, by=by,
            expires_at=now + days * DAY_S, now=now,
        )  # fmt: skip
        after = {"invitation": made, "role": role, "days": days}
        events.append(db, "invited", now=now, project_id=project_id, user_id=by, after=after)
    return token


def offer_reset(db: Database, user_id: int, *, by: int, now: float) -> str:
    """The token of a link by which that person sets a new password; it ends the links before it.

    Raises NotAllowed (an administrator alone may), NotFound (no such person, or one who may not sign in).
    """
    token = secrets.token_urlsafe(32)
    with writing(db):
        accounts.require_active(db, by, "admin")
        user = users.peek(db, user_id)
        if user is None or user.role == "system" or not user.active:
            raise NotFound(what=f"user {user_id}")
        rows.withdraw_resets(db, user_id, now=now)
        made = rows.insert(
            db, token_hash=accounts.digest(token), kind="reset", role=user.role, project_id=None, user_id=user_id,
            by=by, expires_at=now + RESET_S, now=now,
        )  # fmt: skip
        events.append(db, "reset_offered", now=now, user_id=by, after={"invitation": made, "user": user_id})
    return token


def open_invitations(db: Database, project_id: int, *, by: int, now: float) -> list[Invitation]:
    """The links to a project that still work, newest first. Raises NotAllowed."""
    membership.require_member(db, project_id, by, "lead")
    return [_shown(each) for each in rows.open_joins(db, project_id, now=now)]


def open_resets(db: Database, *, by: int, now: float) -> list[Invitation]:
    """The reset links that still work, newest first. Raises NotAllowed."""
    accounts.require_active(db, by, "admin")
    return [_shown(each) for each in rows.open_resets(db, now=now)]


def _shown(found: dict[str, Any]) -> Invitation:
    return Invitation(**{name: found[name] for name in Invitation.__dataclass_fields__})


def withdraw(db: Database, invitation_id: int, *, by: int, now: float) -> None:
    """End a link before it is used. Raises NotAllowed, NotFound (it does not work any more, or never was)."""
    with writing(db):
        maker = accounts.require_active(db, by, "lead")
        found = rows.peek_open(db, invitation_id, now=now)
        if found is None:
            raise NotFound(what=f"link {invitation_id}")
        if found["kind"] == "reset":
            accounts.require(maker, "admin")
        else:
            membership.require(db, found["project_id"], maker, "lead")
        rows.withdraw(db, invitation_id, now=now)
        events.append(
            db, "invitation_withdrawn", now=now, project_id=found["project_id"], user_id=by,
            before={"invitation": invitation_id},
        )  # fmt: skip


def look(db: Database, token: str, *, client: str, now: float) -> Offer:
    """What a link offers.

    Raises BadInvitation (unknown, used, withdrawn or over: never which), SignInThrottled (too many bad links from this
    client).
    """
    found = _usable(db, token, client=client, now=now)
    project = projects.project(db, found["project_id"]) if found["project_id"] else None
    return Offer(kind=found["kind"], role=found["role"], project=project, name=found["who"])


def join(db: Database, token: str, name: str, password: str, *, lang: str, client: str, now: float) -> tuple[str, User]:
    """A new account by a link, a member of the link's project: a session's token and the user. The link is used up.

    Raises as ``look``, and BadName, BadPassword, NameTaken: then nothing is done and the link still works.
    """
    _usable(db, token, client=client, now=now)  # before a hash is made, which takes a while
    name, password_hash = accounts.checked_name(name), accounts.hashed(password)
    with writing(db):
        found = _found(db, token, now=now)
        if found is None or found["kind"] != "join":
            raise BadInvitation()
        user = accounts.insert_user(
            db, name=name, password_hash=password_hash, role=found["role"], lang=lang, by=found["created_by"], now=now
        )
        members.add(db, found["project_id"], user.id, now=now)
        rows.use(db, found["id"], user.id, now=now)
        after = {"invitation": found["id"], "role": found["role"]}
        events.append(db, "joined", now=now, project_id=found["project_id"], user_id=user.id, after=after)
        return accounts.open_session(db, user.id, now=now), user


def accept(db: Database, token: str, user_id: int, *, client: str, now: float) -> projects.Project:
    """Somebody who has an account becomes a member by a link, which is used up; their role stays what it is.

    A member already: nothing is done and the link still works. Raises as ``look``, and NotAllowed (a closed account).
    """
    _usable(db, token, client=client, now=now)
    with writing(db):
        user = accounts.require_active(db, user_id)
        found = _found(db, token, now=now)
        if found is None or found["kind"] != "join":
            raise BadInvitation()
        project_id = found["project_id"]
        if members.add(db, project_id, user.id, now=now):
            rows.use(db, found["id"], user.id, now=now)
            after = {"invitation": found["id"], "role": user.role}
            events.append(db, "joined", now=now, project_id=project_id, user_id=user.id, after=after)
        return projects.project(db, project_id)


def reset(db: Database, token: str, password: str, *, client: str, now: float) -> tuple[str, User]:
    """A new password by a link; all other sessions of that person end. Returns and raises as ``join``."""
    _usable(db, token, client=client, now=now)
    password_hash = accounts.hashed(password)
    with writing(db):
        found = _found(db, token, now=now)
        user = users.peek(db, found["user_id"]) if found and found["kind"] == "reset" else None
        if found is None or user is None:
            raise BadInvitation()
        users.update(db, user.id, password_hash=password_hash)
        users.end_sessions(db, user.id)
        users.forget_failures(db, name=user.name)
        rows.use(db, found["id"], user.id, now=now)
        events.append(db, "password_set", now=now, user_id=user.id, after={"user": user.id, "invitation": found["id"]})
        return accounts.open_session(db, user.id, now=now), user


def _usable(db: Database, token: str, *, client: str, now: float) -> dict[str, Any]:
    """The row of a link that works; one that does not counts as a wrong guess of this client."""
    guesser = f"link:{client}"  # no name: a bad link slows down the client that has it, and no person's sign-in
    accounts.check_pace(db, client=client, name=guesser, now=now)
    found = _found(db, token, now=now)
    if found is None:
        accounts.note_failure(db, client=client, name=guesser, now=now)
        raise BadInvitation()
    return found


def _found(db: Database, token: str, *, now: float) -> dict[str, Any] | None:
    """The row of a token, if its link works and whoever made it may still make one."""
    digest = accounts.digest(token)
    found = rows.usable(db, digest, now=now)
    if found is None or not hmac.compare_digest(found["token_hash"], digest):
        return None
    try:
        if found["kind"] == "reset":
            accounts.require_active(db, found["created_by"], "admin")
            accounts.require_active(db, found["user_id"])
        else:
            maker = membership.require_member(db, found["project_id"], found["created_by"], "lead")
            over = projects.project(db, found["project_id"]).archived_at is not None
            if over or found["role"] not in offered_roles(maker):
                return None
    except UserMistake:
        return None
    return found
