"""Guidelines: scope, diagnosis, treatment, monitoring, and education for one disease."""

from .disease_terms import DISEASES
from .shared import Document, Draw, Flow, iso, rotate, words

KIND = "guideline"
ROWS = [(label, name) for label, table in DISEASES.items() for name in table]
SOCIETIES = ("가온", "누리", "한빛", "다온", "해솔", "미르")

# S: symptom, G: sign, X: test, R: treatment, V: advice; small letter: the one named last.
SCOPE = (
    "이 지침은 {S:과} {s:을} 보이는 {disease}({code}) 환자의 {dept} 진료를 돕기 위하여 마련되었다.",
    "{disease:은} {S:을} 주된 증상으로 하며 {dept:을} 찾는 환자의 약 {rate}%를 차지한다.",
    "대상은 {G:이} 확인된 {disease} 환자이며, {R:을} 이미 마친 환자는 별도의 권고를 따른다.",
    "{disease}의 유병률은 인구 1,000명당 {prev}명이며 {S:을} 방치하면 합병증이 늘어난다.",
)
DIAGNOSIS = (
    "{S:이} {days}일 이상 이어지는 환자에서는 {disease:을} 의심하고 {X:을} 확인한다.",
    "{X:은} {disease}의 진단에 민감도가 높으므로 {S} 환자에게 먼저 권고한다.",
    "{x}에서 이상이 없더라도 {G:이} 뚜렷하면 {X:을} 추가할 수 있다.",
    "{G:은} {disease:을} 시사하는 소견이지만 {s} 없이 나타나면 다른 원인을 찾아야 한다.",
    "{X:과} {g:을} 함께 확인하면 {disease}의 진단 정확도가 {rate}%까지 올라간다.",
    "진단 당시 {S}의 정도를 기록하고 {x} 결과와 견주어 중증도를 나눈다.",
)
TREATMENT = (
    "{disease}의 1차 치료로 {R:을} 권고한다(권고 등급 {grade}, 근거 수준 {level}).",
    "{r:으로} {S:이} 조절되지 않으면 {weeks}주 안에 {R:을} 추가한다.",
    "{G:이} 심한 {disease} 환자에게는 {R:을} 먼저 고려하는 것이 바람직하다.",
    "{R:을} 시작하기 전에 {X:을} 확인하고 {disease} 환자와 이득ㆍ위해를 상의한다.",
    "{R:과} {r:을} 병용하면 {S}의 재발을 {cut}% 줄일 수 있다고 보고되었다.",
    "고령의 {disease} 환자에서는 {r}의 이상반응을 살피며 낮은 강도로 시작하도록 권고한다.",
    "{s:이} 사라진 뒤에도 {R}의 효과를 적어도 {weeks}주간 확인해야 한다.",
)
MONITOR = (
    "{R:을} 받는 환자는 {weeks}주마다 {X:을} 확인하여 {disease}의 경과를 평가한다.",
    "{disease} 환자의 {x} 결과가 이전보다 나빠지면 {R}의 변경을 검토하여야 한다.",
    "추적 기간에 {S:이나} {G:이} 다시 나타나면 {dept} 전문의에게 의뢰한다.",
    "{disease}의 재발은 {years}년 안에 많으므로 {S:을} 스스로 확인하게 한다.",
)
EDUCATION = (
    "{disease} 환자와 보호자에게 {V:과} {v:을} 교육하도록 강하게 권고한다.",
    "{V:은} {S:을} 줄이고 {r}의 효과를 높이므로 진료 때마다 확인한다.",
    "{v:을} 실천하지 못한 {disease} 환자에게는 {R}의 필요성을 다시 설명한다.",
    "퇴원 전에 {V:을} 문서로 안내하고 {s:이} 심해질 때의 연락처를 알려 준다.",
)
RESEARCH = (
    "{disease}에서 {R}의 장기 효과를 밝히려면 {X:을} 이용한 연구가 더 필요하다.",
    "앞으로 {V:이} {S}에 미치는 영향을 살핀 무작위 시험이 요구된다.",
)
SECTIONS = (
    (("적용 범위", "배경과 목적"), SCOPE, 2, 3),
    (("진단", "진단과 평가"), DIAGNOSIS, 3, 5),
    (("치료", "치료 권고"), TREATMENT, 3, 6),
    (("추적 관찰", "경과 관찰"), MONITOR, 2, 3),
    (("환자 교육", "생활 관리"), EDUCATION, 2, 3),
    (("향후 과제", "근거의 한계"), RESEARCH, 1, 2),
)


def make(seed: int, number: int) -> Document:
    """Write one guideline."""
    draw = Draw(seed, KIND, number)
    label, disease = rotate(seed, KIND, number, ROWS)
    code, *columns = DISEASES[label][disease]
    symptoms, signs, tests, treatments, advice = words(columns)
    day = draw.date()
    title = f"{disease} 진료지침 {day[0]}"
    facts = {
        "disease": disease,
        "dept": label,
        "code": code,
        "rate": draw.between(11, 94),
        "prev": f"{draw.between(3, 480) / 10:.1f}",
        "days": draw.between(2, 28),
        "weeks": draw.between(2, 24),
        "grade": draw.one(("A", "B", "C")),
        "level": draw.one(("높음", "중등도", "낮음")),
        "cut": draw.between(8, 55),
        "years": draw.between(1, 5),
    }
    fields = {"S": symptoms, "G": signs, "X": tests, "R": treatments, "V": advice}
    flow = Flow(draw, facts, fields)
    society = draw.one(SOCIETIES) + label.removesuffix("과") + "학회"
    lines = [f"{title} ({society})"]
    for count, (headings, pool, low, high) in enumerate(SECTIONS, 1):
        lines.append(f"{count}. {draw.one(headings)}")
        body = flow.some(pool, draw.between(low, high))
        if pool is TREATMENT:
            lines.extend(f"권고 {count}-{i}. {line}" for i, line in enumerate(body, 1))
        else:
            lines.append(" ".join(body))
    return Document(title, iso(day), f"{society} {title}", label, "\n".join(lines))
