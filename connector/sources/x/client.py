"""Calls to X's API v2: JSON there and back, and every failure as the error that says what to do next (`problems.py`).

Rules, search and compliance ask through one `Client`; the stream (`stream.py`) has a connection of its own. How a call
is made stands in `sources/_http.py`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec
from pydantic import SecretStr

from connector.errors import AdapterError, TemporaryError
from connector.models import GapCause
from connector.sources import Stopping
from connector.sources._http import Answer, Http
from connector.sources.x.problems import refusal

API = "https://api.x.com"
TIMEOUT = 20.0
"""Seconds for one whole answer."""
POLL = 0.1
"""Seconds between two looks whether to stop, while an answer is awaited."""
FIELDS: Mapping[str, str] = {
    "tweet.fields": "attachments,author_id,context_annotations,conversation_id,created_at,edit_history_tweet_ids,"
    "entities,geo,in_reply_to_user_id,lang,note_tweet,public_metrics,referenced_tweets,reply_settings,source,withheld",
    "expansions": "attachments.media_keys,author_id,geo.place_id,in_reply_to_user_id,referenced_tweets.id,"
    "referenced_tweets.id.author_id",
    "user.fields": "description,location,name,public_metrics,username,verified,verified_type",
    "media.fields": "alt_text,media_key,preview_image_url,type,url",
    "place.fields": "country,country_code,full_name,geo,name,place_type",
}
"""What is asked of every post, on the stream and in search: that which `detail.py` and `more.py` read."""

Params = Mapping[str, str | int]
Found = TypeVar("Found")


class StoppedError(TemporaryError):
    """The worker stops while an answer is awaited: nothing is the matter."""


class Client:
    """Calls for one source; `name` is put into the errors. Threads may share it.

    Each call raises AdapterError. With `stopping` it returns within a moment of being told to stop, by StoppedError.
    """

    def __init__(self, name: str, token: SecretStr, endpoint: str = API, timeout: float = TIMEOUT) -> None:
        self.name = name
        self._x = Http(name, f"{endpoint}/2/", token, timeout)
        self._elsewhere = Http(name, "", None, timeout)

    def get(self, path: str, params: Params | None = None, stopping: Stopping | None = None) -> dict[str, Any]:
        """The answer's JSON; `path` is what follows `/2/`."""
        return self._json(self.ask(path, params, stopping))

    def ask(self, path: str, params: Params | None = None, stopping: Stopping | None = None) -> Answer:
        """The answer as it came, if it is a success: for pages whose posts are read by `payload.py`."""
        asked = [(name, str(value)) for name, value in (params or {}).items()]
        return self._sound(lambda: self._x.get(path, asked), stopping)

    def post(
        self, path: str, body: Any, params: Params | None = None, stopping: Stopping | None = None
    ) -> dict[str, Any]:
        """The answer's JSON; read its `errors`: X puts refusals into answers of success."""
        whole = f"{path}?{urlencode(params)}" if params else path
        return self._json(self._sound(lambda: self._x.post_json(whole, body), stopping))

    def upload(self, url: str, content: bytes, stopping: Stopping | None = None) -> None:
        """Put a file where X said; without our token, for it is not X's own host."""
        self._sound(lambda: self._elsewhere.put(url, content), stopping)

    def download(self, url: str, stopping: Stopping | None = None) -> bytes:
        """A file from where X said; without our token."""
        return self._sound(lambda: self._elsewhere.get(url), stopping).body

    def _sound(self, call: Callable[[], Answer], stopping: Stopping | None) -> Answer:
        answer = call() if stopping is None else within(call, stopping, self.name)
        if not 200 <= answer.status < 300:
            raise refusal(answer, self.name)
        return answer

    def _json(self, answer: Answer) -> dict[str, Any]:
        if not answer.body.strip():
            return {}
        try:
            value = msgspec.json.decode(answer.body)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise unreadable(self.name)
        return value


def unreadable(name: str) -> AdapterError:
    return TemporaryError("X gave an answer that cannot be read.", name, cause=GapCause.DISCONNECT)


def within(call: Callable[[], Found], stopping: Stopping, name: str) -> Found:
    """What the call gives; StoppedError as soon as it is told to stop, the call is left to its end then."""
    future = aside(call)
    while not wait([future], POLL).done:
        if stopping(0):
            raise StoppedError("Stopped while an answer of X was awaited.", name, 0.0)
    return future.result()


def aside(call: Callable[[], Found]) -> Future[Found]:
    """The call in a thread of its own, which does not keep the process alive."""
    future: Future[Found] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001 - raised again where the result is asked for
            future.set_exception(error)

    threading.Thread(target=run, name="a call to X", daemon=True).start()
    return future
