"""Logging in by OpenID Connect: what the city sets, as Streamlit wants it, and who the provider says somebody is.

Streamlit (its `st.login`, by Authlib) reads the provider from a section `auth` of its secrets. `for_streamlit` makes
that section from our own `[login]`; `web.py` hands it over in memory, so that no secret is written to a disk. What
comes back are the claims of the ID token, kept in a signed cookie for 30 days: `identified` reads them, and lets a
log-in hold for some hours only. Read on in `access.py`: what this person may do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from connector.config import Config, Login, login_of, resolved
from connector.errors import ConfigError, ForbiddenError

CALLBACK = "/oauth2callback"
"""Streamlit's own path; the provider sends people back to it."""
_SHORTEST_SECRET = 32  # characters


def redirect_address(config: Config) -> str:
    """What is to be registered at the provider, for logging in and for coming back from logging out."""
    return config.city.url.rstrip("/") + CALLBACK


def for_streamlit(config: Config) -> dict[str, Any]:
    """The section `auth`; empty without `[login]`, ConfigError when a secret is missing or too short."""
    if config.login is None:
        return {}
    client = resolved(config.login.client_secret.get_secret_value(), "login.client_secret")
    cookie = resolved(config.login.cookie_secret.get_secret_value(), "login.cookie_secret")
    if len(cookie) < _SHORTEST_SECRET:
        raise ConfigError(
            f"`login.cookie_secret` has {len(cookie)} characters; it signs who somebody is, so give it "
            f"{_SHORTEST_SECRET} random ones: openssl rand -hex 32"
        )
    return {
        "redirect_uri": redirect_address(config),
        "cookie_secret": cookie,
        "client_id": config.login.client_id,
        "client_secret": client,
        "server_metadata_url": config.login.metadata_url,
        "client_kwargs": {"scope": config.login.scope, "prompt": config.login.prompt},
    }


@dataclass(frozen=True, slots=True)
class Identity:
    """What the provider vouches for."""

    login: str
    name: str
    role: str
    """What the claim means here; empty without a claim, or without a value that is listed."""
    issued_at: datetime


def identified(login: Login, claims: Mapping[str, Any]) -> Identity:
    """Read the claims of an ID token; ForbiddenError when they name nobody, or were issued too long ago."""
    told = claims.get(login.person_claim)
    if not isinstance(told, str) or not told.strip():
        raise ForbiddenError(f"The login provider sends no claim {login.person_claim}, so nobody knows who you are.")
    if login.person_claim == "email" and claims.get("email_verified") is False:
        raise ForbiddenError("The login provider has not verified your e-mail address.")
    issued = claims.get("iat")  # OpenID Connect Core 1.0, section 2: always there; else it is as old as can be
    issued_at = datetime.fromtimestamp(issued if isinstance(issued, int | float) else 0, UTC)
    if datetime.now(UTC) - issued_at > timedelta(hours=login.hours):
        raise ForbiddenError(f"You logged in more than {login.hours:g} hours ago: log in again.")
    name = claims.get("name")
    return Identity(login_of(told), name if isinstance(name, str) else "", _role(login, claims), issued_at)


def _role(login: Login, claims: Mapping[str, Any]) -> str:
    """The first of the listed values that the claim holds, as one text or as a list."""
    value = claims.get(login.role_claim) if login.role_claim else None
    values = value if isinstance(value, list) else [value]
    return next((role for told, role in login.roles.items() if told in values), "")
