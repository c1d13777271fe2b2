"""A customer base in four languages with planted duplicates: for tests that know the truth.

Records are repeated as people repeat them: another spelling of the legal form, another alphabet, a
phone with or without its prefix, a slip of the pen, an e-mail that was not filled in. Beside them
stand records that only look alike: namesakes, families with one phone, a shared mailbox, companies
of one name in two cities.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from segment_lab.sample.population import stream

_PERSONS = {
    "ru": (
        [
            "Иван",
            "Мария",
            "Алексей",
            "Ольга",
            "Дмитрий",
            "Елена",
            "Сергей",
            "Наталья",
            "Павел",
            "Юлия",
        ],
        [
            "Иванов",
            "Щербаков",
            "Кузнецов",
            "Яковлев",
            "Чернов",
            "Жуков",
            "Хохлов",
            "Цветков",
            "Юдин",
            "Ершов",
        ],
    ),
    "pl": (
        [
            "Łukasz",
            "Zofia",
            "Paweł",
            "Małgorzata",
            "Michał",
            "Żaneta",
            "Krzysztof",
            "Aleksandra",
            "Józef",
            "Ewa",
        ],
        [
            "Wójcik",
            "Dąbrowska",
            "Kamiński",
            "Żak",
            "Pawłowski",
            "Grabowska",
            "Nowak",
            "Król",
            "Sikora",
            "Gałązka",
        ],
    ),
    "de": (
        [
            "Jürgen",
            "Käthe",
            "Matthias",
            "Ursula",
            "Günther",
            "Sabine",
            "Jörg",
            "Anja",
            "Björn",
            "Heike",
        ],
        [
            "Müller",
            "Schäfer",
            "Weiß",
            "Köhler",
            "Krämer",
            "Böhm",
            "Grünwald",
            "Fuchs",
            "Vogel",
            "Lange",
        ],
    ),
    "en": (
        [
            "James",
            "Emma",
            "Oliver",
            "Grace",
            "Henry",
            "Alice",
            "Thomas",
            "Ruby",
            "Edward",
            "Lucy",
        ],
        [
            "Smith",
            "Turner",
            "Walker",
            "Hughes",
            "Carter",
            "Bennett",
            "Foster",
            "Murray",
            "Palmer",
            "Fisher",
        ],
    ),
}
_COMPANIES = {
    "ru": (
        [
            "Ромашка",
            "Вектор",
            "Альянс",
            "Северный_Путь",
            "Технопром",
            "Стройгарант",
            "Маяк",
            "Уралмет",
        ],
        "ООО",
    ),
    "pl": (
        [
            "Żubr",
            "Agromax",
            "Pol-Trans",
            "Dąb",
            "Budimex_Bis",
            "Łąka",
            "Meble_Plus",
            "Elektra",
        ],
        "Sp. z o.o.",
    ),
    "de": (
        [
            "Bäckerei_Huber",
            "Möbelwerk",
            "Grünland",
            "Techno-Süd",
            "Nordlicht",
            "Öko_Haus",
        ],
        "GmbH",
    ),
    "en": (
        [
            "Bluebell",
            "Northgate_Foods",
            "Harbour_Tools",
            "Redwood",
            "Silverline",
            "Oakfield",
        ],
        "Ltd",
    ),
}
_FORMS = {
    "ru": (
        "ООО «{}»",
        'ООО "{}"',
        "{} ООО",
        "Общество с ограниченной ответственностью {}",
        "{}",
    ),
    "pl": ("{} Sp. z o.o.", "{} spółka z o.o.", "{} SP Z O O", "{}"),
    "de": ("{} GmbH", "{} G.m.b.H.", "{} GMBH", "{}"),
    "en": ("{} Ltd", "{} Limited", "{} Ltd.", "{}"),
}
_CITIES = ("Nord", "Ost", "Süd", "West", "Mitte", "Gdańsk", "Казань", "Leeds")
_PREFIX = {"ru": "7", "pl": "48", "de": "49", "en": "44"}
_LATIN = dict(
    zip(
        "абвгдежзийклмнопрстуфхцчшщъыьэюя",
        [
            "a",
            "b",
            "v",
            "g",
            "d",
            "e",
            "zh",
            "z",
            "i",
            "y",
            "k",
            "l",
            "m",
            "n",
            "o",
            "p",
            "r",
            "s",
            "t",
            "u",
            "f",
            "kh",
            "ts",
            "ch",
            "sh",
            "shch",
            "",
            "y",
            "",
            "e",
            "yu",
            "ya",
        ],
        strict=True,
    )
)


@dataclass(frozen=True)
class Base:
    """Records of a CRM (index ``customer_id``) and the planted pairs (``customer_id,
    merge_into``)."""

    customers: pd.DataFrame
    truth: pd.DataFrame


def base_with_duplicates(
    seed: int = 7, customers: int = 2000, share: float = 0.1
) -> Base:
    """`customers` different customers, and second records for a `share` of them."""
    rng = stream(seed, "duplicates")
    people = [_customer(rng, number) for number in range(customers)]
    _look_alikes(people, rng)
    repeated = rng.choice(customers, round(share * customers), replace=False)
    records, truth = list(people), []
    for number in repeated:
        truth.append((len(records), int(number)))
        records.append(_again(people[number], rng))
    frame = pd.DataFrame(records).drop(columns="language")
    order = rng.permutation(len(frame))
    place = {int(old): f"C{new + 1:05d}" for new, old in enumerate(order)}
    frame = frame.iloc[order].reset_index(drop=True)
    frame.index = pd.Index(
        [f"C{i + 1:05d}" for i in range(len(frame))], name="customer_id"
    )
    pairs = [(place[copy], place[original]) for copy, original in truth]
    return Base(frame, pd.DataFrame(pairs, columns=["customer_id", "merge_into"]))


def _customer(rng: np.random.Generator, number: int) -> dict[str, str]:
    language = str(rng.choice(list(_PERSONS)))
    if rng.random() < 0.4:
        stem = str(rng.choice(_COMPANIES[language][0])).replace("_", " ")
        stem = f"{stem} {rng.integers(1, 400)}" if rng.random() < 0.8 else stem
        name, company = _FORMS[language][0].format(stem), True
        local = f"info@{_latin(stem).replace(' ', '')}{number}.example"
    else:
        given, family = (str(rng.choice(words)) for words in _PERSONS[language])
        name, company = f"{given} {family}", False
        local = f"{_latin(family)}.{_latin(given)[0]}{number}@mail.example"
    digits = "".join(str(d) for d in rng.integers(0, 10, 9))
    return {
        "name": name,
        "email": local if rng.random() < 0.85 else "",
        "phone": f"+{_PREFIX[language]} 9{digits[:2]} {digits[2:5]} {digits[5:]}",
        "region": str(rng.choice(_CITIES)),
        "language": language,
        "customer_type": "company" if company else "individual",
    }


def _look_alikes(people: list[dict[str, str]], rng: np.random.Generator) -> None:
    """Families with one phone, colleagues with one mailbox: different customers all the same."""
    for _ in range(len(people) // 25):
        one, other = rng.choice(len(people), 2, replace=False)
        if people[one]["name"].split()[-1] == people[other]["name"].split()[-1]:
            continue  # they would be one customer to anybody
        role = str(rng.choice(["email", "phone"]))
        people[other][role] = people[one][role]


def _again(person: dict[str, str], rng: np.random.Generator) -> dict[str, str]:
    """The same customer entered a second time by somebody else."""
    copy = dict(person)
    copy["name"] = _another_name(person, rng)
    digits = person["phone"].replace(" ", "")
    if rng.random() < 0.7:
        national = digits[1 + len(_PREFIX[person["language"]]) :]
        trunk = "8" if person["language"] == "ru" else "0"
        copy["phone"] = str(
            rng.choice(
                [digits, "00" + digits[1:], f"{trunk} ({national[:3]}) {national[3:]}"]
            )
        )
    elif rng.random() < 0.5:
        copy["phone"] = ""
    else:
        copy["phone"] = (
            "+" + _PREFIX[person["language"]] + str(rng.integers(10**9, 10**10 - 1))
        )
    if rng.random() < 0.3:
        copy["email"] = ""
    elif person["email"] and rng.random() < 0.5:
        copy["email"] = person["email"].upper()
    return copy


def _another_name(person: dict[str, str], rng: np.random.Generator) -> str:
    name, language = person["name"], person["language"]
    if person["customer_type"] == "company":
        before, _, after = _FORMS[language][0].partition("{}")
        stem = name.removeprefix(before).removesuffix(after)
        name = str(rng.choice(_FORMS[language])).format(stem)
    elif rng.random() < 0.4:
        given, family = name.split(" ", 1)
        name = str(
            rng.choice([f"{family} {given}", f"{family}, {given}", name.upper()])
        )
    if language == "ru" and rng.random() < 0.25:
        name = _latin(name).title()
    elif rng.random() < 0.2 and len(name) > 8:  # a slip of the pen
        place = int(rng.integers(2, len(name) - 2))
        name = name[:place] + name[place + 1 :]
    return name


def _latin(text: str) -> str:
    plain = "".join(_LATIN.get(letter, letter) for letter in text.lower())
    for marked, letters in {
        "ä": "ae",
        "ö": "oe",
        "ü": "ue",
        "ß": "ss",
        "ł": "l",
    }.items():
        plain = plain.replace(marked, letters)
    return plain
