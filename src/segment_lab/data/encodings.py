"""In which encoding a text file is written.

UTF-8 and UTF-16 are known by their bytes. Of the 8-bit code pages, the one is taken in which the
text reads as words: letters of one alphabet side by side, and capitals at the beginning of words.
Measured on real lines this beats a general detector on the short fields of an export, which asks
for prose; where nothing but single marks is there, such a detector decides.
"""

from __future__ import annotations

import re
from pathlib import Path

from segment_lab.data.mending import opened

LOOKED_AT = 1 << 20
# Code pages of Windows and DOS, and the marks of each language beyond ASCII.
_LETTERS = {
    "cp1251": "А-яЁёІіЇїЄєЎўҐґ",
    "cp1252": "àâäáãåæçèéêëíîïñòóôöõøùúûüýßÀÂÄÁÃÅÆÇÈÉÊËÍÎÏÑÓÔÖÕØÚÛÜ",
    "cp1250": "ąćęłńóśźżĄĆĘŁŃÓŚŹŻáčďéěíňřšťúůýžÁČĎÉĚÍŇŘŠŤÚŮÝŽőűŐŰäöüßÄÖÜ",
    "koi8-r": "А-яЁё",
    "cp866": "А-яЁё",
}
# Which of them one language uses: a text of many marks holds those of one or two languages.
_WESTERN = (
    "äöüßÄÖÜ",
    "àâçèéêëîïôùûüÀÂÇÈÉÊËÎÏÔÙÛÜ",
    "áéíñóúüÁÉÍÑÓÚÜ",
    "áâãàçéêíóôõúÁÂÃÀÇÉÊÍÓÔÕÚ",
    "àèéìòùÀÈÉÌÒÙ",
    "æøåéÆØÅÉ",
    "åäöéÅÄÖÉ",
    "áðéíóúýþæöÁÐÉÍÓÚÝÞÆÖ",
    "éëïüöèáóÉËÏÜÖÈÁÓ",
    "äöüõÄÖÜÕ",
)
_CENTRAL = (
    "ąćęłńóśźżĄĆĘŁŃÓŚŹŻ",
    "áčďéěíňóřšťúůýžÁČĎÉĚÍŇÓŘŠŤÚŮÝŽ",
    "áäčďéíĺľňóôŕšťúýžÁÄČĎÉÍĹĽŇÓÔŔŠŤÚÝŽ",
    "áéíóöőúüűÁÉÍÓÖŐÚÜŰ",
    "čćđšžČĆĐŠŽ",
    "äöüßÄÖÜ",
)
#: How much it counts that the letters are those of one language.
_ONE_LANGUAGE = 0.5
# The same letters at other places.
_LETTERS |= {
    "iso-8859-2": _LETTERS["cp1250"],
    "cp852": _LETTERS["cp1250"],
    "cp850": _LETTERS["cp1252"],
    "mac_roman": _LETTERS["cp1252"],
}
# Seldom met today: taken only where the text says so clearly.
_OLD = (
    "koi8-r",
    "cp866",
    "cp852",
    "cp850",
    "mac_roman",
)
_CYRILLIC = ("cp1251", "koi8-r", "cp866")
_LANGUAGES = {
    "cp1252": _WESTERN,
    "cp850": _WESTERN,
    "mac_roman": _WESTERN,
    "cp1250": _CENTRAL,
    "iso-8859-2": _CENTRAL,
    "cp852": _CENTRAL,
}
# Signs beside letters that office texts hold in every code page.
_SIGNS = "€£§°«»„“”’‘–—…№©®·"
_EURO = re.compile(rb"(\d[ \xa0]?)\x80|\x80(?=[ \xa0]?\d)")
# What follows each other in Russian and Ukrainian words, commonest first.
_COMMON = "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъёієї"


def detect(path: Path) -> str:
    """The encoding of a text file by Python's name.

    Examples
    --------
    >>> encoding_of("Клиент;Сумма\\nИванов И. И.;5\\n".encode("cp1251"))
    'cp1251'
    >>> encoding_of("Zażółć gęślą jaźń".encode("cp1250")), encoding_of("Müller".encode("cp1252"))
    ('cp1250', 'cp1252')
    >>> encoding_of("Dvořák;Kőműves".encode("cp1250")), encoding_of("Møller;Åse".encode("cp1252"))
    ('cp1250', 'cp1252')
    """
    with opened(path) as file:
        return encoding_of(file.read(LOOKED_AT))


def encoding_of(head: bytes) -> str:
    """The encoding of the first bytes of a file."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if head[1::2].count(0) > len(head) // 3:
        return "utf-16-le"
    if head[::2].count(0) > len(head) // 3:
        return "utf-16-be"
    # Letters beyond ASCII have a first byte of their own: 4 for Cyrillic.
    if head[:-1:2] and sum(byte in b"\0\1\4" for byte in head[::2]) > 0.9 * len(
        head[::2]
    ):
        return "utf-16-be"
    if head[1::2] and sum(byte in b"\0\1\4" for byte in head[1::2]) > 0.9 * len(
        head[1::2]
    ):
        return "utf-16-le"
    try:
        head[: head.rfind(b"\n") + 1 or None].decode("utf-8")
        return "utf-8"
    except UnicodeDecodeError:
        pass
    # The euro sign of Windows beside digits, which a Cyrillic page of DOS reads as a letter.
    bare = _EURO.sub(rb"\1", head)
    if bare != head and bare.isascii():
        return "cp1252"
    head = bare
    scores = {encoding: _score(head, encoding) for encoding in _LETTERS}
    return max(scores, key=lambda encoding: scores[encoding])


def _score(head: bytes, encoding: str) -> float:
    """How much of what is beyond ASCII reads as text in an encoding: 1 at most, below 0 at
    worst."""
    text = head.decode(encoding, errors="replace")
    marked = re.findall(r"[^\x00-\x7f\xa0]", text)
    if not marked:
        return 0.0
    letters = _LETTERS[encoding]
    good = len(re.findall(f"[{letters}]", text)) + 0.5 * len(
        re.findall(f"[{_SIGNS}]", text)
    )
    # Bytes that a code page does not know stand in no text of it; nor do signs within words.
    bad: float = 3 * len(re.findall("[\ufffd\x80-\x9f]", text))
    bad += 1.5 * len(
        re.findall(r"(?<=[^\W\d_])[^\x00-\x7f\w\ufffd’](?=[^\W\d_])", text)
    )
    if encoding in _CYRILLIC:
        # A Cyrillic letter beside a Latin one is another language read wrongly; so are capitals
        # within words, and rare letters where common ones should be.
        mixed = len(re.findall(f"[A-Za-z][{letters}]|[{letters}][A-Za-z]", text))
        turned = len(re.findall("[а-яё][А-ЯЁ]", text))
        rare = 1 - len(re.findall(f"[{_COMMON[:20]}]", text.lower())) / len(marked)
        bad += 2 * mixed + 2 * turned + 0.5 * rare * len(marked)
    else:
        # Marked letters stand between plain ones; words of nothing else are another alphabet.
        alone = re.findall(
            f"(?<![A-Za-z{letters}])[{letters}]+(?![A-Za-z{letters}])", text
        )
        bad += sum(map(len, alone))
        # A capital after a small letter is another letter read wrongly.
        inner = re.findall(f"(?<=[a-z])[{letters}](?=[a-z{letters}])", text)
        bad += 1.5 * sum(map(str.isupper, inner))
        bad += _ONE_LANGUAGE * _of_other_languages(text, encoding)
    if encoding in _OLD:
        few = len(marked) <= 4 and encoding in _CYRILLIC
        bad += (2 if few else 0.3) * len(marked)
    return (good - bad) / len(marked)


def _of_other_languages(text: str, encoding: str) -> int:
    """How many marked letters are none of the language that has most of them: a page of Central
    Europe reads ``Dvořák`` as that of the West reads ``Dvoøák``, which is no language's."""
    marked = re.findall(f"[{_LETTERS[encoding]}]", text)
    held = [sum(letter in own for letter in marked) for own in _LANGUAGES[encoding]]
    return len(marked) - max(held)
