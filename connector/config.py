"""Settings from one TOML file and the environment; without a file it is the demo city.

`load()` reads them once per process; every command and page passes the result on. Secrets are written `"env:NAME"`
in the file and stand in the environment. The schema of a source's or channel's own settings is declared by its adapter
and checked when the adapter is loaded (`sources/__init__.py`, `dispatch/__init__.py`).
"""

from __future__ import annotations

import contextlib
import os
import tomllib
from pathlib import Path
from typing import Any, Literal, Self, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from connector.errors import ConfigError

DATA = Path(__file__).resolve().parent.parent / "data"
DEMO = DATA / "demo"
RoleName = Literal["reviewer", "rule_editor", "analyst", "administrator"]
"""What `access.py` calls the roles."""


class Section(BaseModel):
    """A table of the file; a name that it does not know is an error, because it is a typo."""

    model_config = ConfigDict(extra="forbid", frozen=True)


_HALF_ROUND = 250
"""Posts of the demo city that come between two tellings of the same one, at least."""


class City(Section):
    """Who we are and where."""

    name: str = Field(description="The city's name, as residents read it")
    timezone: str = Field("UTC", description="IANA name; pages, mails and daily counts speak it")
    country: str = Field("US", pattern="^[A-Z]{2}$", description="ISO 3166 code: how telephone numbers are meant")
    accounts: list[str] = Field([], description="The city's own handles, without @; they are never masked nor suspects")
    url: str = Field("http://127.0.0.1:8501", description="Address of this app, for links in mails")
    streets: Path | None = Field(None, description="GeoJSON or CSV file of street lines with a `name`")
    landmarks: Path | None = Field(None, description="GeoJSON or CSV file of named points")
    districts: Path | None = Field(None, description="GeoJSON or CSV of named polygons, together the boundary")

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{name!r} is no IANA time zone; write for example America/Chicago") from error
        return name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


class Adapter(BaseModel):
    """A configured source or channel: its kind, and settings that the adapter of this kind declares."""

    model_config = ConfigDict(extra="allow", frozen=True)
    kind: str

    @property
    def settings(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class Delivery(Section):
    """When accepted suspects leave, and how a failed delivery goes on; all in seconds."""

    hold: float = Field(30, ge=0, description="Between accepting and sending; until then Undo leaves no trace")
    timeout: float = Field(20, gt=0, description="For one answer of a channel")
    claim: float = Field(120, gt=0, description="How long a worker may hold a delivery before it counts as lost")
    settle: float = Field(60, ge=0, description="After a lost answer, before 'not found' is believed")
    retry_first: float = Field(30, gt=0, description="Before the second try; doubles with each further one")
    retry_longest: float = Field(3600, gt=0, description="The longest wait between two tries")
    tries: int = Field(8, ge=1, description="Tries before a person is asked")
    follow_up: float = Field(300, gt=0, description="Between two looks at an open ticket")

    @field_validator("claim")
    @classmethod
    def _longer_than_an_answer(cls, claim: float, info: Any) -> float:
        if claim <= info.data.get("timeout", 0):
            raise ValueError("must be longer than `timeout`, else a slow answer is taken for a dead worker")
        return claim


class Queue(Section):
    """How people work on what waits."""

    same_days: float = Field(14, gt=0, description="Days after a suspect's first post in which others join it")
    claim_minutes: float = Field(5, gt=0, description="How long an open suspect is shown to others as somebody's")
    # By default a month: who has not been read in all that time told of something that is over by now, and would lead
    # the queue's figures for ever. It stays findable, is counted, and Undo brings it back.
    expire_days: int = Field(30, ge=0, description="Days after which what nobody opened leaves the queue; 0: never")


class Notify(Section):
    """Who is mailed when a source falls silent, is refused, has used up its limit, or lost posts."""

    channel: str = Field(description="Name of the channel that mails it, of kind email", examples=["email"])
    to: str = Field(description="Address of whoever runs the connector", examples=["connector-operator@example.gov"])
    an_hour: int = Field(6, ge=1, description="Mails in an hour at most; the last one tells of all that is left")


def login_of(told: str) -> str:
    """The name a person logs in by, as it is kept: an address means the same in any capitals, other names do not."""
    told = told.strip()
    return told.lower() if "@" in told else told


class OnCall(Section):
    """Who is mailed when nobody opens an urgent post, and whom the pages say to call."""

    channel: str = Field("", description="Name of the channel that mails it, of kind email; empty: nobody is mailed")
    to: str = Field("", description="Address of whoever is on call")
    after: float = Field(300, ge=0, description="Seconds that an urgent post may wait unopened")
    again: float = Field(600, ge=60, description="Seconds between two mails, until somebody acknowledges")
    gas: str = Field("Call 911, then the gas company's emergency number.", description="Where gas is smelled")
    wire: str = Field("Call 911, then the power company. Nobody goes near it.", description="Where a wire is down")
    fire: str = Field("Call 911.", description="Where it burns")
    hurt: str = Field("Call 911.", description="Where somebody is hurt or trapped")
    water: str = Field("Call 911.", description="Where water takes people")
    hole: str = Field("Call public works' emergency number: bar it now.", description="Where one may fall in")
    other: str = Field("If anyone is in danger, call 911.", description="Where only the type is urgent")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if bool(self.channel) != bool(self.to):
            raise ValueError("`channel` and `to` go together: set both, or neither")
        return self

    def whom(self, kind: str) -> str:
        """Whom to call in a danger of this kind (`triage/urgency.py`); any other kind: what goes for urgent types."""
        return str(getattr(self, kind if kind in _DANGERS else "other"))


_DANGERS = ("gas", "wire", "fire", "hurt", "water", "hole")


class Login(Section):
    """Log-in with the city's OpenID Connect provider; without it the pages are bound to this computer alone.

    The address to register at the provider is `[city] url` with `/oauth2callback` behind it. Claims are read from the
    ID token.
    """

    metadata_url: str = Field(
        description="Address of the provider's metadata",
        examples=["https://login.example.gov/.well-known/openid-configuration"],
    )
    client_id: str = Field(
        description="Who we are to the provider; there [city] url + /oauth2callback is registered",
        examples=["connector"],
    )
    client_secret: SecretStr = Field(description="Our secret with the provider")
    cookie_secret: SecretStr = Field(description="Signs the login cookies: 32 random characters or more")
    person_claim: str = Field("email", min_length=1, description="Claim that names a person")
    role_claim: str = Field(
        "", description="Claim that tells the role; empty: Settings, People tells it", examples=["groups"]
    )
    roles: dict[str, RoleName] = Field(
        {},
        validate_default=True,
        description=f"Value of that claim = role; the first that fits counts. Roles: {', '.join(get_args(RoleName))}",
        examples=[{"311-admins": "administrator", "311-staff": "reviewer"}],
    )
    administrators: list[str] = Field(
        [], description="Who is an administrator whatever else is said: the first ones", examples=[["ada@example.gov"]]
    )
    hours: float = Field(12, gt=0, description="Hours that one log-in holds")
    scope: str = Field("openid email profile", description="What we ask to be told; some send groups for one more")
    prompt: Literal["login", "select_account", "consent"] = Field(
        "login", description="login: the password each time, as is right where computers are shared"
    )

    @field_validator("roles")
    @classmethod
    def _told_by_a_claim(cls, roles: dict[str, RoleName], info: Any) -> dict[str, RoleName]:
        if bool(roles) != bool(info.data.get("role_claim")):
            raise ValueError("`role_claim` and `roles` belong together: set both or neither")
        return roles

    @field_validator("administrators")
    @classmethod
    def _as_read(cls, logins: list[str]) -> list[str]:
        return [login_of(login) for login in logins]


class Privacy(Section):
    """What is kept, and for how long."""

    sample_days: int = Field(7, ge=0, description="Authorless sample of unmatched posts; 0: none")
    keep_days: int = Field(730, ge=1, description="Closed requests")


class Demo(Section):
    """The demo city's clock."""

    every: float = Field(6, gt=0, description="Seconds between two posts of the sample source")
    keep: int = Field(5000, ge=100, description="Posts of the sample source that are kept")
    desk_port: int = Field(8311, ge=0, description="Port of the demo's 311 desk on loopback")


class Config(Section):
    """All settings of this process."""

    city: City
    sources: dict[str, Adapter] = {}
    channels: dict[str, Adapter] = {}
    delivery: Delivery = Delivery()
    queue: Queue = Queue()
    privacy: Privacy = Privacy()
    login: Login | None = None
    notify: Notify | None = None
    oncall: OnCall = OnCall()
    demo: Demo = Demo()
    mode: Literal["demo", "city"] = "city"
    home: Path = Path()
    database_url: str = ""
    file: Path | None = None

    @field_validator("notify")
    @classmethod
    def _by_a_channel(cls, notify: Notify | None, info: Any) -> Notify | None:
        there = info.data.get("channels", {})
        if notify and notify.channel not in there:
            raise ValueError(f"`channel` names none of the channels; there is: {', '.join(there) or 'none'}")
        return notify

    @field_validator("oncall")
    @classmethod
    def _called_by_a_channel(cls, oncall: OnCall, info: Any) -> OnCall:
        there = info.data.get("channels", {})
        if oncall.channel and oncall.channel not in there:
            raise ValueError(f"`channel` names none of the channels; there is: {', '.join(there) or 'none'}")
        return oncall

    @property
    def is_demo(self) -> bool:
        return self.mode == "demo"


def load(file: Path | None = None) -> Config:
    """The settings in force: `file`, else `$CONNECTOR_CONFIG`, else `connector.toml` here, else the demo city."""
    named = file or (Path(env) if (env := os.environ.get("CONNECTOR_CONFIG")) else None)
    path = named or Path("connector.toml")
    if not path.exists():
        if named:
            raise ConfigError(f"{named} does not exist; CONNECTOR_CONFIG names it. `doctor --example` prints one.")
        return demo_city()
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    for reserved in ("mode", "home", "database_url", "file", "demo"):
        if reserved in table:
            raise ConfigError(f"`{reserved}` in {path} is not a setting of this file; remove it.")
    return _checked(table | _places("city") | {"file": path}, path)


def demo_city() -> Config:
    """Port Alder: no account, nothing leaves this computer.

    `CONNECTOR_DEMO_HOLD`, `…_EVERY`, `…_DESK_PORT` and so on override a number of `[delivery]` and the demo's clock.
    """
    table = tomllib.loads((DEMO / "demo.toml").read_text("utf-8"))
    for name in ("streets", "landmarks", "districts"):
        table["city"][name] = DEMO / f"{name}.geojson"
    for section, model in (("delivery", Delivery), ("demo", Demo)):
        told = {key: value for key in model.model_fields if (value := os.environ.get(f"CONNECTOR_DEMO_{key.upper()}"))}
        table[section] = table.get(section, {}) | told
    every = float(table["demo"].get("every", Demo().every))
    # Shorter than a round of the replay, so that a post does not join itself: half of one, as `sample.py` shuffles.
    table["queue"] = {"same_days": every * _HALF_ROUND / 86_400} | table.get("queue", {})
    places = _places("demo")
    with contextlib.suppress(OSError):  # nothing was started here yet
        table["city"]["url"] = demo_address(places["home"]).read_text("utf-8")
    port = table["demo"].get("desk_port", Demo().desk_port)
    table["channels"]["desk"] |= {
        "endpoint": f"http://127.0.0.1:{port}/open311/v2",
        "ticket_url": f"http://127.0.0.1:{port}/tickets/{{number}}",
    }
    return _checked(table | places, DEMO / "demo.toml")


def demo_address(home: Path) -> Path:
    """The file that says where the demo's pages were opened last: 8501 may have been taken."""
    return home / "demo.url"


def _places(mode: str) -> dict[str, Any]:
    share = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    home = Path(os.environ.get("CONNECTOR_HOME") or Path(share) / "connector").expanduser()
    url = os.environ.get("DATABASE_URL") or f"sqlite:///{home / f'{mode}.db'}"
    return {"home": home, "database_url": url, "mode": mode}


def _checked(table: dict[str, Any], path: Path) -> Config:
    try:
        config = Config.model_validate(table)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"`{where}` in {path}: {first['msg']}") from None
    base = path.parent
    places = {
        name: base / value
        for name in ("streets", "landmarks", "districts")
        if (value := getattr(config.city, name)) and not value.is_absolute()
    }
    return config.model_copy(update={"city": config.city.model_copy(update=places)}) if places else config


def resolved(value: Any, setting: str, environ: dict[str, str] | os._Environ[str] = os.environ) -> Any:
    """`"env:NAME"` → the variable's value, in nested tables too; a ConfigError names a variable that is not set."""
    if isinstance(value, dict):
        return {key: resolved(inner, f"{setting}.{key}", environ) for key, inner in value.items()}
    if isinstance(value, str) and value.startswith("env:"):
        name = value.removeprefix("env:")
        if not environ.get(name):
            raise ConfigError(f"`{setting}` is to come from the environment variable {name}, which is not set.")
        return environ[name]
    return value
