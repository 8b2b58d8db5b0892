"""The simulator of X: what each path answers, held against X's own description where that stands.

The stream and what can go wrong are in `test_x_stream.py`, tweepy's own clients in `test_x_tweepy.py`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema
import pytest
import requests

from connector.sources.x.payload import decode
from tests.peers import x_schema
from tests.peers.x_clients import asked, streaming
from tests.peers.x_clock import first_id, moment_of_id, text_of
from tests.peers.x_faults import ANSWERS, Fault, of_requests
from tests.peers.x_plans import ENTERPRISE
from tests.peers.x_simulator import USER_TOKEN, Simulator, x_simulator

DAY = 86400.0
EVERYTHING = {
    "tweet.fields": "author_id,created_at,lang,entities,geo,attachments,referenced_tweets,conversation_id,"
    "public_metrics,edit_controls,in_reply_to_user_id,reply_settings,source,possibly_sensitive",
    "expansions": "author_id,referenced_tweets.id,referenced_tweets.id.author_id,entities.mentions.username,"
    "attachments.media_keys,geo.place_id,in_reply_to_user_id",
    "user.fields": "created_at,description,location,protected,public_metrics,verified,profile_image_url",
    "media.fields": "url,preview_image_url,width,height,duration_ms",
    "place.fields": "country,country_code,geo,name,place_type",
}
described = pytest.mark.skipif(
    not x_schema.DESCRIPTION.is_file(), reason="no description of X's API: CONNECTOR_SHARED/data/x is absent"
)


@pytest.fixture
def x() -> Iterator[Simulator]:
    """A day lasts a quarter of an hour; search leaves out nothing."""
    with x_simulator(scale=100, newest=0.0, lag=0.0) as running:
        yield running


def texts(answer: requests.Response) -> list[str]:
    return [post["text"] for post in answer.json().get("data", [])]


def search(x: Simulator, query: str = "pothole", **values: Any) -> requests.Response:
    return asked(x, "GET", "/2/tweets/search/recent", params={"query": query, **values})


def rules(x: Simulator, body: Any, **query: str) -> requests.Response:
    return asked(x, "POST", "/2/tweets/search/stream/rules", json=body, params=query)


# Answers as X describes them.


def _a_thread(x: Simulator) -> list[str]:
    """A post of every kind, all with the word pothole."""
    x.add_user("larkmere_city")
    first = x.emit("Pothole on Tannery Row #larkmere https://larkmere.example/map", "finn", place="Larkmere, NY")
    reply = x.emit("@finn @larkmere_city the pothole again", "mara", reply_to=first.id, point=(-72.9, 41.3))
    quote = x.emit("Look at this pothole", "ines", quote=first.id, media=["photo", "video"])
    repost = x.emit("", "otto", repost_of=first.id)
    edited = x.edit(quote.id, "Look at this pothole, people")
    return [first.id, reply.id, repost.id, edited.id]


ASKED: dict[str, Callable[[Simulator], requests.Response]] = {
    "search": lambda x: search(x, **EVERYTHING),
    "search without a hit": lambda x: search(x, "sinkhole"),
    "search beyond the week": lambda x: search(x, start_time=text_of(x.clock.now() - 8 * DAY)),
    "counts": lambda x: asked(x, "GET", "/2/tweets/counts/recent", params={"query": "pothole"}),
    "lookup": lambda x: asked(x, "GET", "/2/tweets", params={"ids": ",".join([*x.world.posts, "17"]), **EVERYTHING}),
    "me": lambda x: asked(x, "GET", "/2/users/me", USER_TOKEN, params={"user.fields": EVERYTHING["user.fields"]}),
    "me with an app's token": lambda x: asked(x, "GET", "/2/users/me"),
    "create": lambda x: asked(x, "POST", "/2/tweets", USER_TOKEN, json={"text": "Thank you"}),
    "rules": lambda x: asked(x, "GET", "/2/tweets/search/stream/rules"),
    "rules page by page": lambda x: asked(x, "GET", "/2/tweets/search/stream/rules", params={"max_results": "1"}),
    "change_rules by adding": lambda x: rules(x, {"add": [{"value": "leak", "tag": "water"}, {"value": "pothole"}]}),
    "change_rules by adding nonsense": lambda x: rules(x, {"add": [{"value": "(leak"}]}),
    "change_rules by deleting": lambda x: rules(x, {"delete": {"values": ["pothole", "unheard of"]}}),
    "rule_counts": lambda x: asked(x, "GET", "/2/tweets/search/stream/rules/counts"),
    "create_job": lambda x: asked(x, "POST", "/2/compliance/jobs", json={"type": "tweets", "name": "daily"}),
    "jobs": lambda x: asked(x, "GET", "/2/compliance/jobs", params={"type": "tweets"}),
    "job": lambda x: asked(x, "GET", "/2/compliance/jobs/17"),
    "stream without rules": lambda x: (x.world.rules.clear(), asked(x, "GET", "/2/tweets/search/stream"))[1],
}


@described
@pytest.mark.parametrize("words", ["tweets", "posts"])
@pytest.mark.parametrize("name", ASKED)
def test_answer_is_one_that_x_describes(x: Simulator, name: str, words: str) -> None:
    x.settings.words = words
    x.add_rule("pothole", "streets")
    x.add_rule('"dead lamp"')
    _a_thread(x)
    answer = ASKED[name](x)
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    x_schema.validate(name.split()[0], answer.status_code, answer.json())


@described
@pytest.mark.parametrize("words", ["tweets", "posts"])
def test_stream_message_is_one_that_x_describes(x: Simulator, words: str) -> None:
    x.settings.words = words
    x.add_rule("pothole", "streets")
    query = "&".join(f"{name}={value}" for name, value in EVERYTHING.items())
    with streaming(x, query) as line:
        _a_thread(x)
        for _ in range(5):
            x_schema.validate("stream", 200, line.message())


REFUSALS = [fault for fault in of_requests() if fault.group == ANSWERS and fault != Fault.page()]


@described
@pytest.mark.parametrize("fault", REFUSALS, ids=lambda fault: f"{fault.name}-{fault.value.get('status', 429)}")
def test_refusal_is_one_that_x_describes(x: Simulator, fault: Fault) -> None:
    x.fail("search", fault)
    answer = search(x)
    assert answer.status_code >= 400
    x_schema.validate("search", answer.status_code, answer.json())


@described
@pytest.mark.parametrize(
    ("body", "what"),
    [
        ({"data": [{"id": 17, "text": "a"}]}, "17 is not of type 'string'"),
        ({"data": [{"id": "17", "txet": "a"}]}, "'txet' was unexpected"),
        ({"meta": {"result_count": 0, "weather": 1}}, "'weather' was unexpected"),
    ],
)
def test_validation_is_strict(body: Any, what: str) -> None:
    with pytest.raises(jsonschema.ValidationError, match=what):
        x_schema.validate("search", 200, body)


def test_answers_say_tweets_as_recorded_ones_do(x: Simulator) -> None:
    _a_thread(x)
    answer = search(x, **EVERYTHING).json()
    assert "edit_history_tweet_ids" in answer["data"][0]
    assert "tweets" in answer["includes"]


# Who may ask.


@pytest.mark.parametrize("token", ["", "another", USER_TOKEN + "x"])
def test_wrong_token_is_refused(x: Simulator, token: str) -> None:
    answer = asked(x, "GET", "/2/tweets/search/stream/rules", token)
    assert (answer.status_code, answer.json()["title"]) == (401, "Unauthorized")


def test_requests_are_counted_and_one_too_many_is_refused_until_the_window_ends() -> None:
    with x_simulator(limits={"rules": 2}) as x:
        answers = [asked(x, "GET", "/2/tweets/search/stream/rules") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert [answer.headers["x-rate-limit-remaining"] for answer in answers] == ["1", "0", "0"]
        reset = int(answers[2].headers["x-rate-limit-reset"])
        assert 0 < reset - x.clock.now() <= 901
        x.clock.skip(reset - x.clock.now())
        assert asked(x, "GET", "/2/tweets/search/stream/rules").status_code == 200


def test_unknown_parameters_and_paths_are_refused(x: Simulator) -> None:
    assert "[colour] is not one of" in search(x, colour="red").json()["errors"][0]["message"]
    assert "[shape] is not one of" in search(x, **{"tweet.fields": "shape"}).json()["errors"][0]["message"]
    assert asked(x, "GET", "/2/tweets/search/all").status_code == 404
    assert "is not defined in the schema" in rules(x, {"ad": []}).json()["errors"][0]["message"]


# Rules.


def test_rule_takes_effect_after_its_delay() -> None:
    with x_simulator() as x:
        rules(x, {"add": [{"value": "pothole", "tag": "streets"}]})
        assert x.emit("pothole, at once").rules == []
        x.clock.skip(21)
        assert [rule.tag for rule in x.emit("pothole, later").rules] == ["streets"]
        rules(x, {"delete": {"ids": [x.rules[0].id]}})
        assert x.rules == []
        assert x.emit("pothole, just after").rules
        x.clock.skip(21)
        assert x.emit("pothole, at last").rules == []


def test_duplicate_rule_is_named_and_the_others_are_added(x: Simulator) -> None:
    old = x.add_rule("pothole")
    answer = rules(x, {"add": [{"value": "pothole", "tag": "again"}, {"value": "leak", "tag": "water"}]})
    body = answer.json()
    assert answer.status_code == 201
    assert body["errors"] == [
        {
            "value": "pothole",
            "id": old.id,
            "title": "DuplicateRule",
            "type": "https://api.twitter.com/2/problems/duplicate-rules",
        }
    ]
    assert body["meta"]["summary"] == {"created": 1, "not_created": 1, "valid": 1, "invalid": 1}
    assert [rule.value for rule in x.rules] == ["pothole", "leak"]


@pytest.mark.parametrize(("spoils", "created"), [(True, []), (False, ["leak"])])
def test_invalid_rule_comes_with_2xx(spoils: bool, created: list[str]) -> None:
    with x_simulator(invalid_spoils_all=spoils) as x:
        answer = rules(x, {"add": [{"value": "leak"}, {"value": "is:reply"}, {"value": "x" * 1025}]})
        assert answer.status_code == 201
        assert [error["title"] for error in answer.json()["errors"]] == ["UnprocessableEntity"] * 2
        assert "no longer than 1024" in answer.json()["errors"][1]["details"][0]
        assert [rule.value for rule in x.rules] == created


def test_enterprise_takes_longer_rules() -> None:
    with x_simulator(plan=ENTERPRISE) as x:
        answer = rules(x, {"add": [{"value": " ".join(["pothole"] * 180)}]})
        assert "errors" not in answer.json()


def test_cap_of_the_plan_holds(x: Simulator) -> None:
    for number in range(999):
        x.add_rule(f"street{number}")
    assert rules(x, {"add": [{"value": "leak"}]}).json()["meta"]["summary"]["created"] == 1
    assert rules(x, {"add": [{"value": "lamp"}]}).json()["title"] == "RulesCapExceeded"
    counts = asked(x, "GET", "/2/tweets/search/stream/rules/counts").json()["data"]
    assert (counts["project_rules_count"], counts["cap_per_project"]) == ("1000", "1000")


def test_dry_run_changes_nothing(x: Simulator) -> None:
    x.add_rule("lamp")
    assert rules(x, {"add": [{"value": "leak"}]}, dry_run="true").json()["meta"]["summary"]["created"] == 1
    assert rules(x, {}, dry_run="true", delete_all="true").json()["meta"]["summary"]["deleted"] == 1
    assert [rule.value for rule in x.rules] == ["lamp"]


def test_rules_are_deleted_by_id_by_value_and_all_at_once(x: Simulator) -> None:
    for value in ("leak", "lamp", "pothole", "graffiti"):
        x.add_rule(value)
    answer = rules(x, {"delete": {"ids": [x.rules[0].id, "17"], "values": ["lamp"]}}).json()
    assert answer["meta"]["summary"] == {"deleted": 2, "not_deleted": 1}
    assert answer["errors"][0]["errors"][0]["message"] == "Rule does not exist"
    assert [rule.value for rule in x.rules] == ["pothole", "graffiti"]
    assert rules(x, {}, delete_all="true").json()["meta"]["summary"]["deleted"] == 2
    assert "data" not in asked(x, "GET", "/2/tweets/search/stream/rules").json()


def test_rules_are_listed_page_by_page(x: Simulator) -> None:
    for number in range(5):
        x.add_rule(f"street{number}", None if number % 2 else f"tag {number}")
    seen, token = [], {}
    for _ in range(3):
        page = asked(x, "GET", "/2/tweets/search/stream/rules", params={"max_results": "2", **token}).json()
        seen += page["data"]
        token = {"pagination_token": page["meta"].get("next_token")}
    assert [rule["value"] for rule in seen] == [f"street{number}" for number in range(5)]
    assert [rule.get("tag") for rule in seen] == ["tag 0", None, "tag 2", None, "tag 4"]
    assert token == {"pagination_token": None}


# Search.


def test_search_pages_through_everything_newest_first(x: Simulator) -> None:
    ids = [x.emit(f"Pothole {number}").id for number in range(25)]
    x.emit("Nothing here")
    x.clock.skip(1)
    seen, token = [], {}
    for _ in range(3):
        page = search(x, max_results="10", **token).json()
        seen += [post["id"] for post in page["data"]]
        assert (page["meta"]["newest_id"], page["meta"]["oldest_id"]) == (page["data"][0]["id"], page["data"][-1]["id"])
        token = {"next_token": page["meta"].get("next_token")}
    assert seen == ids[::-1]
    assert token == {"next_token": None}
    assert "not valid" in search(x, next_token="nonsense").json()["errors"][0]["message"]


def test_search_keeps_to_its_window(x: Simulator) -> None:
    now = x.clock.now()
    ids = [x.emit(f"Pothole {ago}", at=now - ago).id for ago in (400, 300, 200, 100)]
    window = {"start_time": text_of(now - 300), "end_time": text_of(now - 100)}
    assert texts(search(x, **window)) == ["Pothole 200", "Pothole 300"]
    assert texts(search(x, since_id=ids[1], until_id=ids[3])) == ["Pothole 200"]


def test_search_reaches_no_further_than_a_week_and_says_so(x: Simulator) -> None:
    now = x.clock.now()
    x.emit("Old pothole", at=now - 8 * DAY)
    x.emit("New pothole", at=now - 6 * DAY)
    assert texts(search(x)) == ["New pothole"]
    answer = search(x, start_time=text_of(now - 8 * DAY))
    message = answer.json()["errors"][0]["message"]
    assert answer.status_code == 400
    named = message.split("must be on or after ")[1]
    assert abs(now - 7 * DAY - time.mktime(time.strptime(named, "%Y-%m-%dT%H:%MZ")) + time.timezone) < 200
    assert texts(search(x, start_time=named.replace("Z", ":00Z"))) == ["New pothole"]
    old = search(x, since_id=str(first_id(now - 8 * DAY))).json()["errors"][0]["message"]
    assert "must be a tweet id created after" in old


def test_horizon_can_be_drawn_nearer(x: Simulator) -> None:
    x.emit("Pothole", at=x.clock.now() - 100)
    x.forget_before(x.clock.now() - 60)
    assert texts(search(x)) == []
    assert search(x, start_time=text_of(x.clock.now() - 100)).status_code == 400


def test_search_leaves_out_the_last_seconds() -> None:
    with x_simulator() as x:
        x.emit("Pothole")
        assert texts(search(x)) == []
        assert (
            "a minimum of 10 seconds prior" in search(x, end_time=text_of(x.clock.now())).json()["errors"][0]["message"]
        )
        x.clock.skip(31)
        assert texts(search(x)) == ["Pothole"]


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"query": "x" * 513}, "no longer than 512"),
        ({"query": ""}, "can not be empty"),
        ({"query": "is:reply"}, "There were errors processing your request"),
        ({"max_results": "9"}, "is not between 10 and 100"),
        ({"max_results": "101"}, "is not between 10 and 100"),
        ({"start_time": "yesterday"}, "not a valid RFC3339"),
        ({"since_id": "17", "start_time": "2026-01-01T00:00:00Z"}, "in conjunction with"),
    ],
)
def test_search_refuses_what_x_refuses(x: Simulator, values: dict[str, str], what: str) -> None:
    answer = search(x, **values)
    assert answer.status_code == 400
    assert what in answer.json()["errors"][0]["message"]


def test_search_reads_text_as_search_does(x: Simulator) -> None:
    """Accents are folded, and the quoted post's text is not looked at."""
    quoted = x.emit("Lámpara rota")
    x.emit("See this", quote=quoted.id)
    assert texts(search(x, "lampara")) == ["Lámpara rota"]


def test_counts_add_up(x: Simulator) -> None:
    now = x.clock.now()
    for ago in (100, 200, 4000):
        x.emit("Pothole", at=now - ago)
    answer = asked(x, "GET", "/2/tweets/counts/recent", params={"query": "pothole", "granularity": "hour"}).json()
    assert answer["meta"]["total_tweet_count"] == 3 == sum(slot["tweet_count"] for slot in answer["data"])
    assert len(answer["data"]) in (168, 169)


# Posts.


def test_only_requested_fields_and_expansions_are_told(x: Simulator) -> None:
    _a_thread(x)
    bare = search(x).json()
    assert set(bare) == {"data", "meta"}
    assert {frozenset(post) for post in bare["data"]} == {frozenset({"id", "text", "edit_history_tweet_ids"})}
    full = search(x, **EVERYTHING).json()
    assert set(full["includes"]) == {"users", "tweets", "media", "places"}
    assert {user["username"] for user in full["includes"]["users"]} == {"finn", "mara", "ines", "otto", "larkmere_city"}


def test_fields_may_be_asked_for_by_the_names_of_2026(x: Simulator) -> None:
    _a_thread(x)
    (reply,) = search(x, "again", **{"post.fields": "lang", "expansions": "referenced_posts"}).json()["data"]
    assert set(reply) == {"id", "text", "edit_history_tweet_ids", "lang", "referenced_tweets"}


def test_posts_are_as_the_connector_reads_them(x: Simulator) -> None:
    first, reply, repost, edited = _a_thread(x)
    posts = {post.source_id: post for post in decode(search(x, **EVERYTHING).content)}
    assert posts[first].detail.hashtags == ("larkmere",)
    assert posts[first].detail.place_name == "Larkmere, NY"
    assert [reference.source_id for reference in posts[reply].detail.references] == [first]
    assert posts[reply].detail.lat == 41.3
    assert posts[repost].text == "RT @finn: Pothole on Tannery Row #larkmere https://larkmere.example/map"
    assert len(posts[edited].detail.edits) == 2
    assert [media.kind for media in posts[edited].detail.media] == ["photo", "video"]


def test_search_finds_the_newest_version_of_an_edited_post(x: Simulator) -> None:
    old = x.emit("Pothole on Tanery Row")
    new = x.edit(old.id, "Pothole on Tannery Row")
    (found,) = search(x).json()["data"]
    assert found == {"id": new.id, "text": "Pothole on Tannery Row", "edit_history_tweet_ids": [old.id, new.id]}
    (version,) = asked(x, "GET", "/2/tweets", params={"ids": old.id}).json()["data"]
    assert version["text"] == "Pothole on Tanery Row"


def test_ids_tell_their_time(x: Simulator) -> None:
    emitted = x.emit("Pothole")
    assert abs(moment_of_id(int(emitted.id)) - emitted.at) < 0.01


def test_gone_posts_are_named_in_errors(x: Simulator) -> None:
    kept, gone, hidden = x.emit("Pothole", "finn"), x.emit("Leak", "finn"), x.emit("Lamp", "mara")
    x.delete(gone.id)
    x.world.hide_user("mara", "protected")
    answer = asked(x, "GET", "/2/tweets", params={"ids": f"{kept.id},{gone.id},{hidden.id},17"}).json()
    assert [post["id"] for post in answer["data"]] == [kept.id]
    titles = {error["resource_id"]: error["title"] for error in answer["errors"]}
    assert titles == {gone.id: "Not Found Error", hidden.id: "Authorization Error", "17": "Not Found Error"}
    assert texts(search(x, "leak OR lamp")) == []


def test_lookup_takes_a_hundred_ids(x: Simulator) -> None:
    ids = ",".join(str(number) for number in range(1, 102))
    assert (
        "is not between 1 and 100" in asked(x, "GET", "/2/tweets", params={"ids": ids}).json()["errors"][0]["message"]
    )


# Our own posts.


def _reply(x: Simulator, to: str, text: str = "Thank you, it is logged") -> requests.Response:
    body = {"text": text, "reply": {"in_reply_to_tweet_id": to}}
    return asked(x, "POST", "/2/tweets", USER_TOKEN, json=body)


def test_reply_to_who_mentioned_us_is_posted(x: Simulator) -> None:
    post = x.emit("@larkmere_city pothole on Tannery Row")
    answer = _reply(x, post.id)
    assert answer.status_code == 201
    made = x.world.posts[answer.json()["data"]["id"]]
    assert made.refers_to("replied_to") == post.id
    assert made.author.username == "larkmere_city"


def test_reply_to_who_quoted_us_is_posted(x: Simulator) -> None:
    ours = x.emit("Tannery Row is closed today", "larkmere_city")
    assert _reply(x, x.emit("Why?", quote=ours.id).id).status_code == 201


def test_reply_that_nobody_asked_for_is_refused_for_good(x: Simulator) -> None:
    answer = _reply(x, x.emit("Pothole on Tannery Row").id)
    assert answer.status_code == 403
    assert answer.json()["detail"] == ("You can only reply to or quote posts where you are mentioned or are the author")


def test_enterprise_may_reply_to_anyone() -> None:
    with x_simulator(plan=ENTERPRISE) as x:
        assert _reply(x, x.emit("Pothole").id).status_code == 201


def test_same_text_and_a_vanished_post_are_refused(x: Simulator) -> None:
    post = x.emit("@larkmere_city pothole")
    assert _reply(x, post.id).status_code == 201
    assert "duplicate content" in _reply(x, post.id).json()["detail"]
    x.delete(post.id)
    assert "deleted or not visible" in _reply(x, post.id, "Thanks").json()["detail"]


# Compliance.


def _job(x: Simulator, kind: str = "tweets") -> dict[str, Any]:
    return asked(x, "POST", "/2/compliance/jobs", json={"type": kind}).json()["data"]


def _status(x: Simulator, job: dict[str, Any]) -> str:
    return str(asked(x, "GET", f"/2/compliance/jobs/{job['id']}").json()["data"]["status"])


@pytest.mark.parametrize("old", [False, True])
def test_compliance_names_what_must_go(old: bool) -> None:
    with x_simulator(old_job_lines=old) as x:
        kept, gone, hidden, scrubbed = (x.emit("Pothole", name, place="Larkmere") for name in ("a", "b", "c", "d"))
        x.delete(gone.id)
        x.world.hide_user("c", "suspended")
        x.world.scrub_geo(scrubbed.id)
        job = _job(x)
        assert _status(x, job) == "created"
        ids = "\n".join(one.id for one in (kept, gone, hidden, scrubbed))
        assert requests.put(job["upload_url"], data=ids, headers={"Content-Type": "text/plain"}, timeout=5).ok
        assert _status(x, job) == "in_progress"
        assert requests.get(job["download_url"], timeout=5).status_code == 404
        x.clock.skip(31)
        assert _status(x, job) == "complete"
        lines = [json.loads(line) for line in requests.get(job["download_url"], timeout=5).text.splitlines()]
        assert {line["id"]: (line["action"], line["reason"]) for line in lines} == {
            gone.id: ("delete", "deleted"),
            hidden.id: ("delete", "suspended"),
            scrubbed.id: ("redact_geo", "scrub_geo"),
        }
        assert {line["created_at"][-6:] == "+00:00" for line in lines} == {old}
        assert {"redacted_at" in line for line in lines} == {not old}


def test_compliance_of_users(x: Simulator) -> None:
    x.settings.job_takes = 0.0
    kept, gone = x.add_user("finn"), x.add_user("mara")
    x.world.hide_user("mara", "deactivated")
    job = _job(x, "users")
    requests.put(job["upload_url"], data=f"{kept.id}\n{gone.id}", timeout=5)
    (line,) = requests.get(job["download_url"], timeout=5).text.splitlines()
    assert json.loads(line)["reason"] == "deactivated"


def test_addresses_of_a_job_expire() -> None:
    with x_simulator(job_takes=0.0) as x:
        late, job = _job(x), _job(x)
        requests.put(job["upload_url"], data="17", timeout=5)
        x.clock.skip(15 * 60 + 1)
        assert requests.put(late["upload_url"], data="17", timeout=5).status_code == 400
        assert _status(x, late) == "expired"
        assert requests.get(job["download_url"], timeout=5).ok
        x.clock.skip(7 * DAY)
        assert "ExpiredToken" in requests.get(job["download_url"], timeout=5).text
        listed = asked(x, "GET", "/2/compliance/jobs", params={"type": "tweets", "status": "expired"}).json()
        assert [one["id"] for one in listed["data"]] == [late["id"]]
