"""Text that is no corpus: what stands in web pages, scans and exports beside the documents, made by rule.

Each kind is written from what such text looks like, not from what the filters ask. Everything follows from
the seed.
"""

from __future__ import annotations

import base64
import random
import unicodedata
from collections.abc import Callable

Maker = Callable[[random.Random], str]


def _words(text: str) -> list[str]:
    return text.split()


def _phrases(text: str) -> list[str]:
    return text.split("|")


SURNAMES = (
    "김이박최정강조윤장임한오서신권황안송류전홍고문양손배백허남심노하곽성차주우구민진지엄채원천방"
    "공현함변염여추도석선설마길연위표명기반왕금옥육인맹제모탁국어은편용"
)
GIVEN = _words(
    "민준 서연 도윤 지우 하준 서현 영수 영희 미숙 정훈 상철 은주 현우 지민 태영 경숙 "
    "병철 순자 동현 수빈 재석 혜진 광수 보람 승호 나래 기범 유리"
)
CITIES = _words(
    "서울 부산 대구 인천 광주 대전 울산 수원 창원 고양 용인 성남 청주 부천 화성 "
    "남양주 전주 천안 안산 안양 김해 평택 포항 제주 시흥 파주 의정부 김포 구미 원주 "
    "강남 분당 일산 해운대 송파 노원"
)
MENU = _words(
    "홈 로그인 로그아웃 회원가입 마이페이지 장바구니 사이트맵 고객센터 공지사항 "
    "자주묻는질문 이용안내 오시는길 진료시간 진료과목 의료진소개 온라인예약 예약확인 "
    "증명서발급 비급여안내 병원소개 인사말 연혁 조직도 채용정보 언론보도 자료실 "
    "갤러리 커뮤니티 이벤트 상담신청 온라인상담 업무분야 구성원소개 승소사례 "
    "법률상담 칼럼 뉴스레터 정보공개 민원신청 법령정보 판례검색 통합검색 전체메뉴 "
    "이전글 다음글 목록보기 인쇄하기 공유하기 글쓰기 댓글 조회수 더보기 닫기 "
    "바로가기 개인정보처리방침 이용약관 이메일무단수집거부 저작권정책 찾아오시는길 "
    "관련사이트 모바일버전 영어 일본어 중국어 글자크게 글자작게 검색 상세검색 최신순 "
    "인기순 정형외과 신경외과 소아청소년과 산부인과 이비인후과 피부과 안과 치과 내과 "
    "건강검진센터 응급의료센터 민사 형사 가사 행정 조세 특허 부동산 상속 이혼 노동 "
    "의료소송 기업자문 개인회생 파산"
)
PRODUCTS = _words(
    "볼펜 복사용지 거즈 붕대 주사기 수액세트 혈압계 체온계 휠체어 목발 장갑 마스크 "
    "소독제 알코올솜 청진기 침대 모니터 프린터 토너 의자 책상 캐비닛 파일철 봉투 "
    "테이프 서류함 라벨 스캐너"
)
UNITS = _words("개 박스 세트 권 매 대 팩 병 통 EA BOX SET")

SUBJECTS = _words(
    "원고는 피고는 피고인은 검사는 법원은 환자는 의료진은 담당 의사는 보험회사는 "
    "임대인은 임차인은 위원회는 상대방은 회사는 근로자는 증인은 신청인은 채권자는 "
    "채무자는 약사는"
)
MIDDLES = _phrases(
    "계약서의 내용을|사고 당일 오후에|퇴원한 다음 날부터|서면으로 여러 차례|"
    "그 사실을 알면서도|건물의 인도를|손해의 배상을|진료기록부에 적힌 대로|"
    "정해진 기간 안에|수술 전의 설명을|보증금 전액의 반환을|약의 부작용에 관하여|"
    "관련 법령에 따라|통상의 주의를 기울여|남은 대금의 지급을"
)
VERBS = _phrases(
    "요구하였다.|거절하였다.|확인하지 아니하였다.|인정할 수 있다.|주장하고 있다.|"
    "통지하였다.|받아들이기 어렵다.|다투지 아니한다.|기록하였다.|이행하여야 한다.|"
    "알 수 없었다.|승인하였다."
)


def prose(draw: random.Random, sentences: int) -> str:
    """Return Korean sentences, the ground that scans and pages spoil."""
    return " ".join(
        f"{draw.choice(SUBJECTS)} {draw.choice(MIDDLES)} {draw.choice(MIDDLES)} {draw.choice(VERBS)}"
        for _ in range(sentences)
    )


def person(draw: random.Random) -> str:
    """Return a Korean name."""
    return draw.choice(SURNAMES) + draw.choice(GIVEN)


def phone(draw: random.Random) -> str:
    """Return a telephone number in one of the usual spellings."""
    area = draw.choice(("02", "031", "051", "053", "062", "010", "070", "1588"))
    middle, last = draw.randrange(200, 9999), draw.randrange(10_000)
    return draw.choice(("{}-{}-{:04}", "{}.{}.{:04}", "{}) {}-{:04}", "{} {} {:04}")).format(
        area, middle, last
    )


def latin_keyboard(draw: random.Random) -> str:
    """Return what a hand leaves on a Latin keyboard."""
    rows = ("asdfghjkl;'", "qwertyuiop[]", "zxcvbnm,./", "1234567890-=")
    words = []
    for _ in range(draw.randrange(25, 200)):
        row = draw.choice(rows[:3]) if draw.random() < 0.9 else rows[3]
        start = draw.randrange(len(row) - 3)
        word = row[start : start + draw.randrange(3, 7)] * draw.randrange(1, 3)
        words.append(word if draw.random() < 0.7 else "".join(draw.sample(word, len(word))))
    return _wrapped(draw, words)


def hangul_keyboard(draw: random.Random) -> str:
    """Return what a hand leaves on a Korean keyboard: jamo, and syllables the input method made of them."""
    onsets, vowels = "ㅂㅈㄷㄱㅅㅁㄴㅇㄹㅎㅋㅌㅊㅍㅃㅉㄸㄲㅆ", "ㅛㅕㅑㅐㅔㅗㅓㅏㅣㅠㅜㅡㅒㅖ"
    share = draw.uniform(0.2, 0.95)
    words = []
    for _ in range(draw.randrange(25, 200)):
        word = ""
        for _ in range(draw.randrange(2, 8)):
            if draw.random() < share:
                onset, vowel, coda = draw.randrange(19), draw.randrange(21), draw.randrange(28)
                word += chr(0xAC00 + (onset * 21 + vowel) * 28 + coda * (draw.random() < 0.6))
            else:
                word += draw.choice(onsets + vowels + "ㅁㄴㅇㄹㅎ")
        words.append(word)
    return _wrapped(draw, words)


def wrong_layout(draw: random.Random) -> str:
    """Return Korean typed with the keyboard left on Latin letters."""
    keys = dict(
        zip(
            "ᄀᄁᄂᄃᄄᄅᄆᄇᄈᄉᄊᄋᄌᄍᄎᄏᄐᄑᄒ",
            _words("r R s e E f a q Q t T d w W c z x v g"),
            strict=True,
        )
    )
    keys |= dict(
        zip(
            map(chr, range(0x1161, 0x1176)),
            _words("k o i O j p u P h hk ho hl y n nj np nl b m ml l"),
            strict=True,
        )
    )
    keys |= dict(
        zip(
            map(chr, range(0x11A8, 0x11C3)),
            _words("r R rt s sw sg e f fr fa fq ft fx fv fg a q qt t T d w c z x v g"),
            strict=True,
        )
    )
    typed = unicodedata.normalize("NFD", prose(draw, draw.randrange(4, 25)))
    return "".join(keys.get(char, char) for char in typed)


def menus(draw: random.Random) -> str:
    """Return the menus, paths and link lists of a web page."""
    mark = draw.choice((" | ", " ", "\n", " > ", " · ", "\n- ", " / ", "\t", "\n\n"))
    items = draw.choices(MENU, k=draw.randrange(20, 150))
    path = (
        f"현재 위치: 홈 > {draw.choice(MENU)} > {draw.choice(MENU)}\n"
        if draw.random() < 0.4
        else ""
    )
    return path + mark.join(items)


def board_list(draw: random.Random) -> str:
    """Return the list page of a notice board."""
    rows = [draw.choice(("번호 제목 작성자 작성일 조회수", "No | 제목 | 첨부 | 등록일 | 조회"))]
    topics = _phrases(
        "휴진 안내|채용 공고|입찰 공고|서식 자료|개정 알림|교육 일정|결과 발표|자료 제출|회의 개최"
    )
    for number in range(draw.randrange(10, 60), 0, -1):
        date = f"20{draw.randrange(8, 26):02}.{draw.randrange(1, 13):02}.{draw.randrange(1, 29):02}"
        title = f"{draw.choice(CITIES)} {draw.choice(MENU)} {draw.choice(topics)}"
        rows.append(
            f"{number} {title} {draw.choice(('관리자', person(draw)))} {date} {draw.randrange(9000)}"
        )
    rows.append("처음 이전 1 2 3 4 5 6 7 8 9 10 다음 마지막")
    return "\n".join(rows)


def cookie_banner(draw: random.Random) -> str:
    """Return the consent notices and footers around a web page's text."""
    year = draw.randrange(10, 26)
    parts = (
        "이 웹사이트는 쿠키를 사용합니다. 계속 이용하시면 쿠키 사용에 동의하는 것으로 간주됩니다.",
        "더 나은 서비스를 제공하기 위해 쿠키를 사용하고 있습니다. 자세한 내용은 개인정보처리방침을 확인하세요.",
        "모두 동의 | 필수 쿠키만 허용 | 쿠키 설정",
        "맞춤형 광고를 위해 방문 기록을 수집할 수 있습니다. 쿠키 설정에서 언제든지 변경할 수 있습니다.",
        "이 사이트는 인터넷 익스플로러를 지원하지 않습니다. 크롬 브라우저에서 접속해 주세요.",
        "자바스크립트를 사용할 수 없습니다. 브라우저 설정에서 자바스크립트를 활성화해 주세요.",
        f"Copyright ⓒ 20{year} {draw.choice(CITIES)}병원 All rights reserved.",
        "본 홈페이지의 모든 콘텐츠는 저작권법의 보호를 받으며 무단전재 및 재배포를 금합니다.",
        f"상호: {draw.choice(CITIES)}메디컬 대표: {person(draw)} "
        f"통신판매업신고 제20{year}-0{draw.randrange(999)}호",
        f"고객센터 {phone(draw)} 평일 09:00~18:00 점심시간 12:00~13:00 주말 및 공휴일 휴무",
        "뉴스레터를 구독하시면 새로운 소식을 이메일로 받아보실 수 있습니다. 구독하기",
        "로그인이 필요한 서비스입니다. 로그인 하시겠습니까? 아이디 찾기 비밀번호 찾기 회원가입",
        "이 페이지에서 제공하는 정보에 만족하셨습니까? 매우만족 만족 보통 불만족 매우불만족 의견 등록",
        "앱을 설치하면 더 편리하게 이용할 수 있습니다. 앱에서 열기 오늘 하루 보지 않기 닫기",
        "페이스북 트위터 카카오톡 네이버밴드 URL복사 공유하기 인쇄하기",
        "개인정보처리방침 | 이용약관 | 이메일무단수집거부 | 영상정보처리기기 운영관리방침",
    )
    chosen = draw.sample(parts, draw.randrange(4, 11))
    return draw.choice(("\n", "\n\n", " ")).join(chosen)


def tag_list(draw: random.Random) -> str:
    """Return search words, tags and place names strung together to be found."""
    services = _words(
        "변호사 법률사무소 이혼전문 상속소송 개인회생 음주운전 성범죄 교통사고 병원 "
        "한의원 치과 임플란트 라식 도수치료 다이어트 탈모 맛집 카페 가볼만한곳 숙소 "
        "렌터카 인테리어 이사 청소 대출"
    )
    form = draw.choice(("#{}{}", "{}{}", "{} {}"))
    tags = [
        form.format(draw.choice(CITIES), draw.choice(services))
        for _ in range(draw.randrange(25, 160))
    ]
    return draw.choice((" ", ", ", "\n", ",", " / ")).join(tags)


def comment_spam(draw: random.Random) -> str:
    """Return advertising comments, the same words over and over with signs between them."""
    offers = _phrases(
        "무료 상담 환영|당일 입금 가능|가입 즉시 쿠폰 지급|첫 구매 반값|24시간 문의|"
        "카톡 상담|최저가 보장|선착순 마감 임박|실시간 추천 1위|회원가입 바로가기|"
        "신용 무관 누구나|텔레그램 문의|정품 인증 업체"
    )
    words = _words("대박 추천 강추 최고 이벤트 혜택 할인 무료 쿠폰 당첨 클릭 문의 환영 즉시 보장")
    pool = draw.sample(offers, 3) + draw.sample(words, 4)
    signs = ("★", "♥", "!!!", "▶▶", "~~~", "ㅋㅋㅋ", "ㅎㅎ", "◆", "☆☆", "^^", "→")
    pieces = []
    for _ in range(draw.randrange(20, 120)):
        pieces.append(draw.choice(pool) + (draw.choice(signs) if draw.random() < 0.5 else ""))
        if draw.random() < 0.08:
            pieces.append(phone(draw))
    return draw.choice((" ", "\n")).join(pieces)


def laughter(draw: random.Random) -> str:
    """Return chat made of laughter, tears and drawn-out exclamations."""
    bits = (
        "ㅋ",
        "ㅎ",
        "ㅠ",
        "ㅜ",
        "헐",
        "대박",
        "와",
        "아",
        "ㅇㅇ",
        "ㄴㄴ",
        "ㄱㄱ",
        "ㅇㅋ",
        "굿",
        "하",
        "!",
        "?",
    )
    return " ".join(
        draw.choice(bits) * draw.randrange(1, 15) for _ in range(draw.randrange(30, 150))
    )


def ocr_garbage(draw: random.Random) -> str:
    """Return a page that optical recognition spoiled: wrong jamo, lost strokes, signs, broken words."""
    rate = draw.uniform(0.3, 0.6)
    gaps = draw.choice((0.0, 0.1, 0.3))
    alike = "|lI!1ijJ[](){}{}·.,:;'`\"~-_=+*^°■□▶◁※§†oO0QUuHhTtEeFfnrmwWVvyY47#%&@$<>/\\"
    out = []
    for char in prose(draw, draw.randrange(4, 40)):
        if "가" <= char <= "힣" and draw.random() < rate:
            out.append(_misread(draw, char, alike))
        elif char == " " and draw.random() < 0.25:
            out.append(draw.choice(("", "  ", "\n", " . ", " ' ")))
        else:
            out.append(char)
        if draw.random() < gaps:
            out.append(" ")
    return "".join(out)


def _misread(draw: random.Random, char: str, alike: str) -> str:
    how = draw.random()
    if how < 0.3:
        return "".join(draw.choices(alike, k=draw.randrange(1, 3)))
    if how < 0.35:
        return draw.choice("ㅁㅇㅣㅡㅏㅓㅗㅜㄱㄴㄷㄹㅂㅅ")
    if how < 0.45:
        return draw.choice("口日目田人入八土工古白自己巳十干千二三一乙丁刀力又")
    onset, rest = divmod(ord(char) - 0xAC00, 588)
    vowel, coda = divmod(rest, 28)
    part = draw.randrange(3)
    if part == 0:
        onset = draw.randrange(19)
    elif part == 1:
        vowel = draw.randrange(21)
    else:
        coda = draw.randrange(28)
    return chr(0xAC00 + onset * 588 + vowel * 28 + coda)


def english_prose(draw: random.Random) -> str:
    """Return English sentences, now and then below a Korean heading."""
    who = _phrases(
        "The court|The plaintiff|The patient|A physician|The agency|Our study|"
        "The defendant|This policy|The committee|Each applicant"
    )
    did = _phrases(
        "held that|reported that|was not aware that|has argued that|"
        "carefully reviewed whether|denied that|must establish that|documented that"
    )
    what = _phrases(
        "the contract was void|the treatment had been effective|no damages were due|"
        "the dose was increased after two weeks|the evidence was insufficient|"
        "informed consent was obtained|the statute applies to all employers|"
        "symptoms resolved without intervention|the notice arrived late"
    )
    why = _phrases(
        "in light of the record|according to the guidelines|on appeal|"
        "after a median follow-up of 12 months|under section 4 of the act|"
        "despite repeated warnings|for the reasons set out below"
    )
    sentences = [
        f"{draw.choice(who)} {draw.choice(did)} {draw.choice(what)} {draw.choice(why)}."
        for _ in range(draw.randrange(3, 60))
    ]
    heading = f"{draw.choice(MENU)}\n" if draw.random() < 0.3 else ""
    return heading + " ".join(sentences)


def code(draw: random.Random) -> str:
    """Return program text of several languages, with Korean comments here and there."""
    names = _words("user total count item price result index token label patient record amount")
    notes = ("합계 계산", "오류 처리", "사용자 조회", "초기화", "목록 정렬", "날짜 변환")
    style = draw.randrange(5)
    lines = []
    for _ in range(draw.randrange(10, 80)):
        a, b, n = draw.choice(names), draw.choice(names), draw.randrange(500)
        lines.append(
            (
                f"    if {a}.{b} > {n}:\n        return self.{b}_{a}[{n}]",
                f"  const {a}{n} = await fetch(`/api/{b}?id=${{{a}.id}}`);",
                f"SELECT {a}, COUNT({b}) FROM {a}_{b} WHERE {a}_id = {n} GROUP BY {b};",
                f".{a}-{b} {{ margin: {n}px auto; padding: {n % 20}px; color: #{n:06x}; }}",
                f'<div class="{a}-{b}" id="{a}{n}"><span data-{b}="{n}">{draw.choice(MENU)}</span></div>',
            )[style]
        )
        if draw.random() < 0.15:
            lines.append(
                ("# {}", "// {}", "-- {}", "/* {} */", "<!-- {} -->")[style].format(
                    draw.choice(notes)
                )
            )
    return "\n".join(lines)


def log_file(draw: random.Random) -> str:
    """Return the log of a server with Korean messages."""
    messages = _phrases(
        "접속 성공|접속 실패|시간 초과|재시도|파일 없음|권한 없음|저장 완료|연결 종료"
    )
    lines = []
    for _ in range(draw.randrange(8, 80)):
        date = f"2026-0{draw.randrange(1, 10)}-{draw.randrange(10, 29)}"
        time = ":".join(str(draw.randrange(10, 60)) for _ in range(3))
        level = draw.choice(("INFO", "WARN", "ERROR"))
        address = f"192.168.{draw.randrange(255)}.{draw.randrange(255)}"
        lines.append(
            f"{date} {time},{draw.randrange(999):03} {level} [http-{draw.randrange(64)}] {address} "
            f"{draw.choice(messages)} ({draw.randrange(5000)}ms)"
        )
    return "\n".join(lines)


def base64_block(draw: random.Random) -> str:
    """Return an encoded attachment with the mail's headings above it."""
    raw = draw.randbytes(draw.randrange(200, 3000))
    body = draw.choice((base64.b64encode, base64.b85encode, base64.b16encode, base64.b32encode))(
        raw
    ).decode()
    width = draw.choice((64, 76, 10_000))
    lines = [body[start : start + width] for start in range(0, len(body), width)]
    heading = draw.choice(
        ("", f"첨부 파일: {draw.choice(MENU)}.pdf\n", "Content-Transfer-Encoding: base64\n\n")
    )
    return heading + "\n".join(lines)


def number_table(draw: random.Random) -> str:
    """Return a table of figures with Korean headings and row names."""
    mark = draw.choice((" | ", "\t", " ", ",", "  "))
    columns = draw.randrange(3, 9)
    heads = draw.sample(
        _words("수량 단가 금액 합계 비율 전년 당월 누계 증감 예산 집행 잔액 건수 인원"), columns
    )
    rows = [mark.join(["구분", *heads])]
    for _ in range(draw.randrange(8, 60)):
        name = draw.choice(
            (draw.choice(PRODUCTS), draw.choice(CITIES), f"20{draw.randrange(10, 26)}년")
        )
        cells = [
            draw.choice(
                (
                    f"{draw.randrange(10**7):,}",
                    f"{draw.uniform(0, 100):.1f}%",
                    f"{draw.randrange(999)}",
                    "-",
                )
            )
            for _ in range(columns)
        ]
        rows.append(mark.join([name, *cells]))
    return "\n".join(rows)


def price_list(draw: random.Random) -> str:
    """Return a list of goods with sizes and prices."""
    return "\n".join(
        f"{draw.choice(PRODUCTS)} {draw.choice('대중소')}형 {draw.randrange(1, 500)}{draw.choice(UNITS)} "
        f"{draw.randrange(1, 900) * 100:,}원"
        for _ in range(draw.randrange(10, 100))
    )


def phone_list(draw: random.Random) -> str:
    """Return a directory of names, duties and telephone numbers."""
    duties = _words("과장 대리 주임 원장 간호사 사무장 팀장 실장 변호사 주무관 계장 수간호사")
    parts = _words("총무과 원무과 민원실 심사과 재무팀 전산실 간호부 약제부 법무팀 홍보실 응급실")
    mark = draw.choice((" ", "\t", " | ", ", "))
    return "\n".join(
        mark.join((draw.choice(parts), draw.choice(duties), person(draw), phone(draw)))
        for _ in range(draw.randrange(8, 80))
    )


def address_list(draw: random.Random) -> str:
    """Return a directory of branches with their addresses."""
    roads = _words("중앙로 시청로 번영로 충장로 대학로 테헤란로 해안로 평화로 산업로 남부순환로")
    return "\n".join(
        f"{draw.choice(CITIES)}{draw.choice(('점', '지점', '센터', '의원', '약국'))} {draw.choice(CITIES)}시 "
        f"{draw.choice(roads)} {draw.randrange(1, 400)} {draw.randrange(1, 20)}층 {phone(draw)}"
        for _ in range(draw.randrange(6, 60))
    )


def name_list(draw: random.Random) -> str:
    """Return a list of names, as of members or successful candidates."""
    mark = draw.choice((" ", ", ", "\n", " · "))
    return mark.join(person(draw) for _ in range(draw.randrange(40, 300)))


def contents_page(draw: random.Random) -> str:
    """Return a table of contents with leaders and page numbers."""
    subjects = _words(
        "총칙 개요 현황 분석 평가 방법 결과 고찰 결론 부록 참고문헌 진단 치료 예방 조직 "
        "예산 사업 계획 통계 서식"
    )
    dots = draw.choice((" ......... ", " ················ ", "\t", " ---------- ", " … "))
    page, lines = 1, ["목차"]
    for number in range(1, draw.randrange(15, 70)):
        page += draw.randrange(1, 9)
        title = f"{draw.choice(subjects)} {draw.choice(subjects)}"
        lines.append(
            f"{draw.choice((f'제{number}장', f'{number}.', f'{number}.1'))} {title}{dots}{page}"
        )
    return "\n".join(lines)


def repeated_notice(draw: random.Random) -> str:
    """Return one notice printed again and again, as a form's rows or a page's template leave it."""
    notice = prose(draw, draw.randrange(1, 3))
    times = draw.randrange(8, 60)
    numbered = draw.random() < 0.5
    mark = draw.choice(("\n", " ", "\n\n"))
    return mark.join(f"{number + 1}. {notice}" if numbered else notice for number in range(times))


def japanese(draw: random.Random) -> str:
    """Return Japanese sentences."""
    who = _phrases("裁判所は|被告は|患者は|医師は|原告は|委員会は|当社は|申請者は")
    what = _phrases(
        "その主張を|治療の結果を|契約の内容について|損害の賠償を|手術の前に同意を|"
        "薬の副作用について|関係する法令に従って"
    )
    did = _phrases(
        "認めなかった。|説明しました。|確認することができない。|求めている。|"
        "記録していた。|行わなければならない。|受け入れた。"
    )
    return "".join(
        draw.choice(who) + draw.choice(what) + draw.choice(did)
        for _ in range(draw.randrange(6, 80))
    )


def chinese(draw: random.Random) -> str:
    """Return Chinese sentences, in simplified or traditional characters."""
    who, did, what = draw.choice(
        (
            (
                "法院|被告|患者|医生|原告|委员会|该公司|申请人",
                "认为|没有证明|已经说明|应当承担|拒绝接受|明确表示|未能提供",
                "合同无效的理由|手术前的书面同意|相应的赔偿责任|药物的不良反应|有关法律规定的期限|必要的证据材料",
            ),
            (
                "法院|被告|患者|醫生|原告|委員會|該公司|申請人",
                "認為|沒有證明|已經說明|應當承擔|拒絕接受|明確表示|未能提供",
                "合同無效的理由|手術前的書面同意|相應的賠償責任|藥物的不良反應|有關法律規定的期限|必要的證據材料",
            ),
        )
    )
    return "".join(
        f"{draw.choice(_phrases(who))}{draw.choice(_phrases(did))}{draw.choice(_phrases(what))}"
        f"{draw.choice('，。')}"
        for _ in range(draw.randrange(10, 90))
    )


def other_language(draw: random.Random) -> str:
    """Return Russian, Vietnamese, Thai or Arabic words in sentences."""
    words = draw.choice(
        (
            "суд решение пациент врач договор лечение право закон ответчик срок не был и после",
            "tòa án bệnh nhân hợp đồng điều trị quyền luật và không được của bác sĩ thời hạn",
            "ศาล ผู้ป่วย แพทย์ สัญญา การรักษา กฎหมาย และ ไม่ได้ ของ ระยะเวลา",
            "المحكمة المريض الطبيب العقد العلاج القانون ولم يكن بعد في قرار",
        )
    ).split()
    return " ".join(
        draw.choice(words) + (". " if draw.random() < 0.1 else "")
        for _ in range(draw.randrange(30, 250))
    )


def mojibake(draw: random.Random) -> str:
    """Return Korean text read in the wrong encoding, beyond repair or not."""
    raw = prose(draw, draw.randrange(4, 30))
    return draw.choice(
        (
            raw.encode().decode("cp949", "replace"),
            raw.encode().decode("latin-1"),
            raw.encode("cp949").decode("latin-1"),
            raw.encode("cp949").decode("utf-8", "replace"),
            raw.encode("utf-16-le").decode("cp949", "replace"),
            raw.encode("cp949").decode("shift_jis", "replace"),
        )
    )


def random_syllables(draw: random.Random) -> str:
    """Return random choices among all Hangul syllables, as a broken font map gives."""
    return _wrapped(
        draw,
        [
            "".join(chr(draw.randrange(0xAC00, 0xD7A4)) for _ in range(draw.randrange(1, 6)))
            for _ in range(draw.randrange(30, 300))
        ],
    )


def symbol_noise(draw: random.Random) -> str:
    """Return frames, bullets and rules with a few words left between them."""
    signs = "■□●○▲△▼▽◆◇★☆※→←↑↓─│┌┐└┘├┤┬┴┼━┃=-_~*#.…·"
    pieces = []
    for _ in range(draw.randrange(20, 120)):
        pieces.append(draw.choice(signs) * draw.randrange(1, 20))
        if draw.random() < 0.4:
            pieces.append(draw.choice(MENU + PRODUCTS))
    return _wrapped(draw, pieces)


def error_page(draw: random.Random) -> str:
    """Return what a web server says when it has no page."""
    parts = (
        "요청하신 페이지를 찾을 수 없습니다.",
        "입력하신 주소가 정확한지 다시 한번 확인해 주시기 바랍니다.",
        "서비스 이용에 불편을 드려 죄송합니다.",
        "이전 페이지로 돌아가거나 홈으로 이동해 주세요.",
        "페이지가 삭제되었거나 주소가 변경되었을 수 있습니다.",
        "문제가 계속되면 고객센터로 문의해 주세요.",
        "404 Not Found",
        "일시적인 오류가 발생하였습니다. 잠시 후 다시 시도해 주세요.",
    )
    return "\n".join(draw.sample(parts, draw.randrange(3, 8)))


def whole_page(draw: random.Random) -> str:
    """Return a page that is menu and directory but for two sentences."""
    return f"{menus(draw)}\n{prose(draw, 2)}\n{phone_list(draw)}"


def timetable(draw: random.Random) -> str:
    """Return a timetable of buses."""
    lines = []
    for _ in range(draw.randrange(8, 60)):
        times = [f"{draw.randrange(5, 24):02}:{draw.randrange(60):02}" for _ in range(2)]
        coach = draw.choice(("우등", "일반", "심야"))
        lines.append(f"{draw.choice(CITIES)} → {draw.choice(CITIES)} {' '.join(times)} {coach}")
    return "\n".join(lines)


def subtitles(draw: random.Random) -> str:
    """Return subtitles of a few words with their times."""
    said = _phrases("네|그래|뭐라고?|알았어|가자|여기야|괜찮아?|잠깐만")
    return "\n".join(
        f"{number}\n00:{number // 60:02}:{number % 60:02},{draw.randrange(999):03} --> "
        f"00:{number // 60:02}:{number % 60 + 1:02},{draw.randrange(999):03}\n{draw.choice(said)}\n"
        for number in range(1, draw.randrange(20, 90))
    )


def blank_form(draw: random.Random) -> str:
    """Return a form that nobody filled in."""
    names = _words(
        "성명 주민등록번호 주소 전화번호 생년월일 직업 소속 직위 이메일 신청일 접수번호 담당자 서명 보호자 관계"
    )
    return "\n".join(f"{name}: {'_' * draw.randrange(5, 20)}" for name in draw.sample(names, 12))


def markup(draw: random.Random) -> str:
    """Return rows of a table with their tags."""
    return "\n".join(
        f'<tr><td class="c{number}">{draw.choice(PRODUCTS)}</td>'
        f'<td style="width:{draw.randrange(300)}px">{draw.randrange(9999)}</td></tr>'
        for number in range(draw.randrange(8, 60))
    )


def _wrapped(draw: random.Random, words: list[str]) -> str:
    out = []
    for word in words:
        out += [word, "\n" if draw.random() < 0.08 else " "]
    return "".join(out).strip()


KINDS: dict[str, Maker] = {
    "latin_keyboard": latin_keyboard,
    "hangul_keyboard": hangul_keyboard,
    "wrong_layout": wrong_layout,
    "menus": menus,
    "board_list": board_list,
    "cookie_banner": cookie_banner,
    "tag_list": tag_list,
    "comment_spam": comment_spam,
    "laughter": laughter,
    "ocr_garbage": ocr_garbage,
    "english_prose": english_prose,
    "code": code,
    "log_file": log_file,
    "base64": base64_block,
    "number_table": number_table,
    "price_list": price_list,
    "phone_list": phone_list,
    "address_list": address_list,
    "name_list": name_list,
    "contents_page": contents_page,
    "repeated_notice": repeated_notice,
    "japanese": japanese,
    "chinese": chinese,
    "other_language": other_language,
    "mojibake": mojibake,
    "random_syllables": random_syllables,
    "symbol_noise": symbol_noise,
    "error_page": error_page,
    "whole_page": whole_page,
    "timetable": timetable,
    "subtitles": subtitles,
    "blank_form": blank_form,
    "markup": markup,
}


def junk(per_kind: int, seed: int = 20261121) -> dict[str, list[str]]:
    """Return ``per_kind`` texts of each kind, as normalize would hand them on (NFC)."""
    return {
        kind: [
            unicodedata.normalize("NFC", make(random.Random(f"{seed} {kind} {number}")))
            for number in range(per_kind)
        ]
        for kind, make in KINDS.items()
    }
