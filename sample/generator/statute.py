"""Statutes: purpose, definitions, duties, procedure, penalties, and addenda of an invented act."""

from .shared import Document, Draw, Flow, Word, dotted, iso, rotate, words
from .statute_terms import SUBJECTS

KIND = "statute"
ROWS = [(label, name) for label, table in SUBJECTS.items() for name in table]
OFFICES = ("가온부장관", "누리위원장", "한빛청장", "다온처장", "해솔진흥원장", "미르감독원장")
SCOPES = ("법률", "특별법")

# T: thing, P: person, A: act, E: paper, D: danger; small letter: the one named last.
PURPOSES = (
    "이 법은 {T:과} {A}에 필요한 사항을 정하여 {D:을} 막고 {name}에 이바지함을 목적으로 한다.",
    "이 법은 {P}의 책무와 {T}의 기준을 규정함으로써 {name:을} 체계적으로 추진함을 목적으로 한다.",
    "이 법은 {d:으로부터} 국민을 보호하고 {T}에 관한 {A:을} 적정하게 하는 것을 목적으로 한다.",
)
DEFINITIONS = (
    "“{T}”{은} {name:을} 위하여 {P:이} 갖추거나 다루는 것으로서 {office:이} 고시하는 것을 말한다.",
    "“{P}”{은} {t:과} 관련된 {A:을} 업으로 하거나 그 책임을 지는 사람을 말한다.",
    "“{A}”{은} {P:이} {t}에 대하여 {E:을} 갖추어 하는 일체의 행위를 말한다.",
)
DUTIES = (
    "{p:은} {T:을} 갖추지 아니하고는 {A:을} 하여서는 아니 된다.",
    "{P:은} {a:을} 하기 {days}일 전까지 {office}에게 {E:을} 제출하여야 한다.",
    "{office:은} {T}의 상태를 해마다 조사하고 그 결과를 {P}에게 알려야 한다.",
    "국가와 지방자치단체는 {t}ㆍ{T:을} 확충하고 {A}에 드는 비용을 지원할 수 있다.",
    "{P:은} {T}에서 {D:이} 생기거나 생길 우려가 있으면 지체 없이 {office}에게 신고하여야 한다.",
    "{t}에 관한 {A}의 방법ㆍ절차와 {E}의 서식은 대통령령으로 정한다.",
    "누구든지 {P}의 {A:을} 정당한 사유 없이 방해하여서는 아니 된다.",
    "{p:이} {E:을} 잃어버린 때에는 {days}일 이내에 {a} 사실을 적어 다시 발급받아야 한다.",
)
PROCEDURES = (
    "{office:은} 제{low}조에 따른 {A:이} 끝나면 {days}일 이내에 {E:을} {P}에게 내주어야 한다.",
    "{P:은} {a}의 결과에 이의가 있으면 {E:을} 받은 날부터 {days}일 이내에 재심을 신청할 수 있다.",
    "{office:은} {D:을} 예방하기 위하여 {T}에 대한 {A:을} 명할 수 있다.",
    "제1항에 따른 {A:은} {T:이} 있는 장소에서 하되, {p:을} 참여하게 하여야 한다.",
    "{office:은} {E:을} {years}년간 보존하고 {t}에 관한 통계를 작성하여야 한다.",
    "{d}의 정도가 무거운 경우 {office:은} {P}에 대하여 {A:을} 중지하게 할 수 있다.",
    "{P:이} {E:을} 제출하지 아니한 때에는 {T}에 대한 {a:을} 신청하지 아니한 것으로 본다.",
    "{office:은} {A:을} 전문기관에 위탁하는 경우 {T}의 관리 실태를 점검하여야 한다.",
)
ITEMS = (
    "{T}의 명칭ㆍ수량 및 {A}의 방법",
    "{P:이} {A:을} 위하여 갖춘 {T}의 내역",
    "{D:이} 발생한 때의 {P}의 조치 사항",
    "{E}의 보존 장소와 {t}의 관리 책임",
)
PENALTIES = (
    "제{low}조를 위반하여 {T:을} 훼손하거나 {A:을} 거짓으로 한 자는 {jail}년 이하의 징역에 처한다.",
    "{E:을} 거짓으로 작성하여 {D:을} 일으킨 {P}에게는 {fine}만원 이하의 벌금을 부과한다.",
    "제{high}조에 따른 {A:을} 기피한 {P}에게는 {fine}만원 이하의 과태료를 부과한다.",
    "{p:이} {t}에 관하여 {d:을} 스스로 신고한 때에는 그 형을 줄이거나 면제할 수 있다.",
)
ADDENDA = (
    "이 법 시행 당시 종전의 규정에 따라 {A:을} 한 {P:은} 이 법에 따라 {t:을} 갖춘 것으로 본다.",
    "이 법 시행 전에 제출된 {E}에 관하여는 {A}의 기준을 종전의 예에 따른다.",
)
TITLES = {
    "duty": ("{p}의 의무", "{t}의 관리", "{t}의 기준", "{a}의 제한"),
    "procedure": ("{a}의 절차", "{e}의 발급", "{d}의 예방", "{t}의 점검"),
}
MARKS = "①②③④⑤⑥"


def article(number: int, title: str, sentences: list[str]) -> str:
    """Lay out one article, numbering its paragraphs only when there are several."""
    head = f"제{number}조({title}) "
    if len(sentences) == 1:
        return head + sentences[0]
    lines = [f"{mark} {text}" for mark, text in zip(MARKS, sentences, strict=False)]
    return head + "\n".join(lines)


def make(seed: int, number: int) -> Document:
    """Write one statute."""
    draw = Draw(seed, KIND, number)
    label, name = rotate(seed, KIND, number, ROWS)
    things, persons, acts, papers, dangers = words(SUBJECTS[label][name])
    day = draw.date()
    facts = {
        "name": name,
        "office": draw.one(OFFICES),
        "days": draw.between(5, 90),
        "years": draw.between(2, 10),
        "low": draw.between(3, 5),
        "high": draw.between(6, 7),
        "jail": draw.between(1, 7),
        "fine": f"{draw.between(2, 50) * 100:,}",
    }
    fields = {"T": things, "P": persons, "A": acts, "E": papers, "D": dangers}
    flow = Flow(draw, facts, fields)
    scope = draw.one(SCOPES)
    place = draw.one(("한빛", "새솔", "가람", "미르", "누리", "다온"))
    title = f"{place} {name}에 관한 {scope}"
    lines = [f"「{title}」", article(1, "목적", [flow.one(PURPOSES)]), definitions(draw, flow)]
    count = 3
    plan = (("duty", DUTIES, 2), ("procedure", PROCEDURES, 2))
    for part, pool, articles in plan:
        chosen = draw.some(pool, len(pool))
        for heading in draw.some(TITLES[part], articles):
            taken = [chosen.pop() for _ in range(draw.between(1, 3)) if chosen]
            heading = flow.say(heading)
            lines.append(article(count, heading, [flow.say(template) for template in taken]))
            count += 1
        if part == "duty":
            lines.append(
                article(
                    count,
                    flow.say("{e}의 작성"),
                    [
                        flow.say(
                            "{P:은} 다음 각 호의 사항을 적은 {e:을} {office}에게 제출하여야 한다."
                        )
                    ],
                )
            )
            listed = draw.some(ITEMS, draw.between(2, 4))
            lines.extend(f"{i}. {flow.say(item)}" for i, item in enumerate(listed, 1))
            if draw.chance(50):
                lines += [
                    f"가. {flow.say('{t:을} 새로 두는 경우에는 그 설치 장소')}",
                    f"나. {flow.say('{a:을} 맡은 {p}의 자격')}",
                ]
            count += 1
    lines.append(article(count, "벌칙", flow.some(PENALTIES, draw.between(2, 3))))
    lines.append(f"부칙 <제{draw.between(11, 998)}호, {dotted(day)}>")
    lines.append(
        f"제1조(시행일) {name}에 관한 이 법은 공포 후 "
        f"{draw.between(3, 24)}개월이 경과한 날부터 시행한다."
    )
    lines.append("제2조(경과조치) " + flow.one(ADDENDA))
    return Document(title, iso(day), title, label, "\n".join(lines))


def definitions(draw: Draw, flow: Flow) -> str:
    """Write the article of definitions, its topic particle agreeing with the quoted term."""
    # The particle follows a closing quotation mark, so it cannot be written in the template.
    lines = [flow.say("제2조(정의) {name}에 관하여 이 법에서 사용하는 용어의 뜻은 다음과 같다.")]
    for count, template in enumerate(draw.some(DEFINITIONS, draw.between(2, 3)), 1):
        head, body = template.split("”", 1)
        term = flow.say(head.replace("“", ""))
        body = flow.say(body.split("}", 1)[1])
        particle = "이란" if f"{Word(term):은}".endswith("은") else "란"
        lines.append(f"{count}. “{term}”{particle}{body}")
    return "\n".join(lines)
