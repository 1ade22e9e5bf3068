"""Makes the demo shop's feed from its sources: ``python -m shop.demo.build`` writes demo.jsonl.gz.

Series are facts (series.txt), articles are ours (articles.jsonl); ASINs, prices, stock, ratings, orders and readers
are invented here, from one seed: the same sources give the same bytes.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from shop.demo.shoppers import DEMO_SHOPPERS

HERE = Path(__file__).parent
FEED = HERE / "demo.jsonl.gz"
SEED = 20260101
# Everything that "has happened" lies before this day.
TODAY = date(2026, 11, 1)
READERS = 2_000

Line = dict[str, Any]


def main() -> None:
    FEED.write_bytes(feed_bytes())


def feed_bytes() -> bytes:
    lines = [json.dumps(line, ensure_ascii=False, separators=(",", ":")) for line in feed_lines()]
    # mtime 0: the same bytes on every day.
    return gzip.compress(("\n".join(lines) + "\n").encode(), compresslevel=9, mtime=0)


def feed_lines() -> Iterator[Line]:
    rng = random.Random(SEED)
    series = read_series()
    yield from series
    editions: list[Line] = []
    for each in series:
        editions += editions_of(each, random.Random(f"{SEED}/{each['id']}"))
    yield from editions
    for edition in editions:
        yield offer_of(edition, random.Random(f"{SEED}/{edition['asin']}"))
    yield from PROMOTIONS
    with open(HERE / "articles.jsonl", encoding="utf-8") as articles:
        yield from (json.loads(line) for line in articles if line.strip())
    yield from orders_and_purchases(editions, rng)
    yield from readers(series, editions, rng)


# --- Series -------------------------------------------------------------------------------------------------

RELATIONS: tuple[tuple[str, str, str], ...] = (
    ("tokyo-ghoul", "tokyo-ghoul-re", "sequel"),
    ("20th-century-boys", "21st-century-boys", "sequel"),
    ("battle-angel-alita", "alita-last-order", "sequel"),
    ("cardcaptor-sakura", "cardcaptor-sakura-clear-card", "sequel"),
    ("jojo-stardust-crusaders", "jojo-steel-ball-run", "side_story"),
    ("cardcaptor-sakura", "tsubasa", "spin_off"),
    ("tsubasa", "xxxholic", "side_story"),
    ("astro-boy", "pluto", "adaptation"),
)
_BACK = {"sequel": "prequel", "side_story": "side_story"}


def read_series() -> list[Line]:
    relations: dict[str, list[Line]] = {}
    for first, second, kind in RELATIONS:
        relations.setdefault(first, []).append({"to": second, "type": kind})
        if kind in _BACK:
            relations.setdefault(second, []).append({"to": first, "type": _BACK[kind]})
    lines = []
    for row in (HERE / "series.txt").read_text(encoding="utf-8").splitlines():
        if not row or row.startswith("#"):
            continue
        (id, title, native, romaji, aliases, authors, native_authors, demographic, genres, themes, status, age,
         volumes, started, description, native_description) = (part.strip() for part in row.split("|"))  # fmt: skip
        line: Line = {
            "kind": "series", "id": id, "title": title, "native_title": native, "romanized_title": romaji,
            "aliases": _list(aliases, ";"), "authors": _list(authors, ";"), "native_authors": _list(native_authors, ";"),
            "category": "manga", "demographic": demographic, "genres": _list(genres, ","), "themes": _list(themes, ","),
            "status": status, "age_rating": age, "started": int(started), "description": description,
            "native_description": native_description,
        }  # fmt: skip
        if volumes:
            line["volume_count"] = int(volumes)
        if id in relations:
            line["relations"] = relations[id]
        lines.append(line)
    return lines


def _list(text: str, mark: str) -> list[str]:
    return [part.strip() for part in text.split(mark) if part.strip()]


# --- Editions and offers ------------------------------------------------------------------------------------

_CODES = {"paperback": "P", "ebook": "E", "omnibus": "O", "deluxe": "D", "box_set": "B"}


def editions_of(series: Line, rng: random.Random) -> list[Line]:
    """A plausible range: a run of singles in both languages, some e-books, collections, sets, pre-orders."""
    last = series.get("volume_count") or 8
    run = min(last, rng.choice((4, 5, 6, 6, 7, 8)), 12)
    editions = [_single(series, "en", "paperback", volume, rng) for volume in range(1, run + 1)]
    editions += [_single(series, "ja", "paperback", volume, rng) for volume in range(1, max(2, run - 1))]
    if rng.random() < 0.55:
        editions += [_single(series, "en", "ebook", volume, rng) for volume in range(1, min(run, 3) + 1)]
    if rng.random() < 0.3:
        editions += [_single(series, "ja", "ebook", volume, rng) for volume in (1, 2)]
    if last >= 6 and rng.random() < 0.4:
        editions += [_collection(series, "omnibus", number, 3, rng) for number in (1, 2)]
    if series["id"] in _DELUXE or (last >= 3 and rng.random() < 0.12):
        editions += [_collection(series, "deluxe", number, 3, rng) for number in (1, 2) if number * 3 <= last]
    if series["status"] == "complete" and 2 <= last <= 30 and rng.random() < 0.45:
        editions.append(_box_set(series, last, rng))
    if series["status"] == "ongoing" and series.get("volume_count"):
        coming = _single(series, "en", "paperback", last + 1, rng)
        coming["release_date"] = f"{rng.choice((2027, 2028, 2029))}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
        for name in ("rating", "rating_count"):
            coming.pop(name)
        # A book that is not out has no volume in the series' count yet: facts stay as they are.
        editions.append(coming)
    return editions


_DELUXE = frozenset({"berserk", "uzumaki", "akira", "vagabond", "land-of-the-lustrous", "blame", "gyo", "monster"})


def _single(series: Line, language: str, format: str, volume: int, rng: random.Random) -> Line:
    if language == "ja":
        title = f"{series['native_title']} {volume}" + ("（電子書籍）" if format == "ebook" else "")
    else:
        title = f"{series['title']}, Vol. {volume}" + (" (e-book)" if format == "ebook" else "")
    return _edition(series, language, format, [volume], title, volume, rng)


def _collection(series: Line, format: str, number: int, size: int, rng: random.Random) -> Line:
    volumes = list(range((number - 1) * size + 1, number * size + 1))
    name = {"omnibus": "Omnibus", "deluxe": "Deluxe Edition"}[format]
    edition = _edition(series, "en", format, volumes, f"{series['title']} {name}, Vol. {number}", number, rng)
    return edition | {"edition_number": number}


def _box_set(series: Line, last: int, rng: random.Random) -> Line:
    volumes = list(range(1, last + 1))
    edition = _edition(series, "en", "box_set", volumes, f"{series['title']} Complete Box Set", 1, rng)
    return edition | {"edition_number": 1}


def _edition(
    series: Line, language: str, format: str, volumes: list[int], title: str, number: int, rng: random.Random
) -> Line:
    start = date(max(series["started"] + (3 if language == "en" else 0), 1985), rng.randint(1, 12), rng.randint(1, 28))
    released = min(start + timedelta(days=95 * (volumes[-1] - 1)), TODAY - timedelta(days=rng.randint(20, 400)))
    mark = "".join(part[:4] for part in series["id"].upper().split("-"))[:12]
    in_print = not (series["started"] < 2003 and language == "en" and format == "paperback" and rng.random() < 0.06)
    return {
        "kind": "edition",
        # "MD": made up for the demo.
        "asin": f"MD{mark}{language.upper()}{_CODES[format]}{number:03d}",
        "series": series["id"], "title": title, "format": format, "language": language,
        "volumes": volumes, "release_date": released.isoformat(),
        "age_rating": series["age_rating"],
        "pages": {"box_set": 190 * len(volumes), "omnibus": 580, "deluxe": 640}.get(format, rng.randint(176, 232)),
        "rating": round(rng.triangular(3.6, 4.95, 4.6), 1), "rating_count": int(rng.paretovariate(0.9) * 25) % 9000 + 3,
        "in_print": in_print,
    }  # fmt: skip


def offer_of(edition: Line, rng: random.Random) -> Line:
    size = len(edition["volumes"])
    if edition["language"] == "ja":
        price, currency = str(rng.choice((528, 583, 594, 638, 693, 748, 792)) * size), "JPY"
    else:
        base = {
            "paperback": rng.choice((9.99, 10.99, 11.99, 12.99, 14.99)), "ebook": rng.choice((6.99, 7.99, 8.99)),
            "omnibus": rng.choice((19.99, 22.99, 24.99)), "deluxe": rng.choice((39.99, 44.99, 49.99)),
        }.get(edition["format"], 0.0) or round(size * 8.5) - 0.01  # fmt: skip
        price, currency = f"{base:.2f}", "USD"
    coming = edition["release_date"] > TODAY.isoformat()
    if edition["format"] == "ebook":
        stock = None
    elif coming or not edition["in_print"]:
        stock = 0
    else:
        stock = rng.choices((0, rng.randint(1, 5), rng.randint(6, 60)), weights=(8, 12, 80))[0]
    offer: Line = {"kind": "offer", "asin": edition["asin"], "price": price, "currency": currency, "stock": stock}
    if currency == "USD" and rng.random() < 0.3:
        offer["list_price"] = f"{float(price) + rng.choice((2, 3, 5)):.2f}"
    return offer


PROMOTIONS: tuple[Line, ...] = tuple(
    {"kind": "promotion", "id": id, "category": "manga", "title": title, "titles": {"ja": japanese}, "percent_off": percent,
     "starts": starts, "ends": ends, "series": list(series), "asins": []}
    for id, title, japanese, percent, starts, ends, series in (
        ("urasawa-month", "Naoki Urasawa month", "浦沢直樹月間", 20, "2025-01-01T00:00:00Z", "2030-12-31T23:59:59Z", ("monster", "20th-century-boys", "21st-century-boys", "pluto")),
        ("cosy-season", "Cosy season", "ほっこりの季節", 15, "2025-01-01T00:00:00Z", "2030-12-31T23:59:59Z", ("yotsuba", "laid-back-camp", "mushishi", "sweetness-and-lightning", "girls-last-tour", "natsumes-book-of-friends")),
        ("first-steps", "First steps into shōnen", "少年マンガはじめの一歩", 10, "2025-01-01T00:00:00Z", "2030-12-31T23:59:59Z", ("one-piece", "naruto", "demon-slayer", "my-hero-academia", "haikyu")),
        ("classics-shelf", "Classics shelf", "名作の棚", 25, "2025-01-01T00:00:00Z", "2030-12-31T23:59:59Z", ("rose-of-versailles", "astro-boy", "black-jack", "buddha", "lone-wolf-and-cub")),
        ("clamp-festival", "CLAMP festival", "CLAMPフェス", 15, "2025-01-01T00:00:00Z", "2030-12-31T23:59:59Z", ("cardcaptor-sakura", "chobits", "xxxholic", "tsubasa", "magic-knight-rayearth")),
        ("summer-2025", "Summer reading 2025", "夏の読書 2025", 30, "2025-06-01T00:00:00Z", "2025-08-31T23:59:59Z", ()),
        ("spring-2031", "Spring sale", "春のセール", 20, "2031-03-01T00:00:00Z", "2031-03-31T23:59:59Z", ()),
    )
)  # fmt: skip


# --- Shoppers and readers -----------------------------------------------------------------------------------

_STATES = ("delivered", "shipped", "processing", "cancelled", "returned")


def orders_and_purchases(editions: list[Line], rng: random.Random) -> Iterator[Line]:
    """Each demo shopper: what they own was delivered, the newest volume may be on its way, one order went wrong."""
    number = 10021
    singles = {(e["series"], e["language"], e["volumes"][0]): e["asin"] for e in editions if e["format"] == "paperback"}
    anything = sorted(e["asin"] for e in editions if e["format"] == "paperback" and e["in_print"])
    for place, shopper in enumerate(DEMO_SHOPPERS):
        for series, last in shopper.reads:
            volumes = [v for v in range(1, last + 1) if (series, shopper.locale, v) in singles]
            groups = [volumes[:-1], volumes[-1:]] if len(volumes) > 1 else [volumes]
            for step, group in enumerate(group for group in groups if group):
                newest = step == len(groups) - 1
                state = ("shipped", "processing", "delivered")[place % 3] if newest else "delivered"
                placed = TODAY - timedelta(days=rng.randint(3, 9) if state != "delivered" else rng.randint(30, 380))
                asins = [singles[series, shopper.locale, v] for v in group]
                yield _order(number, shopper.customer_id, state, placed, asins)
                yield from (_interaction(shopper.customer_id, asin, "purchase", placed, rng) for asin in asins)
                number += 1
        wrong = ("cancelled", "returned")[place % 2]
        yield _order(number, shopper.customer_id, wrong, TODAY - timedelta(days=60 + place), [rng.choice(anything)])
        number += 1


def _order(number: int, customer_id: str, state: str, placed: date, asins: list[str]) -> Line:
    order: Line = {
        "kind": "order", "id": f"MA-{number}", "customer_id": customer_id, "status": state,
        "placed_at": f"{placed.isoformat()}T09:30:00Z", "lines": [{"asin": asin, "quantity": 1} for asin in asins],
    }  # fmt: skip
    if state in {"processing", "shipped"}:
        order["eta"] = (placed + timedelta(days=6)).isoformat()
    if state in {"shipped", "delivered", "returned"}:
        order |= {"carrier": "Demo Parcel", "tracking": f"DP{number * 7919 % 10**9:09d}"}
    return order


# A taste: what draws a reader (genres, themes, demographics) and what puts them off.
TASTES: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("dark fantasy", "grim", "swords", "horror", "revenge"), ("cosy", "romance")),
    (("cosy", "slice of life", "wholesome", "food", "healing"), ("grim", "horror")),
    (("sports", "competition", "school", "coming of age"), ("horror",)),
    (("romance", "love", "shojo", "josei"), ("grim", "mecha")),
    (("science fiction", "space", "cyborgs", "robots", "post-apocalypse"), ("romance",)),
    (("mystery", "thriller", "psychological", "detectives", "crime"), ("magical girls",)),
    (("shonen", "action", "friendship", "superheroes", "ninja"), ("josei",)),
    (("historical", "samurai", "war", "drama"), ("magical girls",)),
    (("fantasy", "magic", "adventure", "isekai", "travel"), ("grim",)),
    (("comedy", "funny", "school"), ("grim", "horror")),
    (("magical girls", "shojo", "friendship", "fantasy"), ("horror", "grim")),
    (("horror", "curses", "monsters", "supernatural", "ghosts"), ("sports",)),
)


def readers(series: list[Line], editions: list[Line], rng: random.Random) -> Iterator[Line]:
    """Synthetic readers: a main taste, a side taste, some fame, and a habit of reading on."""
    by_series: dict[str, list[str]] = {}
    for edition in sorted((e for e in editions if e["format"] == "paperback"), key=lambda e: e["volumes"]):
        if edition["release_date"] <= TODAY.isoformat() and edition["language"] == "en":
            by_series.setdefault(edition["series"], []).append(edition["asin"])
    fame = {each["id"]: rng.paretovariate(1.6) for each in series}
    words = {each["id"]: {*each["genres"], *each["themes"], each["demographic"]} for each in series}
    ids = [each["id"] for each in series]
    for number in range(READERS):
        main, side = rng.sample(TASTES, 2)
        weights = [_pull(words[id], main, side) * fame[id] for id in ids]
        customer_id = f"reader-{number:04d}"
        chosen = list(dict.fromkeys(rng.choices(ids, weights, k=rng.randint(5, 13))))
        moments = sorted(rng.random() for _ in chosen)
        for moment, id in zip(moments, chosen, strict=True):
            yield from _reads(customer_id, by_series[id], moment, rng)


def _pull(words: set[str], main: tuple[Any, ...], side: tuple[Any, ...]) -> float:
    likes = len(words & set(main[0])) ** 2 + 0.4 * len(words & set(side[0]))
    return (0.06 + likes) * (0.15 if words & set(main[1]) else 1.0)


def _reads(customer_id: str, volumes: list[str], moment: float, rng: random.Random) -> Iterator[Line]:
    day = TODAY - timedelta(days=round(400 * (1 - moment)) + 1)
    depth = min(len(volumes), 1 + int(rng.expovariate(0.9)))
    for step in range(depth):
        when = min(day + timedelta(days=9 * step), TODAY - timedelta(days=1))
        kind = rng.choices(("purchase", "view", "click", "add_to_cart"), weights=(6, 3, 1, 1))[0]
        yield _interaction(customer_id, volumes[step], kind, when, rng)
    if rng.random() < 0.35:
        liked = depth > 1
        value = rng.choice((4, 5, 5)) if liked else rng.choice((2, 3, 4))
        yield _interaction(customer_id, volumes[0], "rating", day, rng) | {"value": value}


def _interaction(customer_id: str, asin: str, kind: str, day: date, rng: random.Random) -> Line:
    at = datetime(day.year, day.month, day.day, rng.randint(7, 23), rng.randint(0, 59), tzinfo=UTC)
    return {
        "kind": "interaction", "customer_id": customer_id, "asin": asin, "type": kind,
        "at": at.isoformat().replace("+00:00", "Z"),
    }  # fmt: skip


if __name__ == "__main__":
    main()
