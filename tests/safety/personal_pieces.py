"""Made-up personal data as people write it, and sentences to put it into; two sets of sentences.

The patterns were written against TUNING; HELD_OUT was written before the first measurement and only measures.
"""

import random
from collections.abc import Callable

from faker import Faker

from safety.found import Kind

CITIES = [
    "北京",
    "上海",
    "广州",
    "深圳",
    "成都",
    "杭州",
    "武汉",
    "西安",
    "南京",
    "重庆",
    "长沙",
    "郑州",
    "青岛",
    "大连",
    "昆明",
    "合肥",
    "福州",
    "石家庄",
    "南宁",
    "兰州",
]
DISTRICTS = [
    "海淀区",
    "天河区",
    "武侯区",
    "雁塔区",
    "江宁区",
    "岳麓区",
    "二七区",
    "市南区",
    "五华区",
    "蜀山区",
    "鼓楼区",
    "长安区",
    "良庆区",
    "城关区",
]
ROADS = [
    "人民路",
    "解放路",
    "中山北路",
    "建设大街",
    "青年路",
    "学府路",
    "滨河东路",
    "长江西路",
    "文化路",
    "胜利街",
    "和平里东街",
    "迎宾大道",
    "团结巷",
    "槐树胡同",
]
ESTATES = [
    "阳光花园",
    "翠湖小区",
    "金色家园",
    "幸福新村",
    "锦绣华庭",
    "万科城",
    "龙湖公寓",
    "东方雅苑",
    "桂花苑",
    "绿地广场",
]
UNIVERSITIES = {
    "tuning": [
        "清华大学",
        "复旦大学",
        "浙江大学",
        "武汉大学",
        "中山大学",
        "华中师范大学",
        "北京外国语大学",
        "西安电子科技大学",
        "南京航空航天大学",
        "上海交通大学",
    ],
    "held_out": [
        "同济大学",
        "南开大学",
        "厦门大学",
        "四川大学",
        "湖南师范大学",
        "华南理工大学",
        "东北师范大学",
        "中国政法大学",
        "山东财经大学",
        "重庆邮电大学",
        "广东外语外贸大学",
        "大连海事大学",
        "江西中医药大学",
        "暨南大学",
        "西南交通大学",
    ],
}
PATRONS = {"tuning": ["育才", "明德", "启明"], "held_out": ["树人", "行知", "求实", "春晖", "向阳", "新华"]}
FIRMS = {"tuning": ["星辰", "远大", "宏图", "恒信"], "held_out": ["中科", "鼎盛", "蓝海", "天马", "汇丰源", "佳美"]}
HOSPITALS = {
    "tuning": ["人民医院", "第一医院", "妇幼保健院"],
    "held_out": ["中心医院", "第三人民医院", "儿童医院", "中医院", "第六医院", "精神卫生中心"],
}
NUMERALS = "零一二三四五六七八九"
WIDE = {ord(character): ord(character) + 0xFEE0 for character in map(chr, range(0x21, 0x7F))}
Piece = Callable[[random.Random, Faker, str], str]


def _grouped(digits: str, sizes: list[int], separator: str) -> str:
    parts, start = [], 0
    for size in sizes:
        parts.append(digits[start : start + size])
        start += size
    return separator.join(part for part in [*parts, digits[start:]] if part)


def _in_numerals(digits: str) -> str:
    return "".join(NUMERALS[int(digit)] for digit in digits)


def phone(rng: random.Random, fake: Faker, part: str) -> str:
    if rng.random() < 0.15:
        area, rest = rng.choice(["010", "021", "0571", "028", "0731", "0755"]), str(rng.randrange(30000000, 89999999))
        return rng.choice(["{}-{}", "({}){}", "{} {}", "{}{}", "（{}）{}"]).format(area, rest)
    number = fake.phone_number()
    match rng.randrange(8):
        case 0:
            return _grouped(number, [3, 4, 4], rng.choice(" -."))
        case 1:
            return number.translate(WIDE)
        case 2:
            return _in_numerals(number).replace("一", rng.choice("一幺"))
        case 3:
            return number[:3] + _in_numerals(number[3:7]) + number[7:]
        case 4:
            return f"+86 {number}"
        case 5:
            return _grouped(number, [1] * 11, " ")
        case _:
            return number


def id_card(rng: random.Random, fake: Faker, part: str) -> str:
    number = fake.ssn()
    match rng.randrange(5):
        case 0:
            return _grouped(number, [6, 8, 4], rng.choice(" -"))
        case 1:
            return number.translate(WIDE)
        case 2:
            return number.lower()
        case 3:
            return _grouped(number, [6, 4, 4, 4], " ")
        case _:
            return number


def email(rng: random.Random, fake: Faker, part: str) -> str:
    domain = rng.choice(
        ["qq.com", "163.com", "126.com", "gmail.com", "outlook.com", "sina.cn", "stu.edu.cn", "foxmail.com"]
    )
    user = rng.choice([fake.user_name(), str(rng.randrange(10**7, 10**10)), f"{fake.user_name()}_{rng.randrange(99)}"])
    match rng.randrange(7):
        case 0:
            return f"{user}＠{domain}"
        case 1:
            return f"{user} AT {domain.replace('.', ' 点 ')}"
        case 2:
            return f"{user}@{domain.replace('.', '点')}"
        case 3:
            return f"{user} @ {domain}"
        case 4:
            return f"{user}(at){domain}"
        case _:
            return f"{user}@{domain}"


def qq(rng: random.Random, fake: Faker, part: str) -> str:
    number = str(rng.randrange(10**5, 10**10))
    return rng.choice([number, number, number.translate(WIDE), _in_numerals(number) if len(number) > 6 else number])


def wechat(rng: random.Random, fake: Faker, part: str) -> str:
    name = "".join(character for character in fake.user_name() if character.isalnum())[:10]
    return rng.choice([f"{name}{rng.randrange(100, 9999)}", f"{name}_{rng.randrange(100, 999)}", f"wxid_{name}88"])


def bank_card(rng: random.Random, fake: Faker, part: str) -> str:
    if rng.random() < 0.3:
        number = fake.credit_card_number()
    else:
        number = "62" + "".join(rng.choice("0123456789") for _ in range(rng.choice([13, 16, 16])))
        number += next(digit for digit in "0123456789" if _luhn(number + digit))
    match rng.randrange(4):
        case 0:
            return _grouped(number, [4, 4, 4, 4], " ")
        case 1:
            return _grouped(number, [4, 4, 4, 4], "-")
        case 2:
            return number.translate(WIDE)
        case _:
            return number


def _luhn(number: str) -> bool:
    total = sum(int(digit) for digit in number[-1::-2])
    return (total + sum(int(digit) * 2 - 9 * (digit > "4") for digit in number[-2::-2])) % 10 == 0


def passport(rng: random.Random, fake: Faker, part: str) -> str:
    number = rng.choice(["E", "G", "e"]) + str(rng.randrange(10**7, 10**8))
    return rng.choice([number, number, number.translate(WIDE), f"E{rng.choice('ABCDH')}{rng.randrange(10**6, 10**7)}"])


def plate(rng: random.Random, fake: Faker, part: str) -> str:
    area, digits = fake.license_plate().split("-")
    area = area.replace("I", "A").replace("O", "B")
    if rng.random() < 0.3:
        digits = rng.choice("DF") + digits
    elif rng.random() < 0.5:
        digits = rng.choice("ABCKLPQXY") + digits[1:]
    whole = area + rng.choice(["", "·", " ", "-"]) + digits
    return rng.choice([whole, whole, whole.lower(), whole.translate(WIDE).replace("　", " ")])


def birth_date(rng: random.Random, fake: Faker, part: str) -> str:
    born = fake.date_of_birth(minimum_age=8, maximum_age=80)
    year, month, day = born.year, born.month, born.day
    numerals = f"{_in_numerals(str(year))}年{_counted(month)}月{_counted(day)}日"
    forms = [f"{year}年{month}月{day}日", f"{born}", f"{year}.{month}.{day}", f"{born:%Y%m%d}", numerals]
    return rng.choice([*forms, f"{year % 100:02}年{month}月{day}号", f"{year}/{month}/{day}"])


def _counted(number: int) -> str:
    tens, ones = divmod(number, 10)
    return ("", "十", "二十", "三十", "四十", "五十")[tens] + (NUMERALS[ones] if ones else "")


def name(rng: random.Random, fake: Faker, part: str) -> str:
    return str(fake.name())


def address(rng: random.Random, fake: Faker, part: str) -> str:
    number = rng.randrange(1, 400)
    street = f"{rng.choice(ROADS)}{rng.choice([str(number), _counted(rng.randrange(1, 40))])}号"
    rooms = f"{rng.randrange(1, 40)}栋{rng.randrange(1, 7)}单元{rng.randrange(101, 3300)}室"
    city = f"{rng.choice(CITIES)}市{rng.choice(DISTRICTS)}"
    match rng.randrange(8):
        case 0:
            return str(fake.address())
        case 1:
            return str(fake.address()).rpartition(" ")[0]
        case 2:
            return f"{city}{street}"
        case 3:
            return f"{city}{street}{rng.choice(ESTATES)}{rooms}"
        case 4:
            return f"{rng.choice(ESTATES)}{rooms}"
        case 5:
            return f"{city}{street}".translate(WIDE)
        case 6:
            return f"{street}{rng.randrange(1, 30)}号楼{rng.randrange(101, 3000)}"
        case _:
            return (
                f"{rng.choice(CITIES)}{rng.choice(ROADS)}{number}弄{rng.randrange(1, 99)}号{rng.randrange(101, 900)}室"
            )


def school(rng: random.Random, fake: Faker, part: str) -> str:
    city, district = rng.choice(CITIES), rng.choice(DISTRICTS)
    forms = [
        rng.choice(UNIVERSITIES[part]),
        rng.choice(UNIVERSITIES[part]),
        f"{city}{rng.choice(['', '市'])}第{_counted(rng.randrange(1, 60))}中学",
        f"{city}{rng.choice(PATRONS[part])}{rng.choice(['中学', '小学', '幼儿园'])}",
        f"{district}{rng.choice(['实验小学', '中心小学', '第二幼儿园', '外国语学校'])}",
        f"{city}{_counted(rng.randrange(1, 20))}中",
        f"{rng.choice(PATRONS[part])}{rng.choice(['中学', '小学'])}",
    ]
    return rng.choice(forms)


def employer(rng: random.Random, fake: Faker, part: str) -> str:
    city = rng.choice(CITIES)
    forms = [
        fake.company(),
        fake.company(),
        f"{city}{rng.choice(FIRMS[part])}{rng.choice(['贸易', '科技', '物流'])}{rng.choice(['有限公司', '公司'])}",
        f"{city}{rng.choice(['', '市'])}{rng.choice(HOSPITALS[part])}",
        f"{rng.choice(['工商', '建设', '招商'])}银行{city}{rng.choice(ROADS)[:2]}支行",
    ]
    return str(rng.choice(forms))


PIECES: dict[Kind, Piece] = {
    "phone": phone,
    "id_card": id_card,
    "email": email,
    "qq": qq,
    "wechat": wechat,
    "bank_card": bank_card,
    "passport": passport,
    "plate": plate,
    "birth_date": birth_date,
    "name": name,
    "address": address,
    "school": school,
    "employer": employer,
}

TUNING: dict[Kind, list[str]] = {
    "phone": ["我的电话是{}，随时打", "打{}找我", "手机号{}", "你可以打给我妈，{}。", "他昨天用{}骂我"],
    "id_card": ["身份证号是{}", "我把{}发给了中介", "证件号码：{}，你查一下", "她要我的身份证，{}，我就给了"],
    "email": ["发到{}吧", "我的邮箱是{}", "邮件写给{}，他没回"],
    "qq": ["加我QQ{}", "QQ：{}", "我的扣扣是{}，晚上在", "qq号{}"],
    "wechat": ["微信号：{}", "加我微信{}", "vx {} 备注一下", "我的微信是{}"],
    "bank_card": ["银行卡号{}", "钱打到{}这张卡", "我的卡号是{}，工商银行的", "他让我转账到{}"],
    "passport": ["护照号{}", "我的护照是{}，丢了"],
    "plate": ["我的车牌是{}", "撞我的是{}", "那辆{}又停在楼下", "车牌号{}，一直跟着我"],
    "birth_date": ["我生日是{}", "出生日期：{}", "我{}出生的", "生于{}，属什么不重要"],
    "name": [
        "我叫{}，今年大二",
        "我是{}。",
        "同事{}总针对我",
        "我的名字是{}",
        "{}老师，我又失眠了",
        "你好，{}。",
        "我老公叫{}，经常出差",
    ],
    "address": ["我住在{}", "地址是{}，别来", "我家在{}，租的", "快递寄到{}"],
    "school": ["我在{}读书", "考上了{}", "孩子上{}，成绩一般", "我毕业于{}"],
    "employer": ["我在{}上班", "去年入职{}，天天加班", "他是{}的", "去{}看过"],
}
HELD_OUT: dict[Kind, list[str]] = {
    "phone": [
        "有事联系{}",
        "这是我男朋友的号码：{}",
        "半夜老有人用{}给我打电话，我害怕",
        "我换号了，新的是{}",
        "您方便的话可以加{}，我姓李",
        "紧急联系人写的是我爸{}",
    ],
    "id_card": [
        "借贷平台拿着我的{}到处打电话",
        "实名认证填的{}，之后就被盗了",
        "身份证{}，麻烦帮我预约",
        "挂号要用{}，可我不想让人知道",
        "我身份证号码是{}。",
    ],
    "email": [
        "日记都存在{}里",
        "如果愿意回信，请寄{}，谢谢",
        "我用{}注册的账号被封了",
        "HR让我把离职信发{}",
        "联系方式：{}",
    ],
    "qq": [
        "我的QQ号码是{}，你加一下吧",
        "企鹅号：{}",
        "网上认识的，她QQ是{}",
        "扣扣{}，密码我都告诉他了",
        "加Q号{}聊",
    ],
    "wechat": [
        "能不能加您微信，我的是{}",
        "他微信号是{}，你帮我看看",
        "薇信：{}",
        "微信{}，随时可以找我",
        "有需要加V {}",
        "我们是在wechat上聊的，wechat: {}",
    ],
    "bank_card": [
        "客服让我把钱汇到{}，我汇了",
        "工资都打在{}这个账户上",
        "我妈偷偷看了我的储蓄卡{}",
        "信用卡{}已经逾期三个月",
        "收款账号：{}，户名是他",
        "建行{}，里面只剩两百块",
    ],
    "passport": ["护照号码：{}，签证还没下来", "中介扣了我的护照（{}）", "护照{}下个月到期"],
    "plate": [
        "前夫开的还是{}，我一看到就发抖",
        "每天早上{}都堵着我家车库",
        "我记下来了，{}",
        "交警说肇事车辆是{}。",
        "滴滴司机的车，{}，绕了很远",
    ],
    "birth_date": [
        "我的出生日期是{}，帮我看看",
        "女儿{}出生，早产",
        "我出生于{}，家里老大",
        "他的生日：{}",
        "身份证上写的生日是{}，其实晚报了",
        "我是{}生的，属于敏感的人",
    ],
    "name": [
        "您好，我叫{}，第一次咨询",
        "我是{}，之前约过",
        "我室友{}半夜打游戏",
        "她叫{}，是我初中同桌",
        "我的真名叫{}，别告诉别人",
        "那个骗我的人名叫{}",
        "{}医生给我开了药",
        "谢谢你，{}。",
        "班主任{}当着全班骂我",
        "患者姓名：{}",
        "前男友{}又来找我了",
        "主任{}说我不适合这份工作",
    ],
    "address": [
        "我现在一个人租住在{}，很怕黑",
        "他知道我家地址，{}",
        "出事的地方是{}附近",
        "搬到{}以后就没睡好过",
        "收货地址：{}",
        "请你们到{}来看看我妈",
        "爸妈的房子在{}，我不想回去",
    ],
    "school": [
        "我女儿在{}念初二，被孤立",
        "我是{}的学生",
        "当年差三分没考上{}",
        "现在就读于{}，大三",
        "我弟弟今年转到{}去了",
        "毕业于{}，却找不到工作",
        "他在{}当老师",
    ],
    "employer": [
        "我目前就职于{}，做了五年",
        "被{}裁员以后一直没缓过来",
        "我妈在{}住院",
        "面试了{}，没有下文",
        "老公是{}的会计",
        "我在{}实习，没人理我",
    ],
}

# What only looks like it. {n} is a number of so many digits as follows the colon, drawn anew each time.
TUNING_NONE = [
    "我是高中生，我妈是单亲",
    "我叫他别走，他叫我滚",
    "我在北京工作，家里三楼",
    "我的大学在外地，是一所普通大学",
    "从市重点中学毕业，进了一家上市公司",
    "走路3号线，10月3号开学",
    "张老师和小李都劝我，老王没说话",
    "订单号{n:16}还没发货",
    "我2003年9月1日入职",
    "学号{n:12}",
]
HELD_OUT_NONE = [
    "我是程序员，同事高兴的时候我只觉得累",
    "我叫了救护车，医生来得很快",
    "同学关系让我焦虑，老师安排的座位也不好",
    "我在上海读大学，宿舍在五楼",
    "他在一家互联网公司，我在医院做护工",
    "我爸是中学老师，我妈是小学校长",
    "王医生让我先休息，李阿姨也这么说",
    "单号{n:15}，物流三天没动",
    "流水号{n:20}",
    "我16岁，183，65公斤，考了{n:3}分",
    "2019年6月7号高考，2023年7月工作",
    "弟弟出生以后，爸妈就不管我了",
    "她是安静的，我是易怒的",
    "花了{n:5}块，还欠{n:6}元",
    "明天去医院，后天回公司，周末回家乡的小学看看",
    "我是马上要毕业的人，方向都没有",
    "朋友周末约我，我何必去呢",
    "你好，谢谢老师，谢谢阿姨",
    "小区3号楼封了，10号才能出门",
    "我们公司在人民路上，很吵",
    "快递员打了400热线，12306也打不通",
    "准考证号{n:14}，座位12",
    "理想的大学和名牌大学，差的不是一点",
    "我是文科生，他是金融专业，我们是异地恋",
    "任务太多，时间不够，成绩下滑",
    "版本号是10.2.{n:4}，更新以后就闪退",
    "大街上人很多，5号晚上我哭了一路",
    "单位是事业单位，领导是女的",
    "从幼儿园到高中，我都在奶奶身边",
    "QQ空间和微信朋友圈我都关了",
]
