"""Judgments: order, facts, claim, rule, application, and conclusion of an invented case."""

from .judgment_terms import SUBJECTS
from .shared import Document, Draw, Flow, dotted, iso, later, rotate, words

KIND = "judgment"
ROWS = [(label, name) for label, table in SUBJECTS.items() for name in table]
CASE_SIGNS = {
    "민사": "가합",
    "형사": "고단",
    "행정": "구합",
    "가사": "드합",
    "노동": "가합",
    "의료": "가합",
}

# T: thing, A: act, Q: point at issue, E: proof; small letter: the one named last.
FACTS = (
    "{plaintiff:은} {day1} {defendant:과} 사이에 {T:과} {A:을} 둘러싼 교섭을 시작하였다.",
    "{defendant:은} {day2}경 {plaintiff}에게 {a} 사실을 알리면서 {T:을} 거론하였다.",
    "{plaintiff:과} {defendant} 사이의 {t} 문제는 {day2} 있었던 {A:을} 계기로 불거졌다.",
    "{day2}에 이르러 {plaintiff:은} {A}에 관한 {E:을} {defendant}에게 제시하였다.",
    "{defendant:은} {T:과} 관련하여 {plaintiff:이} 보낸 {E:을} {day2} 수령하였다.",
    "{plaintiff:이} {t:을} 문제 삼자 {defendant:은} {A:을} 이유로 답변을 미루었다.",
    "당시 {defendant}의 {A:은} {place}에서 이루어졌고, {plaintiff}도 {T:을} 그 자리에서 "
    "확인하였다.",
    "{E}에는 {t:과} {A}에 관한 {plaintiff}의 서명이 남아 있다.",
)
CRIME_FACTS = (
    "{defendant:은} {day1}경 {place}에서 피해자 {plaintiff:을} 상대로 {A} 행위를 하였다.",
    "피고인 {defendant:은} {T:과} 관련하여 {A:을} 마음먹고 피해자 {plaintiff}에게 접근하였다.",
    "이어서 {defendant:은} {day2}경 {t:을} 둘러싼 {A:을} 되풀이하였다.",
    "피해자 {plaintiff:은} {T:을} 확인하다가 {defendant}의 {a} 사실을 알게 되었다.",
    "{defendant:은} 수사기관에서 {A:을} 인정하면서도 {T}에 관하여는 진술을 번복하였다.",
    "현장에서 확보된 {E:은} {defendant}의 {a} 경위와 {T:을} 그대로 보여 준다.",
    "{plaintiff:은} {day2} 경찰에 {E:을} 제출하며 {defendant}의 {A:을} 신고하였다.",
)
CLAIMS = (
    "원고 {plaintiff:은} {t:과} 관련한 {defendant}의 {A:이} 위법하므로 {won}의 지급을 구한다고 "
    "주장한다.",
    "이에 대하여 {defendant:은} {Q:을} 내세우며 {plaintiff}의 {name} 청구가 이유 없다고 다툰다.",
    "{plaintiff:은} 나아가 {T}에 관하여 {E:이} 있으므로 {q:은} 문제 되지 않는다고 주장한다.",
    "{defendant:은} {a} 당시 {T:이} 이미 정리되었다는 취지로 항변하고 있다.",
    "결국 {plaintiff:과} {defendant}의 다툼은 {Q:과} {T:을} 어떻게 볼 것인지에 있다.",
)
ORDERS_CLAIMS = (
    "{plaintiff:은} {t}에 관한 {defendant}의 처분이 {Q:을} 그르쳐 위법하다고 주장한다.",
    "{defendant:은} {A} 과정과 {E:을} 근거로 {name}의 대상인 처분이 적법하다고 맞선다.",
    "{plaintiff:은} {T:을} 고려하지 않은 채 {A}만 따진 {defendant}의 판단을 다툰다.",
)
CRIME_CLAIMS = (
    "변호인은 {defendant}에게 {Q:이} 인정되지 않는다고 하면서 {T}에 관한 증명력을 다툰다.",
    "피고인 {defendant:은} {a} 사실은 시인하지만 {Q:을} 부인하고 있다.",
    "검사는 {E:과} 피해자 {plaintiff}의 진술에 비추어 {A:이} 충분히 증명된다고 한다.",
)
RULES = (
    "{law} 제{article}조에 따르면 {q:은} {T:과} {A}의 경위를 함께 살펴 판단하여야 한다.",
    "{Q:을} 판단할 때에는 {t:은} 물론 {A}의 동기와 결과까지 종합하여야 한다({cite} 참조).",
    "{name} 사건에서 {q}에 관한 증명책임은 원칙적으로 {T:을} 주장하는 쪽에 있다({cite} 참조).",
    "{law:은} {T:을} 보호하기 위하여 {A:이} 있는 때의 요건을 엄격히 정하고 있다.",
    "{A:이} 있었다는 사정만으로 곧바로 {Q:을} 단정할 수는 없다({cite} 참조).",
    "{E}의 기재가 분명한 경우에는 {q}에 관하여 그 문언대로 {T:을} 인정함이 타당하다.",
)
APPLICATIONS = (
    "그런데 {E:을} 보면 {defendant:이} {T:을} 알면서 {A}에 나아갔음을 알 수 있다.",
    "{t}에 관한 {defendant}의 설명은 {E:과} 들어맞지 아니하여 믿기 어렵다.",
    "{plaintiff:이} 제출한 {E}만으로 {T:을} 모두 인정하기에는 부족하나, {A:은} 넉넉히 추인된다.",
    "앞서 든 {e}에 의하면 {day2} 무렵의 {A:은} {T:과} 밀접하게 이어져 있다.",
    "따라서 {Q}에 관한 {defendant}의 주장은 {t}의 성격을 오해한 것으로 받아들일 수 없다.",
    "{defendant:이} {A:을} 앞두고 {plaintiff}에게 {T:을} 알렸다고 볼 자료도 없다.",
    "감정인 {expert:은} {E:을} 검토한 뒤 {T:이} {a}에서 비롯되었다는 의견을 밝혔다.",
    "증인 {expert:은} 이 법정에서 {A:과} {t}의 경위를 구체적으로 진술하였다.",
)
CIVIL_APPLICATIONS = (
    "{E}의 기재와 변론 전체의 취지를 종합하면, {plaintiff:과} {defendant} 사이의 {A} 사실이 "
    "인정된다.",
    "다만 {a} 이후 {plaintiff:이} {T:을} 방치한 잘못도 {q:을} 정할 때 참작한다.",
)
SENTENCING = (
    "{defendant:이} {T:을} 노리고 {A:을} 저지른 점은 불리한 정상이다.",
    "{defendant:이} 피해자 {plaintiff}에게 {t}에 관하여 {won:을} 지급하고 합의한 점은 유리한 "
    "정상이다.",
    "그 밖에 {E}에 나타난 {A}의 횟수와 {defendant}의 나이, 환경을 두루 고려하였다.",
)
CONCLUSIONS = (
    "그렇다면 {plaintiff}의 {name} 청구는 {t}에 관한 범위에서 이유 있으므로 주문과 같이 판결한다.",
    "결국 {q}에 관한 {defendant}의 주장은 이유 없고, {name:을} 구하는 {plaintiff}의 청구를 "
    "받아들인다.",
    "이상과 같이 {T:과} {q:을} 모두 살펴보았으므로 {plaintiff:과} {defendant}에 대하여 "
    "주문과 같이 판결한다.",
)
CRIME_CONCLUSIONS = (
    "이상의 이유로 피고인 {defendant}의 {name} 범행을 유죄로 인정하고 주문과 같이 형을 정한다.",
    "{t}에 관한 {name} 범행이 모두 증명되었으므로 피고인 {defendant}에게 주문의 형을 선고한다.",
)
HEADINGS = (
    ("1. 기초사실", "2. 당사자의 주장", "3. 관련 법리", "4. 판단", "5. 결론"),
    ("1. 인정사실", "2. 주장의 요지", "3. 판단기준", "4. 구체적 판단", "5. 맺음말"),
    ("1. 다툼 없는 사실", "2. 쟁점", "3. 법리", "4. 쟁점에 관한 검토", "5. 결론"),
)
CRIME_HEADINGS = ("1. 범죄사실", "2. 변호인의 주장", "3. 관련 법리", "4. 판단", "5. 양형의 이유")


def make(seed: int, number: int) -> Document:
    """Write one judgment."""
    draw = Draw(seed, KIND, number)
    label, name = rotate(seed, KIND, number, ROWS)
    things, acts, points, proofs = words(SUBJECTS[label][name])
    crime = label == "형사"
    day = draw.date(2030, 2036)
    ruled = later(day, draw.between(14, 36))
    case = f"{ruled[0] - 1}{CASE_SIGNS[label]}{draw.between(1001, 98999)}"
    cited = f"{day[0]}. {draw.between(1, 12)}. {draw.between(1, 28)}. 선고 {day[0] - 1}"
    sign = {"형사": "도", "행정": "두", "가사": "므"}.get(label, "다")
    plaintiff, defendant = draw.person(), draw.person()
    if label in ("민사", "노동") and draw.chance(50):
        defendant = draw.company()
    elif label == "행정":
        defendant = draw.one(("한빛", "새솔", "가람", "미르", "다온")) + draw.one(
            ("시장", "구청장", "군수")
        )
    elif label == "의료":
        defendant = draw.hospital()
    facts = {
        "name": name,
        "plaintiff": plaintiff,
        "defendant": defendant,
        "expert": draw.person(),
        "day1": dotted(day),
        "day2": dotted(later(day, draw.between(1, 9))),
        "place": draw.place(),
        "won": draw.won(15, 4000),
        "article": draw.between(3, 88),
        "law": f"「{name.split('(')[0]} 사건의 처리에 관한 법률」",
        "cite": f"대법원 {cited}{sign}{draw.between(10001, 89999)} 판결",
    }
    flow = Flow(draw, facts, {"T": things, "A": acts, "Q": points, "E": proofs})
    claims = CLAIMS + ORDERS_CLAIMS if label == "행정" else CRIME_CLAIMS if crime else CLAIMS
    order = orders(draw, flow, crime, label)
    parts = [
        opening(draw, flow, CRIME_FACTS if crime else FACTS),
        flow.some(claims, draw.between(2, 3)),
        flow.some(RULES, draw.between(2, 3)),
        flow.some(APPLICATIONS + (() if crime else CIVIL_APPLICATIONS), draw.between(3, 6)),
        flow.some(SENTENCING, draw.between(1, 3)) if crime else [],
    ]
    parts[4].append(flow.one(CRIME_CONCLUSIONS if crime else CONCLUSIONS))
    lines = [f"{draw.court()} {dotted(ruled)} 선고 {case} 판결 [{name}]", "【주    문】", *order]
    roles = ("피해자", "피고인") if crime else ("원고", "피고")
    lines.insert(1, f"{roles[0]} {plaintiff} / {roles[1]} {defendant}")
    lines.append("【이    유】")
    for heading, part in zip(CRIME_HEADINGS if crime else draw.one(HEADINGS), parts, strict=True):
        lines.append(heading)
        # Long sections break into two paragraphs, as real reasoning does.
        cut = draw.between(2, 3) if len(part) > 3 else len(part)
        lines.extend(" ".join(chunk) for chunk in (part[:cut], part[cut:]) if chunk)
    return Document(f"{name} 사건", iso(ruled), case, label, "\n".join(lines))


def opening(draw: Draw, flow: Flow, pool: tuple[str, ...]) -> list[str]:
    """Write the facts, the earlier day before the later one."""
    first = draw.one([template for template in pool if "{day1}" in template])
    rest = [template for template in pool if "{day1}" not in template]
    return [flow.say(first), *flow.some(rest, draw.between(2, 5))]


def orders(draw: Draw, flow: Flow, crime: bool, label: str) -> list[str]:
    """Write the operative part, which differs between crimes, dispositions, and claims."""
    if crime:
        months = draw.between(4, 30)
        sentence = flow.say("피고인 {defendant:을} {name} 범행에 대하여 징역 ")
        return [f"{sentence}{months}월에 처한다."]
    if label == "행정":
        first = "1. 피고 {defendant:이} {day2} 원고 {plaintiff}에게 한 {t} 관련 처분을 취소한다."
    elif label == "가사":
        first = "1. {plaintiff:과} {defendant} 사이의 {name} 청구를 {t}에 관한 범위에서 인용한다."
    else:
        first = (
            "1. 피고 {defendant:은} 원고 {plaintiff}에게 {t}에 관하여 "
            "{won} 및 이에 대한 지연이자를 지급하라."
        )
    return [
        flow.say(first),
        flow.say("2. {name} 청구에 관한 소송비용은 피고 {defendant:이} 부담한다."),
    ]
