"""Contracts: parties, object, term, price, duties, termination, and signature."""

from .contract_terms import SUBJECTS
from .shared import Document, Draw, Flow, dotted, iso, later, rotate, words

KIND = "contract"
ROWS = [(label, name) for label, table in SUBJECTS.items() for name in table]
# label -> (role of the first party, role of the second party, name of the price).
ROLES = {
    "임대차": ("임대인", "임차인", "차임"),
    "용역": ("위탁자", "수탁자", "용역비"),
    "매매": ("매도인", "매수인", "매매대금"),
    "근로": ("사용자", "근로자", "임금"),
    "비밀유지": ("제공자", "수령자", "위약벌"),
    "연구": ("연구위탁기관", "연구수행기관", "연구비"),
}

# Units of 100,000 won; rent and wages are monthly and so much smaller.
AMOUNTS = {"임대차": (4, 90), "근로": (22, 70)}

# T: object, A: duty, E: paper, D: danger; small letter: the one named last.
PURPOSE = (
    "이 계약은 {first:과} {second} 사이의 {name} {label} 관계에서 {T:과} {A}에 관한 사항을 정한다.",
    "{first:과} {second:은} {T:을} 중심으로 {name} {label}의 조건과 {A}의 방법을 아래와 같이 "
    "합의한다.",
    "이 계약의 목적은 {first:이} {second:과} {A:을} 함께하면서 {T:을} 적정하게 다루는 데 있다.",
)
OBJECT = (
    "{name} 계약의 대상은 {t:과} {T:을} 포함하며, 그 상세는 별지 {E}에 적는다.",
    "{first:은} {second}에게 {T}의 현황을 설명하고 {E:을} 교부하였다.",
    "{second:은} {place}에서 {T:을} 확인하였고 {e}의 내용과 다름이 없음을 인정한다.",
    "당사자가 달리 정하지 아니하면 {t}의 범위는 {E}에 적힌 {T:을} 기준으로 한다.",
)
TERM = (
    "계약기간은 {start}부터 {end}까지로 하고, {A}의 개시일은 {start}로 한다.",
    "{second:이} {A:을} 성실히 마친 경우 {first:은} {months}개월 범위에서 {t}에 관한 기간을 "
    "연장할 수 있다.",
    "기간이 끝나기 {days}일 전까지 {second:이} {T}에 관한 이견을 알리지 아니하면 같은 "
    "조건으로 갱신된다.",
    "{A:이} {first}의 사정으로 늦어진 때에는 늦어진 날수만큼 {T}에 관한 기한을 미룬다.",
)
PRICE = (
    "{name} {label}의 {price:은} {won:으로} 하고, {second:이} 아닌 제3자의 {T}에 관한 비용은 "
    "포함하지 아니한다.",
    "{price} 가운데 {part:은} {A:을} 확인한 날부터 {days}일 이내에 정산한다.",
    "{E:이} 제출되지 아니한 동안에는 {t}에 관한 {price}의 정산을 보류할 수 있다.",
    "{T:이} 늘거나 줄어든 때에는 {first:과} {second:이} 협의하여 {price:을} 다시 정한다.",
)
DUTY = (
    "{second:은} 선량한 관리자의 주의로 {T:을} 다루고 {A:을} 게을리하지 아니한다.",
    "{first:은} {second:이} {A:을} 하는 데 필요한 {T:을} 제때 준비하여야 한다.",
    "{second:은} {A:을} 마칠 때마다 {E:을} 작성하여 {first}에게 보낸다.",
    "{first:은} {E:을} 받은 날부터 {days}일 이내에 {t}에 관한 의견을 밝혀야 한다.",
    "{second:은} {first}의 서면 동의 없이 {T:을} 제3자에게 넘기거나 {a:을} 다시 맡길 수 없다.",
    "{a:과} {A}에 드는 비용은 {first:과} {second}의 협의에 따라 나누어 부담한다.",
    "{D:을} 막기 위하여 {second:은} 매월 {T:을} 점검하고 그 결과를 {E}에 남긴다.",
)
RISK = (
    "{D:이} 생긴 때에는 {second:이} 즉시 {first}에게 알리고 {A:을} 멈추어야 한다.",
    "{d:으로} {T}에 손해가 난 경우 책임 있는 당사자는 {won}의 범위에서 이를 배상한다.",
    "{first:이} 미리 알려 주지 아니한 {D}에 대하여는 {second:이} 책임을 지지 아니한다.",
    "천재지변으로 {A:이} 불가능해진 때에는 {first:과} {second} 모두 {t}에 관한 책임을 면한다.",
    "{D:을} 대비하여 {first:은} {T:을} 보험에 들고 {E:을} {second}에게 보여 준다.",
)
END = (
    "{second:이} {A:을} {days}일 넘게 하지 아니하면 {first:은} 최고 없이 계약을 해지할 수 있다.",
    "{first:이} {T:을} 제공하지 아니한 경우 {second:은} 상당한 기간을 정하여 이행을 최고한 "
    "뒤 해지한다.",
    "계약이 끝나면 {second:은} {t:과} {E:을} {first}에게 돌려주고 {A:을} 마무리한다.",
    "{D:이} 두 차례 이상 되풀이된 때에는 {first:이} {t}에 관한 계약의 해제를 통지할 수 있다.",
)
DISPUTE = (
    "{T:과} {A}에 관한 분쟁은 {first:과} {second}의 협의로 풀되, 어려우면 {court}의 관할로 한다.",
    "이 계약에 없는 {T}의 처리는 「{name} 표준거래법」과 {A}의 관행에 따른다.",
)
SECTIONS = (
    ("목적", PURPOSE, 1, 1),
    ("{name}의 범위", OBJECT, 2, 3),
    ("계약기간", TERM, 1, 2),
    ("{price}", PRICE, 2, 3),
    ("{a}의 의무", DUTY, 2, 4),
    ("{d} 등의 책임", RISK, 1, 3),
    ("해지와 {t}의 처리", END, 2, 3),
    ("분쟁의 해결", DISPUTE, 1, 2),
)
MARKS = "①②③④⑤"


def make(seed: int, number: int) -> Document:
    """Write one contract."""
    draw = Draw(seed, KIND, number)
    label, name = rotate(seed, KIND, number, ROWS)
    objects, duties, papers, dangers = words(SUBJECTS[label][name])
    role_first, role_second, price = ROLES[label]
    first = draw.company()
    second = draw.person() if label in ("임대차", "근로") else draw.company()
    while second == first:
        second = draw.company()
    day = draw.date()
    start = later(day, 1)
    group = f"{day[0]}-{draw.one(('HB', 'NR', 'DO', 'SS'))}-{draw.between(10000, 99999)}"
    facts = {
        "name": name,
        "label": label,
        "first": f"{role_first} {first}",
        "second": f"{role_second} {second}",
        "price": price,
        "place": draw.place(),
        "court": draw.court(),
        "won": draw.won(*AMOUNTS.get(label, (20, 5000))),
        "part": f"{draw.between(2, 8) * 10}%",
        "days": draw.between(5, 60),
        "months": draw.between(3, 24),
        "start": f"{start[0]}년 {start[1]}월 {start[2]}일",
        "end": f"{start[0] + draw.between(1, 4)}년 {start[1]}월 {start[2]}일",
    }
    flow = Flow(draw, facts, {"T": objects, "A": duties, "E": papers, "D": dangers})
    lines = [f"{name} {label}계약서", f"계약번호 {group}"]
    lines.append(
        flow.say("{first:과} {second:은} {name}에 관하여 다음과 같이 {label}계약을 체결한다.")
    )
    for count, (heading, pool, low, high) in enumerate(SECTIONS, 1):
        heading = flow.say(heading)
        body = flow.some(pool, draw.between(low, high))
        if len(body) > 1:
            body = [f"{mark} {line}" for mark, line in zip(MARKS, body, strict=False)]
        lines.append(f"제{count}조({heading}) {body[0]}")
        lines.extend(body[1:])
    lines.append(f"{dotted(day)} {flow.say('{first}')} (인) / {flow.say('{second}')} (인)")
    if draw.chance(3):
        lines += personal_data(draw, facts["second"])
    return Document(f"{name} {label}계약서", iso(day), group, label, "\n".join(lines))


def personal_data(draw: Draw, owner: str) -> list[str]:
    """Write made-up personal data under the mark that the scrubber's tests look for."""
    born = f"{draw.between(50, 99):02d}{draw.between(1, 12):02d}{draw.between(1, 28):02d}"
    resident = f"{born}-{draw.between(1, 2)}{draw.below(1_000_000):06d}"
    phone = f"010-0000-{draw.below(10_000):04d}"
    mail = f"user{draw.between(100, 9999)}@example.com"
    return ["[가상의 개인정보]", f"{owner} 주민등록번호 {resident}, 전화 {phone}, 전자우편 {mail}"]
