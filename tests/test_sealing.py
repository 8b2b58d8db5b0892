"""Names at rest: sealed to their row, pseudonymous, hidden in texts and links, and masked for everybody else."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector import sealing
from connector.config import City, Config
from connector.errors import ConfigError
from connector.sealing import CLOSE, OPEN, Hiding, Sealer, mask, reveal

OLD, NEW = b"o" * 32, b"n" * 32
OWN = frozenset({"testville"})

# What X, Bluesky and Mastodon allow, from four letters on: shorter ones are hidden only where an @ says what they are.
handles = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{3,14}", fullmatch=True).filter(lambda h: h.lower() not in OWN)
texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=120)
sentences = st.lists(st.one_of(texts, handles, handles.map("@{}".format), handles.map("https://x.com/{}".format)))


def a_city(home: Path, mode: str = "city") -> Config:
    return Config.model_validate({"city": City(name="Testville"), "mode": mode, "home": home})


def written(*keys: bytes) -> str:
    return ",".join(base64.b64encode(key).decode() for key in keys)


# -- seal and unseal -----------------------------------------------------------------------------------------------


def test_what_was_sealed_opens_for_its_row() -> None:
    sealer = Sealer([NEW])
    assert sealer.unseal(sealer.seal("Ann Żółw", "x", "1"), "x", "1") == "Ann Żółw"


def test_sealed_value_does_not_show_its_content_and_is_never_the_same_twice() -> None:
    sealer = Sealer([NEW])
    first, second = sealer.seal("somebody", "x", "1"), sealer.seal("somebody", "x", "1")
    assert b"somebody" not in first
    assert first != second


@pytest.mark.parametrize(
    ("source", "source_id", "column"),
    [("x", "2", "post.author_sealed"), ("bluesky", "1", "post.author_sealed"), ("x", "1", "reply.author_sealed")],
)
def test_sealed_value_opens_for_no_other_row_source_or_column(source: str, source_id: str, column: str) -> None:
    sealer = Sealer([NEW])
    with pytest.raises(ConfigError, match="moved from another row"):
        sealer.unseal(sealer.seal("somebody", "x", "1"), source, source_id, column)


def test_source_and_id_are_not_only_joined() -> None:
    sealer = Sealer([NEW])
    with pytest.raises(ConfigError):
        sealer.unseal(sealer.seal("somebody", "x1", "2"), "x", "12")


def test_changed_value_does_not_open() -> None:
    sealer = Sealer([NEW])
    sealed = sealer.seal("somebody", "x", "1")
    with pytest.raises(ConfigError, match="was changed"):
        sealer.unseal(sealed[:-1] + bytes([sealed[-1] ^ 1]), "x", "1")


# -- keys ----------------------------------------------------------------------------------------------------------


def test_newest_key_seals_and_every_key_opens() -> None:
    before, both, after = Sealer([OLD]), Sealer([NEW, OLD]), Sealer([NEW])
    assert both.unseal(before.seal("somebody", "x", "1"), "x", "1") == "somebody"
    assert after.unseal(both.seal("somebody", "x", "1"), "x", "1") == "somebody"


def test_value_of_a_key_that_is_gone_says_what_to_do() -> None:
    with pytest.raises(ConfigError, match="CONNECTOR_KEY no longer holds; add it at the end"):
        Sealer([NEW]).unseal(Sealer([OLD]).seal("somebody", "x", "1"), "x", "1")


def test_pseudonyms_stay_when_a_key_is_put_in_front() -> None:
    assert Sealer([NEW, OLD]).pseudonym("Ann_B") == Sealer([OLD]).pseudonym("Ann_B")
    assert Sealer([NEW, OLD]).pseudonym("Ann_B") != Sealer([NEW]).pseudonym("Ann_B")


def test_pseudonym_knows_no_case_and_hides_the_handle() -> None:
    sealer = Sealer([NEW])
    assert sealer.pseudonym("Ann_B") == sealer.pseudonym("ann_b") != sealer.pseudonym("ann_c")
    assert len(sealer.pseudonym("Ann_B")) == 32


def test_keys_come_from_the_environment_newest_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNECTOR_KEY", written(NEW, OLD))
    sealer = sealing.load(a_city(tmp_path))
    assert Sealer([NEW]).unseal(sealer.seal("somebody", "x", "1"), "x", "1") == "somebody"
    assert sealer.pseudonym("a") == Sealer([OLD]).pseudonym("a")


def test_city_without_a_key_is_told_how_to_make_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CONNECTOR_KEY")
    with pytest.raises(ConfigError, match="CONNECTOR_KEY is not set"):
        sealing.load(a_city(tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", ["short", "not base64!", written(NEW) + ",", written(NEW[:31])])
def test_bad_key_is_a_config_error_that_does_not_quote_it(
    value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONNECTOR_KEY", value)
    with pytest.raises(ConfigError, match="base64 of 32 bytes") as caught:
        sealing.load(a_city(tmp_path))
    assert value not in str(caught.value)


def test_demo_makes_itself_a_key_that_stays_and_is_its_owners_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CONNECTOR_KEY")
    demo = a_city(tmp_path / "home", "demo")
    sealed = sealing.load(demo).seal("somebody", "x", "1")
    assert stat.S_IMODE((tmp_path / "home" / "demo.key").stat().st_mode) == 0o600
    assert sealing.load(demo).unseal(sealed, "x", "1") == "somebody"


# -- hide, reveal, mask --------------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(sentences, st.lists(handles, max_size=3))
def test_revealing_gives_the_text_as_it_was_written(parts: list[str], known: list[str]) -> None:
    text = " ".join(parts)
    hiding = Hiding(known, OWN)
    assert reveal(hiding.hide(text), hiding.handles) == text.replace(OPEN, "\ufffd").replace(CLOSE, "\ufffd")


@settings(max_examples=150, deadline=None)
@given(
    handles,
    st.lists(
        st.tuples(st.sampled_from(["{}", "@{}", "#{}", "({})", "{}:", ".@{}", "https://x.com/{}/status/1"]), texts)
    ),
    st.sampled_from([str.lower, str.upper, str]),
)
def test_known_handle_survives_nowhere(handle: str, parts: list[tuple[str, str]], spelt: type[str]) -> None:
    """In whichever case and company: only inside a longer word it is another word."""
    text = " ".join(f"{pattern.format(spelt(handle))} {other}" for pattern, other in parts)
    hidden = mask(Hiding([handle], OWN).hide(text)).lower()
    words = "".join(c if c.isalnum() or c == "_" else " " for c in hidden).split()
    assert handle.lower() not in words


@settings(max_examples=100, deadline=None)
@given(handles, texts)
def test_mention_is_hidden_though_nobody_named_it(handle: str, before: str) -> None:
    hiding = Hiding([], OWN)
    hidden = hiding.hide(f"{before} @{handle}, look")
    assert f"@{handle}" not in hidden
    assert handle in hiding.handles


_PIECES = [
    "https://t.co/", "https://pbs.twimg.com/media/", "https://", "x.com/", "t.me", "app/profile/", "@", "/", "-", ".",
    "users/", " ", "@-somebody", "testville", "é", "#!/", "a1b2",
]  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(_PIECES), max_size=9).map("".join))
def test_what_is_hidden_does_not_depend_on_the_links_around(text: str) -> None:
    """A percent sign makes every text one that may hold a profile's link."""
    assert Hiding([], OWN).hide(f"{text} %") == Hiding([], OWN).hide(text) + " %"


@pytest.mark.parametrize("before", [".", "(.", "—", "-", "/", "“", "RT ", "\n", "#", "@"])
@pytest.mark.parametrize("sign", ["@", "\uff20"])
def test_mention_is_hidden_behind_any_sign(before: str, sign: str) -> None:
    assert "somebody" not in Hiding([], OWN).hide(f"{before}{sign}somebody, look")


@settings(max_examples=50, deadline=None)
@given(sentences)
def test_mask_leaves_no_placeholder(parts: list[str]) -> None:
    masked = mask(Hiding([], OWN).hide(" ".join(parts)))
    assert OPEN not in masked
    assert CLOSE not in masked


@pytest.mark.parametrize(
    "text", ["Hey @Testville", "https://x.com/testville/status/1", "testville is slow", "#TestVille"]
)
def test_the_citys_own_accounts_stay(text: str) -> None:
    assert Hiding(["testville", "other"], OWN).hide(text) == text


@pytest.mark.parametrize("text", ["write to ann.bee@example.org now", "a+b@c.de", "a-@c.de", "6@7am"])
def test_mail_address_is_no_handle(text: str) -> None:
    assert Hiding([], OWN).hide(text) == text


LINKS = [
    "https://twitter.com/{}", "http://mobile.twitter.com/{}/status/12?s=20", "https://x.com/{}/with_replies",
    "https://www.twitter.com/@{}", "twitter.com/{}", "https://twitter.com/#!/{}",
    "https://twitter.com/intent/user?screen_name={}", "https://x.com/intent/follow?region=a&screen_name={}",
    "https://instagram.com/{}/", "https://www.instagram.com/{}/p/abc", "https://www.tiktok.com/@{}/video/7",
    "https://www.threads.net/@{}", "https://youtube.com/@{}", "https://www.youtube.com/user/{}",
    "https://www.youtube.com/c/{}", "https://m.facebook.com/{}", "https://fb.com/{}", "https://t.me/{}",
    "https://www.snapchat.com/add/{}", "https://bsky.app/profile/{}.bsky.social", "https://bsky.app/profile/{}/post/3k",
    "https://www.linkedin.com/in/{}", "https://www.reddit.com/user/{}", "https://old.reddit.com/u/{}",
    "https://mastodon.social/@{}", "https://mastodon.social/@{}/1122", "https://mastodon.social/users/{}/statuses/1",
    "https://social.example/@{}@other.example", "https://linktr.ee/{}", "https://medium.com/@{}/title",
    "https://www.pinterest.com/{}", "https://twitch.tv/{}", "twitter.com%2F{}", "?screen_name={}",
    "https://www.facebook.com/sharer.php?u=https%3A%2F%2Ftwitter.com%2F{}%2Fstatus%2F1",
]  # fmt: skip


@pytest.mark.parametrize("link", LINKS)
def test_profile_link_loses_its_handle_though_nobody_named_it(link: str) -> None:
    url = link.format("QzWkVbNmTrLp")
    hiding = Hiding([], OWN)
    hidden = hiding.hide(f"see {url}.")
    assert "qzwkvbnmtrlp" not in hidden.lower()
    assert reveal(hidden, hiding.handles) == f"see {url}."


def test_link_by_a_lasting_identifier_hides_all_of_it() -> None:
    hiding = Hiding([], OWN)
    hidden = hiding.hide("see https://bsky.app/profile/did:plc:ewvi7nxzyoun6zhxrhs64oiz/post/3k")
    assert "ewvi7" not in hidden
    assert hidden.endswith("/post/3k")
    assert hiding.handles == ["did:plc:ewvi7nxzyoun6zhxrhs64oiz"]


@pytest.mark.parametrize(
    "link", ["https://x.com/i/web/status/12", "https://x.com/search?q=a", "https://example.org/a/b"]
)
def test_link_without_a_handle_stays(link: str) -> None:
    assert Hiding(["somebody"], OWN).hide(link) == link


def test_known_handle_is_hidden_in_an_escaped_link() -> None:
    assert "somebody" not in Hiding(["somebody"], OWN).hide("https://example.org/?u=https%3A%2F%2Fe.org%2Fsomebody%2F1")


def test_placeholder_from_outside_is_defused() -> None:
    hiding = Hiding([], OWN)
    hidden = hiding.hide(f"@somebody {OPEN}0{CLOSE}")
    assert reveal(hidden, hiding.handles) == "@somebody \ufffd0\ufffd"
    assert mask(hidden) == "@… \ufffd0\ufffd"


def test_placeholder_that_points_nowhere_is_dots() -> None:
    assert reveal(f"a {OPEN}7{CLOSE}", ["somebody"]) == "a …"


def test_one_handle_has_one_number_in_all_texts_of_a_post() -> None:
    hiding = Hiding([], OWN)
    assert hiding.hide("@somebody") == hiding.hide("@somebody")
    assert hiding.handles == ["somebody"]


def test_short_known_handle_is_hidden_only_where_an_at_says_so() -> None:
    assert Hiding(["sam"], OWN).hide("sam and @sam") == f"sam and @{OPEN}0{CLOSE}"
