"""Drug leaflets: use, dose, warnings, side effects, interactions, and storage of a brand."""

from .drug_terms import DRUGS
from .shared import COMPANY_HEADS, Document, Draw, Flow, dotted, iso, rotate, terms, words

KIND = "drug_leaflet"
ROWS = [(label, name) for label, table in DRUGS.items() for name in table]
BRAND_HEADS = terms(
    "가온 나래 다솜 라온 마루 바론 새로 아라 자라 차온 카론 타온 파란 하람 루미 세로"
)
BRAND_TAILS = terms("큐 펜 빈 탄 릴 존 민 덤 콜 잘 벨 신 론 틴 락 셀")
FORMS = ("정", "캡슐", "서방정", "필름코팅정")

# U: use, S: side effect, I: interacting drug, C: patient at risk; small letter: named last.
USES = (
    "{brand:은} {drug:을} 주성분으로 하며 {action} 기전으로 {U:과} {u}에 쓰입니다.",
    "이 약의 {drug:은} {U} 및 {u} 환자의 증상을 덜어 주는 {label} 약물입니다.",
    "{brand:은} {U:이} 있는 성인에게 {drug}의 {action} 효과를 얻기 위하여 투여합니다.",
    "{U} 치료에서 {brand:은} 단독으로 쓰거나 다른 {label} 약과 함께 쓸 수 있습니다.",
)
DOSES = (
    "{u} 성인은 {drug:으로서} 1회 {dose}㎎을 1일 {times}회 {meal}에 복용합니다.",
    "{U:이} 심한 경우 {brand}의 1일 최대 용량은 {drug:으로서} {top}㎎을 넘지 않습니다.",
    "{C}에게는 {drug} 1회 {dose}㎎보다 적은 양으로 시작하여 {u}의 경과를 살핍니다.",
    "{brand:을} 잊고 먹지 않았을 때 두 번 분량의 {drug:을} 한꺼번에 복용하지 마십시오.",
    "{U} 증상이 {days}일 넘게 이어지면 {brand} 복용을 멈추고 의사와 상의하십시오.",
    "{brand:은} 물과 함께 통째로 삼키며, {drug:이} 빨리 녹아 나오지 않도록 씹지 마십시오.",
)
FORBIDDEN = (
    "{C:은} {drug} 때문에 {S:이} 생길 수 있으므로 {brand:을} 복용하지 마십시오.",
    "{drug} 또는 이 약의 성분에 과민한 사람과 {C:은} {brand:을} 피해야 합니다.",
    "{I:을} 투여 중인 {c}에게는 {brand:을} 투여하지 않습니다.",
)
CARE = (
    "{C:은} {brand} 복용 전에 {s} 병력이 있는지 의사에게 알리십시오.",
    "{brand:을} 오래 복용하는 {C:은} {S:을} 살피기 위해 정기 검사를 받아야 합니다.",
    "{drug}의 {action} 기전이 {c}에서 강하게 나타나 {S} 위험이 커집니다.",
    "{U} 환자라도 {s:이} 있으면 {drug} 용량을 {dose}㎎ 이하로 줄입니다.",
)
EFFECTS = (
    "{brand} 투여 환자의 {rate}%에서 {S:이} 보고되었으며 대부분 {drug} 감량으로 나아졌습니다.",
    "드물게 {S:과} {s:이} 함께 나타나면 {brand} 복용을 즉시 중지하십시오.",
    "{drug:은} {S:을} 일으킬 수 있으므로 {C:을} 주의 깊게 관찰합니다.",
    "{s} 증상이 의심되면 남은 {brand:을} 가지고 병원을 방문하십시오.",
    "{S:은} {drug}의 용량과 관계가 있으며 1일 {top}㎎ 이상에서 늘어납니다.",
    "시판 후 조사에서 {U} 환자 {people}명 가운데 {S:이} {cases}명에게 나타났습니다.",
)
INTERACTIONS = (
    "{I:은} {drug}의 혈중농도를 높여 {S} 위험을 키우므로 {brand:과} 함께 먹지 않습니다.",
    "{brand:과} {I:을} 같이 쓰면 {drug}의 {action} 효과가 변하여 {u} 조절이 어려워집니다.",
    "{i:을} 복용한 뒤에는 {hours}시간 이상 지나서 {brand:을} 복용하십시오.",
    "{I} 병용이 꼭 필요하면 {drug:을} {dose}㎎으로 줄이고 {s:을} 확인합니다.",
)
SPECIAL = (
    "임신 중인 {u} 환자에 대한 {drug}의 안전성은 확립되지 않았으므로 {brand} 투여를 피합니다.",
    "고령자는 {drug:이} 천천히 배설되어 {S:이} 잦으므로 {brand:을} 적은 양부터 씁니다.",
    "{brand:을} 복용한 뒤 {s:을} 느끼면 운전이나 기계 조작을 하지 마십시오.",
    "과량의 {drug:을} 먹으면 {S:이} 생기므로 {brand} 포장을 들고 응급실로 갑니다.",
)
STORAGE = (
    "{brand:은} {celsius}℃ 이하의 건조한 곳에 두고 {drug:이} 변하지 않도록 빛을 막습니다.",
    "어린이의 손이 닿지 않는 곳에 {brand:을} 보관하고 다른 {label} 약과 섞지 마십시오.",
    "사용기한이 지난 {brand:은} {drug}의 효과가 줄어들므로 약국에 가져가 버리십시오.",
)
SECTIONS = (
    ("효능ㆍ효과", USES, 2, 3),
    ("용법ㆍ용량", DOSES, 2, 4),
    ("투여 금기", FORBIDDEN, 1, 2),
    ("신중 투여", CARE, 1, 3),
    ("이상반응", EFFECTS, 2, 5),
    ("상호작용", INTERACTIONS, 2, 4),
    ("특별한 주의", SPECIAL, 1, 3),
    ("저장방법", STORAGE, 1, 2),
)


def brand_of(seed: int, drug: int, form: int) -> str:
    """Return the brand of one drug in one form, no two drugs sharing a brand."""
    names = [head + tail for head in BRAND_HEADS for tail in BRAND_TAILS]
    shuffled = Draw(seed, KIND, "brands").some(names, len(names))
    return shuffled[drug * len(FORMS) + form] + FORMS[form]


def make(seed: int, number: int) -> Document:
    """Write one drug leaflet."""
    draw = Draw(seed, KIND, number)
    label, name = rotate(seed, KIND, number, ROWS)
    strengths, uses, effects, drugs, action, cautions = words(DRUGS[label][name])
    day = draw.date()
    dose = draw.one(strengths)
    brand = brand_of(seed, ROWS.index((label, name)), draw.below(len(FORMS)))
    people = draw.between(120, 3900)
    facts = {
        "brand": brand,
        "drug": name,
        "label": label,
        "action": action[0],
        "dose": dose,
        "top": f"{float(dose) * draw.between(3, 4):g}",
        "times": draw.between(1, 3),
        "meal": draw.one(("아침 식후", "식사 직후", "식후 30분", "잠자기 전")),
        "days": draw.between(3, 14),
        "rate": f"{draw.between(1, 89) / 10:.1f}",
        "people": f"{people:,}",
        "cases": draw.between(2, 60),
        "hours": draw.between(2, 12),
        "celsius": draw.one((25, 30)),
    }
    if int(facts["times"]) > 1:
        facts["meal"] = draw.one(("식사 직후", "식후 30분", "식간"))
    flow = Flow(draw, facts, {"U": uses, "S": effects, "I": drugs, "C": cautions})
    lines = [
        f"{brand} {dose}㎎ ({name})",
        f"제조: {draw.one(COMPANY_HEADS)}제약, 개정일 {dotted(day)}",
    ]
    for count, (heading, pool, low, high) in enumerate(SECTIONS, 1):
        lines.append(f"{count}. {heading}")
        lines.append(" ".join(flow.some(pool, draw.between(low, high))))
    return Document(f"{brand} {dose}㎎", iso(day), brand, label, "\n".join(lines))
