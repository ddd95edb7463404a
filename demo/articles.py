"""What the sample hospital's staff have written: callers hear it in the information menu.

All names, addresses and hours are invented; the advice is of the general kind that leaflets give.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.core.audit import SYSTEM
from callcenter.directory import articles
from callcenter.directory.articles import ArticleContent, Section

Text = tuple[str, str]
"""Chinese, English."""

_ARTICLES: tuple[tuple[Section, int, str | None, Text, Text], ...] = (
    (
        "doctors",
        101,
        "d101",
        ("周建国主任医师", "Doctor Zhou Jianguo"),
        (
            "周建国，心内科主任医师，从医三十年，擅长冠心病和高血压的诊治。每星期一和星期四上午在门诊二楼出诊。",
            "Doctor Zhou Jianguo is a chief physician of cardiology with thirty years of experience. He treats "
            "coronary heart disease and high blood pressure, and sees patients on Monday and Thursday mornings "
            "on the second floor of the outpatient building.",
        ),
    ),
    (
        "doctors",
        102,
        "d102",
        ("吴秀英主任医师", "Doctor Wu Xiuying"),
        (
            "吴秀英，儿科主任医师，擅长儿童哮喘和反复呼吸道感染的诊治。每星期二全天和星期六上午出诊。",
            "Doctor Wu Xiuying is a chief physician of paediatrics. She treats asthma and repeated infections of "
            "the airways in children, and sees patients on Tuesdays and on Saturday mornings.",
        ),
    ),
    (
        "doctors",
        103,
        "d103",
        ("郑海燕主任医师", "Doctor Zheng Haiyan"),
        (
            "郑海燕，妇产科主任医师，擅长高危妊娠的管理和妇科微创手术。每星期三和星期五上午出诊，需要提前预约。",
            "Doctor Zheng Haiyan is a chief physician of gynaecology. She looks after difficult pregnancies and "
            "performs keyhole surgery. She sees patients on Wednesday and Friday mornings, by appointment.",
        ),
    ),
    (
        "doctors",
        104,
        "d104",
        ("孙志强主任医师", "Doctor Sun Zhiqiang"),
        (
            "孙志强，骨科主任医师，擅长膝关节和髋关节置换。每星期一和星期三下午出诊，请带上以前的片子。",
            "Doctor Sun Zhiqiang is a chief physician of orthopaedics who replaces knees and hips. He sees "
            "patients on Monday and Wednesday afternoons. Please bring your earlier x-ray pictures.",
        ),
    ),
    (
        "hospitals",
        1,
        None,
        ("本部院区", "The main hospital"),
        (
            "本部院区在人民路一百号，地铁二号线人民路站三号口出来就到。"
            "门诊时间是星期一到星期六，上午八点到下午五点。急诊二十四小时开放。",
            "The main hospital is at one hundred Renmin Road, next to exit three of the metro station Renmin "
            "Road, line two. Outpatients are seen from Monday to Saturday, from eight to five. The emergency "
            "department is open day and night.",
        ),
    ),
    (
        "hospitals",
        2,
        None,
        ("东部院区", "The east hospital"),
        (
            "东部院区在湖滨大道八号，乘坐十五路公共汽车，在东部医院站下车。这里有儿科、妇产科和康复科，停车场有五百个车位。",
            "The east hospital is at eight Lakeside Avenue. Take bus fifteen to the stop East Hospital. It has "
            "paediatrics, gynaecology and rehabilitation, and parking for five hundred cars.",
        ),
    ),
    (
        "care",
        1,
        None,
        ("第一次来看病", "Your first visit"),
        (
            "第一次来看病，请带上身份证和医保卡，先在门诊大厅办理就诊卡，然后挂号，到诊室门口等候叫号。",
            "For your first visit, bring your identity card and insurance card. Get your visit card in the "
            "outpatient hall, register, and wait outside the consulting room until your number is called.",
        ),
    ),
    (
        "care",
        2,
        None,
        ("怎样预约挂号", "How to book an appointment"),
        (
            "您可以通过医院的微信公众号、自助服务机，或者本热线的人工服务，预约十四天以内的门诊。不能来的时候，请至少提前一天取消。",
            "You can book an appointment up to fourteen days ahead, by our website, at the self-service "
            "machines, or with an agent on this line. If you cannot come, please cancel at least one day before.",
        ),
    ),
    (
        "care",
        3,
        None,
        ("怎样办理住院", "How to be admitted"),
        (
            "医生开出住院证以后，请带上身份证、医保卡和住院证，到一楼住院处办理手续。请带好日常用品，贵重物品请留在家里。",
            "When the doctor has written your admission note, take it with your identity card and insurance card "
            "to the admission office on the ground floor. Bring what you need every day, and leave valuables at "
            "home.",
        ),
    ),
    (
        "advice",
        1,
        None,
        ("高血压患者怎样吃", "Eating with high blood pressure"),
        (
            "高血压患者要少吃盐，每天不超过五克，多吃蔬菜和水果，少喝酒。请按时服药，不要自己停药，在家里每天量一次血压。",
            "With high blood pressure, eat no more than five grams of salt a day, plenty of vegetables and "
            "fruit, and drink little alcohol. Take your medicine regularly, and measure your blood pressure once "
            "a day.",
        ),
    ),
    (
        "advice",
        2,
        None,
        ("孩子发烧怎么办", "When a child has a fever"),
        (
            "孩子发烧时，要多喝水，穿得宽松一些。如果三个月以下的婴儿发烧，或者孩子精神很差、抽搐、呼吸困难，请马上到急诊。",
            "A child with a fever should drink plenty and wear light clothes. Come to the emergency department "
            "at once if a baby under three months has a fever, or if the child is drowsy, has a fit, or "
            "struggles to breathe.",
        ),
    ),
    (
        "advice",
        3,
        None,
        ("流感疫苗", "The flu vaccine"),
        (
            "流感疫苗每年要打一次，最好在十月底以前。老人、孕妇、孩子和慢性病患者尤其需要。接种以后，请留下来观察三十分钟。",
            "The flu vaccine is given every year, best before the end of October. The old, the pregnant, "
            "children and the chronically ill need it most. After the injection, please stay for thirty minutes.",
        ),
    ),
)


async def load(session: AsyncSession) -> None:
    """Write the articles; the directory must be there. Callers hear them once the engine has rendered them."""
    for section, number, doctor_code, title, body in _ARTICLES:
        content = ArticleContent(number, doctor_code, None, *title, *body)
        await articles.create_article(session, SYSTEM, section, content)
