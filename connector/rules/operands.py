"""What each operator that asks for more than words is true of: one line in a table each.

Three-valued: None where the post's source does not say. `truth.py` asks for the test of a `name:value`; values are
sound, for `arguments.py` has read them. What is compared here with an account, a profile or a place is never kept:
of a match only the rule's own writing is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from connector.incoming import Incoming, Kind, Link, More, Person
from connector.rules import arguments, places, tokens
from connector.rules.reading import Reading, Test, Truth, any_of, holding
from connector.rules.tree import Field

# Old names of languages that X still writes, with those of today.
_LANGUAGES = {"in": "id", "iw": "he", "no": "nb", "tl": "fil"}
# Posts made for advertising alone say so by these programs (X's operator page).
_NULLCAST = frozenset({"twitter for advertisers", "twitter for advertisers (legacy)"})


def decider(leaf: Field, accents: bool) -> Test:
    """How `name:value` is decided; accents count on X's stream alone, so they say whether we are there."""
    if make := _WITH_VALUE.get(leaf.name):
        return make(leaf.value, accents)
    if accents and str(leaf) == "is:reply":
        return _replies_on_stream
    return _PLAIN[f"{leaf.name}:{leaf.value}"]


# -- accounts ----------------------------------------------------------------------------------------------------------


def _from(value: str, accents: bool) -> Test:
    account = value.lower()

    def test(post: Reading) -> Truth:
        wrote = post.incoming.wrote(account)
        if wrote is True or not account.isdecimal():
            return wrote
        author = post.incoming.detail.author
        known = (author.id if author else "") or post.incoming.more.author_id
        return known == account if known else None

    return test


def _account(of: Callable[[More], Person | None]) -> Callable[[str, bool], Test]:
    def make(value: str, accents: bool) -> Test:
        account = value.lower()

        def test(post: Reading) -> Truth:
            person = of(post.incoming.more)
            if person is None:
                return None
            if person.handle.lower() == account or person.id == account:
                return True
            nobody = not person.handle and not person.id
            return False if nobody or (person.id if account.isdecimal() else person.handle) else None

        return test

    return make


def mentions(account: str) -> Test:
    """Whether this account, in lower case, is mentioned, in the quoted post too."""

    def test(post: Reading) -> Truth:
        if post.incoming.mentions(account):
            return True
        quoted = post.incoming.more.quoted if post.quotes else None
        return quoted is not None and any(name.lower() == account for name in quoted.mentioned)

    return test


# -- texts -------------------------------------------------------------------------------------------------------------


def _equals(value: str, accents: bool) -> Callable[[str], bool]:
    wanted = tokens.split(value, accents)
    return lambda text: tokens.split(text, accents) == wanted


def _text(of: Callable[[Incoming], str | None]) -> Callable[[str, bool], Test]:
    def make(value: str, accents: bool) -> Test:
        holds = holding(value, accents)

        def test(post: Reading) -> Truth:
            text = of(post.incoming)
            return None if text is None else holds(text)

        return test

    return make


def _name(post: Incoming) -> str | None:
    author = post.detail.author
    return author.name if author and author.name else post.more.name


def _links(post: Reading) -> Sequence[Link]:
    more = post.incoming.more
    own = more.links if more.links is not None else [Link((url,)) for url in post.incoming.detail.urls]
    return [*own, *more.quoted.links] if post.quotes and more.quoted else own


def _address(fits: Callable[[str, bool], Callable[[str], bool]]) -> Callable[[str, bool], Test]:
    def make(value: str, accents: bool) -> Test:
        fit = fits(value, accents)

        def of_link(link: Link) -> Truth:
            return True if any(map(fit, link.addresses)) else False if link.complete else None

        return lambda post: any_of(map(of_link, _links(post)))

    return make


def _contains(value: str, accents: bool) -> Callable[[str], bool]:
    wanted = value.casefold()
    return lambda address: wanted in address.casefold()


def _page(of: Callable[[Link], str | None]) -> Callable[[str, bool], Test]:
    def make(value: str, accents: bool) -> Test:
        holds = holding(value, accents)

        def of_link(link: Link) -> Truth:
            text = of(link)
            return None if text is None else holds(text)

        return lambda post: any_of(map(of_link, _links(post)))

    return make


def _source(value: str, accents: bool) -> Test:
    wanted = value.casefold()

    def test(post: Reading) -> Truth:
        app = post.incoming.more.app
        return None if app is None else app.casefold() == wanted

    return test


def _context(value: str, accents: bool) -> Test:
    domain, _, thing = value.partition(".")

    def test(post: Reading) -> Truth:
        contexts = post.incoming.more.contexts
        if contexts is None:
            return None
        return any(domain in ("*", one) and thing in ("*", other) for one, other in contexts)

    return test


def _entity(value: str, accents: bool) -> Test:
    equals = _equals(value, accents)

    def test(post: Reading) -> Truth:
        named = post.incoming.more.named
        return None if named is None else any(map(equals, named))

    return test


def _language(value: str, accents: bool) -> Test:
    """`lang:pt` takes pt-BR too; a post that is only said to be pt may be pt-BR or not."""
    wanted = _of_today(value)

    def test(post: Reading) -> Truth:
        lang = _of_today(post.incoming.lang.lower())
        if not lang:
            return None
        if lang == wanted or lang.startswith(f"{wanted}-"):
            return True
        return None if wanted.startswith(f"{lang}-") else False

    return test


def _of_today(code: str) -> str:
    language, dash, region = code.partition("-")
    return _LANGUAGES.get(language, language) + dash + region


# -- references and numbers --------------------------------------------------------------------------------------------


def _refers(kind: Kind) -> Callable[[str, bool], Test]:
    def make(value: str, accents: bool) -> Test:
        def test(post: Reading) -> Truth:
            detail = post.incoming.detail
            ids = [one.source_id for one in detail.references if one.kind is kind]
            return None if not ids and detail.kind is kind else value in ids

        return test

    return make


def _conversation(value: str, accents: bool) -> Test:
    def test(post: Reading) -> Truth:
        known = post.incoming.detail.conversation_id
        return known == value if known else None

    return test


def _count(of: Callable[[More], int | None]) -> Callable[[str, bool], Test]:
    def make(value: str, accents: bool) -> Test:
        least, most = arguments.limits(value)

        def test(post: Reading) -> Truth:
            number = of(post.incoming.more)
            return None if number is None else least <= number <= most

        return test

    return make


# -- is: and has: ------------------------------------------------------------------------------------------------------


def _is(post: Incoming, kind: Kind) -> bool:
    """A post that replies and quotes is both; its kind names one, its references name both."""
    detail = post.detail
    return detail.kind is kind or (bool(detail.references) and any(one.kind is kind for one in detail.references))


def _replies_on_stream(post: Reading) -> bool:
    """X's stream looks into the quoted or repeated post too; one that did not come along is taken for no reply."""
    if _is(post.incoming, Kind.REPLY):
        return True
    return post.incoming.detail.kind is not Kind.POST and post.incoming.more.answers_inside is True


def _has_links(post: Incoming) -> bool:
    # X's t.co link of attached media counts as a link there; a source that names no links may still show them.
    return bool(post.detail.urls or post.detail.media) or "://" in post.text


_PLAIN: dict[str, Test] = {
    "is:retweet": lambda post: _is(post.incoming, Kind.REPOST),
    "is:reply": lambda post: _is(post.incoming, Kind.REPLY),
    "is:quote": lambda post: _is(post.incoming, Kind.QUOTE),
    "is:verified": lambda post: post.incoming.more.verified,
    # Never unknown: X names programs no longer, and a rule with `-is:nullcast` must not go blind for that.
    "is:nullcast": lambda post: (post.incoming.more.app or "").casefold() in _NULLCAST,
    "has:links": lambda post: _has_links(post.incoming),
    "has:media": lambda post: bool(post.incoming.detail.media),
    "has:images": lambda post: any(media.kind == "photo" for media in post.incoming.detail.media),
    "has:video_link": lambda post: any(media.kind == "video" for media in post.incoming.detail.media),
    "has:hashtags": lambda post: any(text == 0 for text, _, _ in post.tags().values()),
    "has:cashtags": lambda post: any(text == 0 for text, _, _ in post.cashtags().values()),
    "has:mentions": lambda post: bool(post.incoming.detail.mentioned),
    "has:geo": lambda post: places.located(post.incoming),
}

_WITH_VALUE: dict[str, Callable[[str, bool], Test]] = {
    "from": _from,
    "to": _account(lambda more: more.answered),
    "retweets_of": _account(lambda more: more.repeated),
    "url": _address(holding),
    "url_contains": _address(_contains),
    "url_title": _page(lambda link: link.title),
    "url_description": _page(lambda link: link.description),
    "conversation_id": _conversation,
    "in_reply_to_tweet_id": _refers(Kind.REPLY),
    "retweets_of_tweet_id": _refers(Kind.REPOST),
    "quotes_of_tweet_id": _refers(Kind.QUOTE),
    "context": _context,
    "entity": _entity,
    "bio": _text(lambda post: post.more.bio),
    "bio_name": _text(_name),
    "bio_location": _text(lambda post: post.more.location),
    "place": places.named,
    "place_country": places.in_country,
    "point_radius": places.within(arguments.circle),
    "bounding_box": places.within(arguments.box),
    "min_likes": _count(lambda more: more.likes),
    "min_replies": _count(lambda more: more.replies),
    "min_reposts": _count(lambda more: more.reposts),
    "lang": _language,
    "followers_count": _count(lambda more: more.followers),
    "min_followers": _count(lambda more: more.followers),
    "following_count": _count(lambda more: more.following),
    "tweets_count": _count(lambda more: more.posts),
    "listed_count": _count(lambda more: more.lists),
    "source": _source,
    **dict.fromkeys(
        ("from_affiliate_of", "to_affiliate_of", "list", "embedding", "embedding_threshold", "sample"),
        lambda value, accents: lambda post: None,
    ),
}
