"""Patterns of legal and medical text that are one unit whatever stands around them.

A pattern never takes in the josa after it, and what it matches is always one morpheme, so each asks for
digits, Latin letters or signs: Korean words alone are left to the analyzer. White space ends a match
(``제3조의2 제1항`` are two tokens), as everywhere in the segments.
"""

from __future__ import annotations

#: Marks of the kinds of cases, as courts, the Constitutional Court, the patent tribunal, prosecutors and
#: labour commissions write them between the year and the number.
_CASE_MARKS = (
    # Civil: trials, appeals, summary procedure, provisional measures, execution, insolvency.
    "가합 가단 가소 나 다 다카 라 마 마카 그 바 머 자 차 차전 카합 카단 카기 카공 카담 카소 카구 "
    "카경 카정 카조 카확 카열 카명 카불 카허 타경 타채 타기 타배 타인 비합 비단 하합 하단 하면 하기 "
    "회 회합 회단 회확 회기 간회합 간회단 개회 개확 개보 개기 국승 국지 재가합 재가단 재가소 재나 "
    "재다 재라 재마 재머 준재가합 준재가단 준재나 준재다 민상 민공 민재 "
    # Criminal, juvenile, preventive detention, protective measures.
    "고합 고단 고정 고약 고약전 노 도 로 모 오 보 초 초기 초재 초사 초보 초적 초치 감고 감노 감도 "
    "감로 감모 감초 감오 치고 치노 치도 전고 전노 전도 전로 전초 보고 보노 보도 코 토 푸 푸초 버 저 "
    "서 정고 재고합 재고단 재고정 재노 재도 형상 형공 형항 형재 형제 "
    # Family.
    "드 드합 드단 르 므 브 스 으 느 느합 느단 너 즈 즈합 즈단 즈기 츠 호기 준재드 준재르 재드 "
    "재드합 재드단 재르 재므 "
    # Administrative, tax, patent, elections.
    "구 구합 구단 누 두 루 무 부 사 아 재구합 재구단 재누 재두 행상 허 후 히 흐 카후 재허 재후 당 "
    "원 항당 항원 취소판결 수 우 주 추 쿠 수흐 재수 "
    # Constitutional Court, labour commissions.
    "헌가 헌나 헌다 헌라 헌마 헌바 헌사 헌아 부해 부노 차별 "
)


def _any(words: str) -> str:
    """Return a regular expression for any of ``words``, which prefers the longest."""
    return "(?:" + "|".join(sorted(words.split(), key=lambda word: (-len(word), word))) + ")"


#: A Roman-letter or square unit sign; CJK squares are what older text has in the place of mg, mL and so on.
_SIGN = "A-Za-zμµ㎍㎎㎏㎖㎗㎕ℓ㎜㎝㎠㎡㎥"

#: What stands below the line of a unit.
_PER = (
    "(?:[dmnfμµ]?[Ll]|[㎖㎗㎕ℓ㎏㎡㎥㎠]|[kmμµ]?g|m[m²³23]?[²³23]?|min|sec|hr?|s|day|dose|body|HPF|hpf|LPF"
    "|1\\.73m[²2]|1\\.73㎡|1?[일회주분](?![가-힣]))"
)

#: Articles, paragraphs, items and sub-items written together, and the numbers of parts and exhibits.
_STATUTE = (
    "제[0-9]+(?:"
    "조(?:의[0-9]+)*(?:제[0-9]+항(?:의[0-9]+)*)?(?:제[0-9]+호(?!증)(?:의[0-9]+)*{sub})?"
    "|항(?!소(?!정)|변)(?:의[0-9]+)*(?:제[0-9]+호(?!증)(?:의[0-9]+)*{sub})?"
    "|호증(?:의[0-9]+)?"
    "|호(?![기선])(?:의[0-9]+)*{sub}"
    "|[편장절관](?=[^가-힣]|[의에을은이]|부터|까지|제[0-9]|$)"
    ")"
).format(sub="(?:[가나다라마바사아자차카타파하거너더러머버서](?:의[0-9]+)?목(?![적록]))?")

#: A year of two or four digits (or of the Dangun era), a mark and a number: 99다38613, 4290민상123.
_CASE = (
    "[1-9](?<![0-9.].)(?:(?<=1)9[4-9][0-9]|(?<=2)0[0-4][0-9]|(?<=4)[23][0-9][0-9]|(?<=[4-9])[0-9](?=[^0-9]+[0-9]{2}))"
    + _any(_CASE_MARKS)
    + "[0-9]+(?:[-~][0-9]+)?(?![0-9분초])"
)

#: Powers of ten with their unit: 10^3/μL.
_POWER = f"10(?:\\^[0-9]+|[²³⁴-⁹]+)(?:/{_PER}(?![A-Za-z0-9]))?"

#: Codes and abbreviations of Latin letters with digits or signs: E11.9, A00-A09, HbA1c, Tc-99m, mg/dL, s/p,
#: X-ray. Each alternative begins after the first character, so that the search can skip to a letter.
_LATIN = (
    f"[{_SIGN}](?<![A-Za-z@/_.:-].)(?:"
    f"[{_SIGN}]{{0,6}}[²³]?(?:/{_PER})+(?![A-Za-z0-9])"
    "|(?<=[cm])mH2O(?![A-Za-z0-9])"
    "|(?<![0-9].)(?:"
    "[A-Za-z]{0,11}-?[0-9]+[A-Za-z0-9]*(?:\\.[0-9]+)?(?:-[A-Za-z0-9]+(?:\\.[0-9]+)?)*[†*]?(?![A-Za-z0-9@_]|\\.[A-Za-z])"
    "|/[A-Za-z](?![A-Za-z0-9/])"
    "|(?<=[A-Z])-[a-z]{2,}(?![A-Za-z0-9])"
    "))"
)

#: Josa after a numbered party (공소외 2가), a percentage or a square unit, which Kiwi often takes for nouns
#: (12%의: 의/NNG). What stands before is asked for behind the josa, so that the search can skip to it.
_JOSA = tuple(
    (
        f"{josa}(?:(?<=[인고외자] [0-9]{josa})|(?<=[인고외자] [0-9][0-9]{josa})|(?<=[%㎡㎥]{josa}))(?!\\S)",
        tag,
    )
    for josa, tag in (("의", "JKG"), ("이", "JKS"), ("가", "JKS"), ("은", "JX"), ("과", "JC"))
)

#: (regular expression, tag of the whole match), for ``Kiwi.add_re_word``. The tags are those after which Kiwi
#: reads the josa right: after a number (SN) it takes 가 for a noun.
PATTERNS: tuple[tuple[str, str], ...] = (
    (_CASE, "NNP"),
    (_STATUTE, "NNG"),
    (_POWER, "SL"),
    (_LATIN, "SL"),
    *_JOSA,
)
