"""Clinical notes: complaint, history, examination, tests, assessment, and plan of a patient."""

from .contract import personal_data
from .disease_terms import DISEASES
from .shared import Document, Draw, Flow, dotted, iso, rotate, words

KIND = "clinical_note"
ROWS = [(label, name) for label, table in DISEASES.items() for name in table]
FEMALE_ONLY = ("산부인과",)
# Years of history would contradict the age of an infant and the onset of an emergency.
NO_LONG_HISTORY = ("소아청소년과", "응급의학과")

# S: symptom, G: sign, X: test, R: treatment, V: advice; small letter: the one named last.
COMPLAINTS = (
    "{who} {patient:은} {days}일 전부터 시작된 {S:과} {s:을} 주소로 {dept}에 내원함.",
    "{who} {patient:이} {S:을} 호소하며 {dept}에 내원하였고, {s}도 동반되었다고 함.",
    "내원 {days}일 전 발생한 {S:이} 점차 심해져 {who} {patient:이} {dept} 진료를 받고자 함.",
)
HISTORIES = (
    "{patient:은} {years}년 전 {disease} 진단을 받고 {R} 치료를 받은 바 있음.",
    "{S:은} 밤에 더 심하고 {s}에 대한 {R} 후 일시적으로 호전되었다고 함.",
    "과거 {disease:으로} {R:을} 받은 적이 있으나 {V:은} 지키지 못하였음.",
    "최근 {months}개월간 {patient:은} {S:이} 주 {times}회 나타나 일상생활에 지장이 있음.",
    "가족 중 {disease} 환자가 있으며 {s}에 관하여 타 병원에서 {X:을} 확인함.",
    "{patient:은} {r} 외에 복용 중인 약이 없고 {S} 양상은 이전과 비슷하다고 진술함.",
    "{S:이} 있을 때마다 {v:을} 시도하였으나 {disease} 증상은 조절되지 않음.",
)
EXAMS = (
    "활력징후 BP {sbp}/{dbp}mmHg, HR {pulse}회/분, BT {temp}℃이며 {patient}에게서 {G:이} 확인됨.",
    "신체진찰상 {G:이} 관찰되고 {S} 부위를 진찰할 때 불편감을 호소함.",
    "{g} 소견이 뚜렷하며 {disease}에서 보이는 {S:과} 부합함.",
    "{patient}의 의식은 명료하나 {s:과} 함께 {G:이} 이전 진료 때부터 지속됨.",
)
TESTS = (
    "{X:을} 확인한 결과 {disease}에 합당한 소견이 보였으며 {g:과} 일치함.",
    "혈액검사상 Hb {hemo}g/dL, WBC {white}/㎕, 혈당 {sugar}mg/dL이고 {X:은} 추가 의뢰함.",
    "{patient}의 {x} 결과가 이전보다 악화되어 {X:을} 함께 확인하기로 함.",
    "{S:을} 감별하기 위하여 {X:을} 처방하였고 {patient}에게 검사 목적을 설명함.",
    "HbA1c {sugarbound}%, CRP {crp}mg/L 확인 후 {X:으로} {disease}의 정도를 평가함.",
)
ASSESSMENTS = (
    "{s:과} {X} 결과를 종합하여 {disease}({code}) 진단하에 치료가 필요하다고 판단함.",
    "{G:을} 동반한 {disease}({code})로 평가되며 {S}의 악화 가능성을 고려함.",
    "감별진단을 검토하였으나 {x:과} {g:을} 근거로 {disease}({code}) 소견으로 봄.",
)
PLANS = (
    "{disease}에 대하여 {R:을} 시작하고 {weeks}주 뒤 {X:을} 다시 확인할 예정임.",
    "{r:을} 유지하면서 {S:이} 남아 있으면 {R:을} 추가하기로 함.",
    "{patient}에게 {V:과} {v:을} 교육하고 {S:이} 심해지면 바로 내원하도록 설명함.",
    "{R} 시행 전 {disease}의 경과와 {r}의 위험을 설명하고 동의를 받음.",
    "{V} 이행 여부를 다음 외래에서 확인하고 {X} 추적 일정을 잡음.",
    "{dept} 외래에서 {weeks}주 간격으로 {S:과} {g}의 변화를 관찰하기로 함.",
)
PROGRESS = (
    "{day2} 재진 시 {R} 이후 {s:이} 절반 정도로 줄었다고 {patient:이} 말함.",
    "{patient:은} {r:을} {weeks}주간 유지한 뒤 {G:이} 줄고 {S}도 호전됨.",
    "추적 {X}에서 {disease} 소견이 나아져 {R} 계획을 조정하고 {V} 안내를 이어 가기로 함.",
    "{v:을} 꾸준히 실천한 {patient}에서 {S} 재발은 관찰되지 않음.",
)
SECTIONS = (
    ("[주소]", COMPLAINTS, 1, 2),
    ("[현병력 및 과거력]", HISTORIES, 3, 5),
    ("[진찰]", EXAMS, 2, 3),
    ("[검사]", TESTS, 2, 4),
    ("[평가]", ASSESSMENTS, 1, 2),
    ("[계획]", PLANS, 3, 5),
    ("[경과]", PROGRESS, 1, 3),
)


def age_of(draw: Draw, label: str, disease: str) -> str:
    """Return an age that fits the department."""
    if label == "소아청소년과":
        infant = disease.startswith(("급성 세기", "영아"))
        return f"생후 {draw.between(3, 11)}개월" if infant else f"{draw.between(2, 9)}세"
    if disease == "뇌성마비":
        return f"{draw.between(4, 12)}세"
    if disease in ("전자간증", "임신성 당뇨병", "자궁내막증", "골반염"):
        return f"{draw.between(24, 41)}세"
    return f"{draw.between(31, 79)}세"


def make(seed: int, number: int) -> Document:
    """Write one clinical note."""
    draw = Draw(seed, KIND, number)
    label, disease = rotate(seed, KIND, number, ROWS)
    code, *columns = DISEASES[label][disease]
    symptoms, signs, tests, treatments, advice = words(columns)
    day = draw.date()
    female = label in FEMALE_ONLY or disease == "유방암" or draw.chance(50)
    age = age_of(draw, label, disease)
    sex = ("여" if female else "남") + ("아" if label == "소아청소년과" else "자")
    patient = f"{draw.person()} 환자"
    group = f"P{day[0] % 100}-{draw.between(100000, 999999)}"
    facts = {
        "patient": patient,
        "who": f"{age} {sex}",
        "disease": disease,
        "dept": label,
        "code": code,
        "days": draw.between(2, 20),
        "years": draw.between(2, 12),
        "months": draw.between(2, 6),
        "times": draw.between(2, 5),
        "weeks": draw.between(1, 8),
        "sbp": draw.between(96, 178),
        "dbp": draw.between(58, 94),
        "pulse": draw.between(58, 124),
        "temp": f"{draw.between(362, 392) / 10:.1f}",
        "hemo": f"{draw.between(85, 156) / 10:.1f}",
        "white": f"{draw.between(42, 168) * 100:,}",
        "sugar": draw.between(78, 289),
        "sugarbound": f"{draw.between(50, 98) / 10:.1f}",
        "crp": f"{draw.between(2, 940) / 10:.1f}",
        "day2": dotted((day[0], 12, day[2]) if day[1] == 12 else (day[0], day[1] + 1, day[2])),
    }
    fields = {"S": symptoms, "G": signs, "X": tests, "R": treatments, "V": advice}
    flow = Flow(draw, facts, fields)
    lines = [f"{draw.hospital()} {label} 진료기록 {group}", f"진료일 {dotted(day)}"]
    lines.append(f"{patient} / {age} {sex} / {disease} ({code})")
    for heading, pool, low, high in SECTIONS:
        if pool is HISTORIES and label in NO_LONG_HISTORY:
            pool = tuple(template for template in pool if "{years}" not in template)
        lines.append(heading)
        lines.append(" ".join(flow.some(pool, draw.between(low, high))))
    if draw.chance(3):
        lines += personal_data(draw, patient)
    return Document(f"{disease} 진료기록", iso(day), group, label, "\n".join(lines))
