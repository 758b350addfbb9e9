"""What Korean prose is made of, and what it is not: the tables behind the filters.

They come from the language and its standards, not from any corpus.
"""

from __future__ import annotations

import re

#: Last syllables of words that end in a particle (josa) or a verb ending (eomi), without those on which
#: nouns end just as often (이, 가, 과, 지, 서).
ENDINGS = "은는을를의에로와도며고면여한된할던다요함"

#: Ends of two syllables, and whole words, that are grammar although their last syllable alone is not.
LONG_ENDINGS = (
    "에서부터까지에게께서하지되지있지없지이나거나으나하나지만니까하게되게시오세요하자해서하여되어어서아서라서면서"
    "인지는지은지한지된지이란이라이며하기되기하니으니처럼보다마다대해관해위해통해의해따라경우또는또한다만있음없음"
)
WORDS = "및등수것때이그저위각더그중후전약또할시"

#: The syllables that Korean text is made of: the readings of Chinese characters, and what particles,
#: endings, native words and loan words need besides. Of running text 98 % or more is among them.
READINGS = (
    "가각간갈감갑강개객갱갹거건걸검겁게격견결겸경계고곡곤골공과곽관괄광괘괴굉교구국군굴궁권궐궤"
    "귀규균귤극근글금급긍기긴길끽나낙난날남납낭내냉녀년념녕노농뇌뇨누눌뉴능니닉다단달담답당대댁"
    "덕도독돈돌동두둔득등라락란랄람랍랑래랭략량려력련렬렴렵령례로록론롱뢰료룡루류륙륜률륭릉리린"
    "림립마막만말망매맥맹면멸명모목몰몽묘무묵문물미민밀박반발방배백번벌범법벽변별병보복본봉부북"
    "분불붕비빈빙사삭산살삼삽상새색생서석선설섬섭성세소속손솔송쇄쇠수숙순술숭슬습승시식신실심십"
    "쌍씨아악안알암압앙애액앵야약양어억언얼엄업에여역연열염엽영예오옥온올옹와완왈왕왜외요욕용우"
    "욱운울웅원월위유육윤율융은을음읍응의이익인일임입잉자작잔잠잡장재쟁저적전절점접정제조족존졸"
    "종좌죄주죽준줄중즉즐즙증지직진질짐집징차착찬찰참창채책처척천철첨첩청체초촉촌총촬최추축춘출"
    "충췌취측층치칙친칠침칩칭쾌타탁탄탈탐탑탕태택탱터토통퇴투특틈파판팔패팽퍼편폄평폐포폭표품풍"
    "피픽필핍하학한할함합항해핵행향허헌험혁현혈혐협형혜호혹혼홀홍화확환활황회획횡효후훈훤훼휘휴"
    "휼흉흑흔흘흠흡흥희힐"
)
NATIVE = (
    "값갓갔갖같갚갯걱걷것겉겐겔겠겨겪겼곁곧곱곳괜굳굵굶굽궈귓그긋김깊까깎깔깨꺼껍께꼈꼐꼬꼭꽃꾸"
    "꾼꿈꿔뀌끄끈끊끌끓끔끗끝끼낌났낮낸낼냄냈냐냥너넉널넓넘넣네넥넨넷녁녹논놀높놓눈늄느는늘늦닌"
    "닐님닙닝닥닦닫닭닮닿댄댐댓더던덜덤덥덧덩덮데덱덴델돋돕돼됐되된될됨됩둘둠둡둥둬뒤뒷듐드든듣"
    "들듬듭듯디딘딜딤딩딪따딱딸땀땅때땐떠떡떤떨떴떻떼뗀또똑똥뚜뚝뚫뛰뛴뜨뜯뜻띄띈띠띤띵랗랜램랩"
    "랫러럭런럼럽렀렁렇레렉렌렐렷렸롤롬롭롯룬룰룸룹륨르른를름릅릇릎릭릴릿링많맑맘맛맞맡맨맷맺머"
    "먹먼멀멈멍멎메멕멘멧며몇몫몬몸몹못묶묻묽뭐뭔뮤므믿및밑바밖받밝밟밤밥밭뱀뱃뱉버벅벗베벤벨벳"
    "벼볍볼봄봇봐봤뵈뵐뵙붉붓붙브븐블빌빔빗빚빛빠빨빴빵빼뺀뺨뻐뻔뻗뻣뼈뽀뽑뿌뿐뿔뿜쁘쁜삐삶샀샌"
    "샘섞섯섰센셀셈셋셔션셜셨솜솟쇼숍숟숨숫숲쉘쉬쉽슈슐슘스슨슴슷싣싯싱싶싸싼쌀쌓써썩쎄쏘쏙쏟쏠"
    "쑤쑥쓰쓱쓴쓸씀씌씩씬씹씻앉않앓앗았앞앤앱얀얇얕얗얘얹얻없엇었엉엌엑엔엘엠엮였옆옭옮옳옵옷왓"
    "왔왼욋움웃워웠웨웬웹윈윔윗윙으윽읊읽읾잃잇있잊잎잖잘잣잤잦잰잴잼쟀젊젓젖젝젠젤젯져졌좀좁좇"
    "좋죠줌줍줏줘줬쥐쥔쥬즈짊짓짖짙짚짜짝짤짧짱째쨌쩌쩍쩐쩡쪄쪘쪼쪽쫄쫓쭉쯤찌찍찔찢찾챈챔챗챙챠"
    "첫쳐쳤촛춤춥춰췄츠카칸칼캄캉캐캔캘캡커컥컨컬컴컵케켄켈켓켜켤켰코콘콜콤콧콩쿠쿨쿼퀴큐크큰클"
    "큼키킥킨킬킴킵킷킹탓탔탠탬턱턴털텀텅테텍텐텔템톡톤톨톱툭툴툼튀튜튠트튼튿틀티틱틴틸팀팁팅팜"
    "팝팠팡팩팬퍽펀펄펌펐펑페펙펜펠펩펫펭펴펼폈폰폴폼푸푹푼풀풂풋퓨프픈플픔픕핀핏핑핥핸핼햄햇했"
    "헐헛헝헤헬헷혀혔홈홉횟훔훠훨휠휩흐흙흩흰히힌힘힙힝"
)

#: Words that web pages say of themselves and to their visitors. Each begins with a plain letter, for speed.
FURNITURE = re.compile(
    "쿠키|로그인|로그아웃|회원 ?가입|아이디 ?찾기|비밀번호 ?찾기|이용 ?약관|"
    "개인정보 ?(?:처리|취급) ?방침|이메일 ?무단|무단 ?(?:전재|복제|배포|수집)|All [Rr]ights|"
    "all rights|Copyright|COPYRIGHT|ⓒ|©|저작권법의 보호|홈페이지|웹 ?사이트|이 사이트|본 사이트|"
    "사이트맵|브라우저|익스플로러|자바스크립트|팝업|뉴스레터|구독하|구독을|공유하기|인쇄하기|"
    "신고하기|스크랩하기|더 ?보기|바로 ?가기|고객 ?센터|통신판매업|카카오톡|페이스북|트위터|"
    "인스타그램|유튜브|네이버|URL|댓글|앱에서|앱을|다운로드|오늘 하루|보지 않기|이전 ?글|다음 ?글|"
    "목록으로|목록보기|맨 ?위로|맞춤형 광고|방문 기록|만족하[셨십]|매우 ?만족|의견 ?등록|"
    "자동등록방지|이 페이지|페이지를|서비스입니다"
)

#: What chat and advertising stress their words with. The signs that stand for names in published decisions
#: (☆☆☆, ◇◇, ♡♡) are not among them.
EMPHASIS = "♥♪♬♩▶◀!^ㅋㅎㅠㅜ"
