"""Shared pieces of every kind: seeded draws, josa agreement, invented names, and sentence flow."""

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

Item = TypeVar("Item")


def terms(text: str) -> tuple[str, ...]:
    """Split space-separated terms; an underscore is a space inside a term."""
    return tuple(term.replace("_", " ") for term in text.split())


# First form after a final consonant, second form after a vowel.
JOSA_PAIRS: dict[str, tuple[str, str]] = {
    "은": ("은", "는"),
    "이": ("이", "가"),
    "을": ("을", "를"),
    "과": ("과", "와"),
    "으로": ("으로", "로"),
    "으로서": ("으로서", "로서"),
    "으로부터": ("으로부터", "로부터"),
    "이나": ("이나", "나"),
}
# How digits, Latin letters and unit signs are read aloud in Korean, by their last syllable.
READINGS: dict[str, str] = {
    **dict(zip("0123456789", "영일이삼사오육칠팔구", strict=True)),
    **dict(
        zip(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
            "이비시디이프지치이이이엘엠엔오피큐알스티유이유스이트",
            strict=True,
        )
    ),
    "㎎": "램",
    "㎖": "터",
    "㎡": "터",
    "%": "트",
    "℃": "도",
}
RIEUL = 8

SURNAMES = tuple("강고권길남노도류명반방봉서선설소송신심안")
GIVEN_NAMES = terms(
    "가람 가을 겨루 고운 그린 나래 나루 누리 다온 다솜 도담 도울 들샘 라온 "
    "마루 무열 미르 바다 별하 보람 빛나 사랑 산들 새별 새봄 서광 솔찬 슬아 "
    "아라 아름 여울 예솔 온유 우람 윤슬 은결 이든 잎새 자람 재율 지음 찬솔 "
    "채움 초롱 큰솔 태오 푸름 하람 하늬 한결 한별 해담 해솔"
)
COMPANY_HEADS = terms(
    "가온 고른 금솔 나라온 너울 높새 다래 단비 도래 두레 든솔 마중 맑은샘 "
    "모아 미리내 바른길 벼리 본솔 빛고을 산마루 새론 샛별 소담 솔내 시나브로 "
    "아리솔 여명 온새미 윤하 이음 참빛 큰내 타래 터울 파란 푸른들 하늘채 "
    "한마루 해나래 흰여울"
)
COMPANY_TAILS = terms("산업 건설 물산 전자 식품 테크 상사 유통 개발 화학 정밀 바이오")
CITIES = terms("한빛 새솔 가람 미르 누리 해오름 다온 은하 청솔 늘봄 온누리 달빛")
DISTRICTS = terms("솔밭 물빛 별내 꽃뫼 들녘 바람골 고을 강나루 돌담 햇살")
HOSPITAL_TAILS = terms("대학교병원 의료원 병원 성심병원 중앙병원")


def has_final(syllable: str) -> bool:
    """Say whether a Hangul syllable ends in a consonant."""
    return "가" <= syllable <= "힣" and (ord(syllable) - ord("가")) % 28 != 0


def last_syllable(word: str) -> str:
    """Return the syllable that decides the josa, reading digits and units aloud."""
    core = word.rstrip("」』’'\"”】")
    # A gloss in parentheses is not read, so the word before it decides.
    while core.endswith(")") and "(" in core:
        core = core[: core.rindex("(")].rstrip()
    if core.endswith(("kg", "mg")):
        return "램"
    last = core[-1:] or word[-1:]
    return READINGS.get(last.upper(), last)


def josa(word: str, particle: str) -> str:
    """Return the form of a particle that agrees with the word before it."""
    after_consonant, after_vowel = JOSA_PAIRS[particle]
    syllable = last_syllable(word)
    # ㄹ is the one consonant after which 로 is said, not 으로.
    if not has_final(syllable):
        return after_vowel
    if particle.startswith("으로") and (ord(syllable) - ord("가")) % 28 == RIEUL:
        return after_vowel
    return after_consonant


class Word(str):
    """A string whose format specification is a josa: ``f"{Word('법원'):은}"`` is ``법원은``."""

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        """Return the word, followed by the agreeing particle when one is named."""
        return str(self) + (josa(self, spec) if spec else "")


class Draw:
    """Random choices that are a pure function of a key, the same on every machine."""

    def __init__(self, *key: object) -> None:
        """Seed the stream with the SHA-256 of the key's parts."""
        digest = hashlib.sha256("/".join(map(str, key)).encode()).digest()
        self._random = random.Random(int.from_bytes(digest[:16], "big"))

    def below(self, bound: int) -> int:
        """Return an integer from 0 up to, not including, the bound."""
        # random() is the one method whose sequence Python promises to keep between versions.
        return int(self._random.random() * bound)

    def between(self, low: int, high: int) -> int:
        """Return an integer from low to high, both included."""
        return low + self.below(high - low + 1)

    def chance(self, percent: float) -> bool:
        """Return True in the given percentage of calls."""
        return self._random.random() * 100 < percent

    def one(self, items: Sequence[Item]) -> Item:
        """Return one item."""
        return items[self.below(len(items))]

    def some(self, items: Sequence[Item], count: int) -> list[Item]:
        """Return count different items in random order."""
        pool = list(items)
        return [pool.pop(self.below(len(pool))) for _ in range(min(count, len(pool)))]

    def person(self) -> str:
        """Return an invented personal name."""
        return self.one(SURNAMES) + self.one(GIVEN_NAMES)

    def company(self) -> str:
        """Return an invented company name."""
        return self.one(COMPANY_HEADS) + self.one(COMPANY_TAILS)

    def court(self) -> str:
        """Return an invented district court."""
        return self.one(CITIES) + "지방법원"

    def hospital(self) -> str:
        """Return an invented hospital."""
        return self.one(CITIES) + self.one(HOSPITAL_TAILS)

    def place(self) -> str:
        """Return an invented address without a real city."""
        road = f"{self.one(DISTRICTS)}로 {self.between(2, 480)}"
        return f"{self.one(CITIES)}시 {self.one(DISTRICTS)}구 {road}"

    def date(self, first: int = 2030, last: int = 2039) -> tuple[int, int, int]:
        """Return a day between two years as year, month, day."""
        return self.between(first, last), self.between(1, 12), self.between(1, 28)

    def won(self, low: int, high: int) -> str:
        """Return an amount of money, low and high being in units of 100,000 won."""
        return f"{self.between(low, high) * 100_000:,}원"


@dataclass(frozen=True)
class Document:
    """One record of the corpus, without its identifier and domain."""

    title: str
    date: str
    group: str
    label: str
    text: str


def later(day: tuple[int, int, int], months: int) -> tuple[int, int, int]:
    """Return the same day a number of months later."""
    total = day[0] * 12 + day[1] - 1 + months
    return total // 12, total % 12 + 1, day[2]


def dotted(day: tuple[int, int, int]) -> Word:
    """Write a day as Korean judgments do: 2031. 2. 9."""
    return Word(f"{day[0]}. {day[1]}. {day[2]}.")


def iso(day: tuple[int, int, int]) -> str:
    """Write a day in ISO 8601."""
    return f"{day[0]:04d}-{day[1]:02d}-{day[2]:02d}"


def rotate(seed: int, kind: str, number: int, subjects: Sequence[Item]) -> Item:
    """Return the subject of a document, each subject being used once in every round."""
    # The order is drawn anew for each round, so it depends on nothing but seed, kind and number.
    order = Draw(seed, kind, "round", number // len(subjects)).some(subjects, len(subjects))
    return order[number % len(subjects)]


class Flow:
    """Fills sentence templates so that each sentence takes up words of the one before it.

    A template names fixed facts in small letters of two or more (``{plaintiff:은}``) and field
    words in one letter: ``{t}`` repeats the last thing spoken of, ``{T}`` brings in the next.
    """

    def __init__(
        self, draw: Draw, facts: Mapping[str, object], fields: Mapping[str, Sequence[str]]
    ) -> None:
        """Keep the document's facts and shuffle each field of words."""
        self._draw = draw
        self._facts = {key: Word(value) for key, value in facts.items()}
        self._fields = {key: draw.some(words, len(words)) for key, words in fields.items()}
        self._at = dict.fromkeys(fields, 0)

    def say(self, template: str) -> str:
        """Return one filled template."""
        slots: dict[str, Word] = dict(self._facts)
        for letter, words in self._fields.items():
            here = self._at[letter]
            slots[letter.lower()] = Word(words[here % len(words)])
            slots[letter] = Word(words[(here + 1) % len(words)])
            if "{" + letter + "}" in template or "{" + letter + ":" in template:
                self._at[letter] += 1
        return template.format_map(slots)

    def some(self, pool: Sequence[str], count: int) -> list[str]:
        """Return a number of different templates of a pool, filled in random order."""
        return [self.say(template) for template in self._draw.some(pool, count)]

    def one(self, pool: Sequence[str]) -> str:
        """Return one template of a pool, filled."""
        return self.say(self._draw.one(pool))


def words(row: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Split the columns of a table row into terms."""
    return tuple(terms(column) for column in row)
