"""Whom we talk to: the login's provider, the sources, the channels, and those who are mailed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import requests

from connector import adapters, dispatch, login, sources
from connector.collect.alerts import mailer, notifier
from connector.config import Adapter, Config
from connector.dispatch import Channel
from connector.doctor._finding import Finding, guarded
from connector.errors import AdapterError, ConfigError

_PATIENCE = 30.0  # seconds for all sources together


def _login(config: Config) -> Iterator[Finding]:
    """Whether the provider can be reached and is one, and what is to be registered with it."""
    if config.login is None and config.is_demo:
        return
    if config.login is None:
        says = "No [login]: the pages answer this computer alone, and whoever sits at it is an administrator"
        yield Finding("login", True, says)
        return
    login.for_streamlit(config)
    yield Finding("login", *_provider(config.login.metadata_url, config.login.prompt))
    yield _redirect(config)


def _provider(address: str, prompt: str) -> tuple[bool, str]:
    try:
        answer = requests.get(address, timeout=10)
        told = answer.json() if answer.ok else {}
    except requests.JSONDecodeError:
        told = {}
    except requests.RequestException as error:
        return False, f"{address} does not answer ({type(error).__name__}); is `login.metadata_url` right?"
    if not (isinstance(told, dict) and {"issuer", "authorization_endpoint", "token_endpoint"} <= told.keys()):
        return False, f"{address} ({answer.status_code}) is no provider's metadata; mend `login.metadata_url`"
    if prompt not in (knows := told.get("prompt_values_supported", [prompt])):
        return False, f"{told['issuer']} knows no prompt {prompt}; set `login.prompt` to one of {', '.join(knows)}"
    return True, f"People log in at {told['issuer']}"


def _redirect(config: Config) -> Finding:
    address = login.redirect_address(config)
    url = urlsplit(address)
    if url.scheme == "https" or url.hostname in ("127.0.0.1", "localhost"):
        says = f"Register {address} at the provider, for logging in and out; people open the pages at {config.city.url}"
        return Finding("login address", True, says)
    return Finding("login address", False, f"{address} is not https: a login could be read on its way; set `city.url`")


# -- sources and channels ------------------------------------------------------------------------------------------


def _sources(config: Config) -> Iterator[Finding]:
    """All are asked at the same time: each may let us wait."""
    if not config.sources:
        yield Finding("sources", True, "None is configured; posts come in by the command `ingest` alone")
    asked = {name: _Asked(name, adapter, config) for name, adapter in config.sources.items()}
    until = time.monotonic() + _PATIENCE
    for name, adapter in config.sources.items():
        yield asked[name].finding(max(0.0, until - time.monotonic()))
        if terms := _terms(adapter.kind):
            yield Finding(f"terms of {name}", True, terms)


class _Asked:
    """A source that is being tested, in a thread that keeps nobody from leaving."""

    def __init__(self, name: str, adapter: Adapter, config: Config) -> None:
        self._what, self._of = f"source {name}", (name, adapter, config)
        self._found: list[Finding] = []
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def finding(self, seconds: float) -> Finding:
        self._thread.join(seconds)
        late = Finding(self._what, False, f"It did not answer within {_PATIENCE:.0f} s; is the network reachable?")
        return self._found[0] if self._found else late

    def _ask(self) -> None:
        self._found += guarded(self._what, self._test)

    def _test(self) -> Iterator[Finding]:
        source = sources.load(*self._of)
        yield Finding(self._what, True, f"{source.title}: {source.test()}")


def _terms(kind: str) -> str:
    """What the platform asks of us, for those who answer for it; the demo's own posts ask nothing."""
    if kind not in adapters.kinds(sources.__name__) or kind == "sample":
        return ""
    try:
        return sources.capabilities(kind).terms
    except ImportError:
        return ""  # the source's own finding names the library that is missing


def _notify(config: Config) -> Iterator[Finding]:
    """Who hears of a source that falls silent."""
    if config.notify is None and config.is_demo:
        return
    if config.notify is None:
        says = "Nobody is mailed when a source falls silent or is refused; the pages alone say so. Set [notify]"
        yield Finding("notify", True, says)
        return
    notifier(config)
    yield Finding("notify", True, f"Alerts of sources are mailed by channel {config.notify.channel}")


def _oncall(config: Config) -> Iterator[Finding]:
    """Who hears of an urgent post that nobody opens."""
    if not config.oncall.channel:
        says = "Nobody is mailed of an urgent post that nobody opens; the pages alone say so. Set [oncall]"
        yield Finding("oncall", True, says)
        return
    mailer(config, config.oncall.channel, "oncall")
    told = f"Of urgent posts that nobody opens {config.oncall.to} is mailed by channel {config.oncall.channel}"
    yield Finding("oncall", True, told)


def channels(config: Config, ways: dict[str, Channel]) -> Iterator[Finding]:
    """Fills `ways` with those whose settings are sound."""
    if not config.channels:
        yield Finding("channels", False, "None is configured, so nothing can leave; add a [channels.NAME]")
    for name, adapter in config.channels.items():
        try:
            ways[name] = dispatch.load(name, adapter, config.delivery.timeout, config.home)
            yield Finding(f"channel {name}", True, ways[name].test())
        except (ConfigError, AdapterError) as error:
            yield Finding(f"channel {name}", False, str(error))


CHECKS = {"login": _login, "sources": _sources, "notify": _notify, "oncall": _oncall}
"""What is looked at, in this order; then the `channels`, which the database's checks go on with."""
