"""Chinese phrasings: how a thing, two things or several of one are asked for."""

from training.nano.dataset.captions.noise import SYLLABLES_ZH
from training.nano.dataset.captions.writer import Writer

HELD_OUT = ("请画一个{x}", "帮我弄出一幅{x}吧")

# by number of PALETTE
COLOURS = (
    ("红色", "红", "大红色", "鲜红色"),
    ("橙色", "橘色", "橙", "橘黄色"),
    ("黄色", "黄", "金色", "金黄色"),
    ("绿色", "绿", "翠绿色", "草绿色"),
    ("青色", "蓝绿色", "青绿色"),
    ("蓝色", "蓝", "天蓝色", "深蓝色"),
    ("紫色", "紫", "淡紫色", "紫罗兰色"),
    ("粉色", "粉红色", "粉"),
    ("棕色", "褐色", "咖啡色"),
    ("灰色", "灰", "银色", "银灰色"),
    ("黑色", "黑", "纯黑色"),
    ("白色", "白", "雪白", "纯白色"),
)
COLOURED = ("{x}，{c}的", "{x}，颜色是{c}", "{c}版{x}", "{x}（{c}）", "染成{c}的{x}", "{c}颜色的{x}", "颜色为{c}的{x}")
MEASURES = "个个个只只张辆条头匹朵颗本把支棵座位名杯块件台架艘枚幅根片"
ONE = (
    "一个{x}", "一个{x}", "一只{x}", "一张{x}", "一辆{x}", "{x}图标", "{x}表情", "{x}的图片", "一张{x}的图片",
    "{x}的照片", "一幅{x}的画", "给我一个{x}", "我想要{x}", "我要一个{x}", "生成一个{x}", "请生成{x}", "来一个{x}",
    "3d{x}", "{x}，3d图标", "一位{x}", "这是{x}", "{x}。", "画一张{x}的图", "请给我看{x}", "画一个{x}", "画{x}",
    "请做一个{x}", "帮我画{x}", "请你画一只{x}", "能不能画一个{x}", "我想看{x}", "麻烦画个{x}", "只要一个{x}",
)  # fmt: skip
TWO = (
    "{a}和{b}", "{a}和{b}", "一{m}{a}和一{n}{b}", "{a}与{b}", "{a}、{b}", "左边是{a}，右边是{b}", "左边{a}，右边{b}",
    "{a}在左，{b}在右", "{a}在左边，{b}在右边", "{a}在{b}的左边", "{b}在{a}的右边", "右边是{b}，左边是{a}",
    "左{a}右{b}", "{a}旁边是{b}", "{a}跟{b}", "{a}以及{b}", "{a}还有{b}", "{a}和{b}在一起", "{a}加{b}",
    "一{m}{a}、一{n}{b}", "{a}及{b}", "一{m}{a}，一{n}{b}", "{a}，{b}",
)  # fmt: skip
NUMBERS = (
    ("一", "1", "单独一", "只有一"),
    ("两", "2", "二", "一对", "一双"),
    ("三", "3", "几", "一些"),
    ("四", "4", "好多", "一群"),
)
WHOLE_NUMBERS = ("一对", "一双", "一些", "好多", "一群")  # without a measure word
COUNT = (
    "{n}{x}",
    "{n}{x}",
    "{n}{x}",
    "{n}{adj}{x}",
    "{n}{x}的图片",
    "{n}{x}在一起",
    "{x}，{n}",
    "{n}一样的{x}",
    "有{n}{x}",
)
BACKGROUND = (
    "{s}，{c}背景", "{s}，{c}背景", "{s}，背景是{c}", "{c}背景的{s}", "{c}背景上的{s}", "{c}背景，{s}",
    "{s}，{c}的背景", "在{c}背景上的{s}", "{s}{c}背景", "{s}，背景为{c}", "{s}，纯{c}背景", "{s}，{c}底",
    "{c}底色的{s}", "{s}，背景用{c}", "{s}，后面是{c}背景",
)  # fmt: skip
ADJECTIVES = (
    "可爱的", "小小的", "大大的", "漂亮的", "美丽的", "简单的", "友好的", "闪亮的", "好看的", "精美的", "小", "大",
    "有趣的", "彩色的", "超可爱的", "萌萌的", "开心的", "快乐的", "毛茸茸的", "圆圆的", "胖胖的", "巨大的", "迷你的",
    "真实的", "卡通", "写实的", "高清的", "精致的", "梦幻的", "神秘的", "古老的", "现代的", "新鲜的", "美味的",
    "帅气的", "优雅的", "孤独的", "睡着的", "奔跑的", "正在微笑的", "复古的", "华丽的", "呆萌的", "软软的", "木制的",
    "塑料", "老", "年轻的",
)  # fmt: skip
OPENINGS = (
    "", "", "", "请", "请你", "帮我", "麻烦", "麻烦你", "能不能", "可以", "能帮我", "你好，", "嗨，", "嗯，",
    "那个，", "我想让你", "拜托", "请帮忙", "劳驾", "亲，", "今天想", "我女儿想要你", "可不可以", "是否可以",
    "方便的话", "请为我", "给我们", "那就",
)  # fmt: skip
VERBS = (
    "画", "画一下", "生成", "制作", "做", "设计", "绘制", "来", "给我", "创作", "弄", "整", "搞", "展示", "想要",
    "想看", "要", "我要", "我想要", "我想看看", "画出", "创建", "渲染", "描绘", "给我来", "帮忙画", "输出", "呈现",
    "想象", "生成一张图：",
)  # fmt: skip
MEDIUMS = (
    "照片", "图片", "插画", "油画", "水彩画", "素描", "特写", "海报", "壁纸", "图标", "头像", "3D渲染图", "肖像",
    "摄影作品", "画", "图", "卡通画", "数字艺术", "贴纸", "表情", "简笔画", "写真", "国画", "概念图",
)  # fmt: skip
TAGS = (
    "高清", "4k", "8k", "超高清", "高分辨率", "细节丰富", "大师作品", "杰作", "最佳质量", "电影感", "电影级光影",
    "柔和光线", "景深", "写实", "真实感", "超写实", "赛博朋克", "赛博朋克风格", "蒸汽波", "国风", "中国风", "水墨风",
    "动漫风格", "卡通风格", "吉卜力风格", "皮克斯风格", "3D渲染", "虚幻引擎", "c4d", "极简", "简约", "可爱", "萌",
    "治愈", "唯美", "梦幻", "明亮", "暖色调", "冷色调", "柔焦", "特写", "正面", "侧面", "全身", "居中", "谢谢",
    "多谢", "拜托了", "辛苦了", "扁平风", "像素风", "低多边形", "摄影", "专业摄影", "逆光", "黄金时刻", "精致",
    "高质量", "masterpiece", "best quality", "无文字", "氛围感",
)  # fmt: skip
PLACES = (
    "在森林里", "在树林中", "在草地上", "在花园里", "在花丛中", "在雪地里", "在海边", "在沙滩上", "在海里", "在水里",
    "在天空中", "在太空中", "在月球上", "在火星上", "在城市里", "在街上", "在马路上", "在桌子上", "在木桌上",
    "放在桌上", "在盘子里", "在窗边", "坐在窗边", "在窗台上", "在沙发上", "趴在沙发上", "在床上", "在厨房里",
    "在客厅里", "在办公室", "在学校里", "在图书馆里", "在公园里", "在农场上", "在山上", "在山顶", "在河边", "在湖边",
    "在树下", "在树上", "在屋顶上", "在雨中", "在雾里", "在夜晚", "在星空下", "在月光下", "在阳光下", "在夕阳下",
    "在沙漠里", "在丛林中", "在路边", "在墙边", "在门口", "在咖啡馆里", "在北京", "在东京街头", "在家里",
    "在房子前面", "在篮子里", "在盒子里", "在地上", "在云端", "在舞台上", "在海底", "在春天", "在秋天", "坐在椅子上",
    "躺在地板上", "站在雪地里", "坐在树下", "停在路边", "飞在空中", "在派对上", "在田野里", "在动物园里",
)  # fmt: skip
PLACES_BEFORE = (
    "森林里的", "草地上的", "花园里的", "雪地里的", "海边的", "沙滩上的", "天空中的", "太空中的", "城市里的",
    "街上的", "桌上的", "桌子上的", "盘子里的", "窗边的", "坐在窗边的", "沙发上的", "床上的", "厨房里的", "公园里的",
    "山上的", "河边的", "树下的", "雨中的", "夜晚的", "星空下的", "月光下的", "阳光下的", "沙漠里的", "路边的",
    "门口的", "水里的", "树上的", "草原上的",
)  # fmt: skip
SIDES = ("里", "上", "下", "前", "后面", "边上", "里面", "上面", "中", "旁")
ACTIONS = (
    "正在睡觉", "正在奔跑", "在玩耍", "坐着", "站着", "躺着", "看着你", "微笑着", "在跳舞", "在飞", "在休息",
    "闪闪发光", "在等待", "很开心", "看着镜头", "在晒太阳", "一动不动", "在散步", "慢慢移动", "在发呆", "正在吃东西",
)  # fmt: skip
DETAILS = (
    "带着{w}", "有{w}", "有{c}的{w}", "有{n}个{w}", "穿着{w}", "穿着{c}的{w}", "拿着{w}", "和{w}", "像{w}一样",
    "用{w}做的", "充满{w}", "没有{w}", "来自{w}", "关于{w}", "{w}风格", "{w}和{v}", "{c}的{w}", "适合{w}",
    "看起来很{w}", "{w}感", "戴着{c}的{w}",
)  # fmt: skip
GLUE = (
    "请", "你", "我", "我们", "帮", "给", "要", "想", "能", "可以", "吗", "吧", "呢", "啊", "的", "画", "做", "弄",
    "搞", "来", "看", "看看", "一下", "出", "一", "个", "幅", "张", "只", "这", "那", "是", "有", "图", "图片",
    "插图", "作品", "谢谢", "你好", "麻烦", "现在", "今天", "再", "就", "也", "很", "真", "大家", "朋友", "设计",
    "创作", "绘制", "展示", "和", "在", "了", "着", "把", "被", "对", "从", "到", "让", "都", "但", "而", "又", "更",
    "最", "不", "没有", "，", "，", "。",
)  # fmt: skip
ENDINGS = ("", "", "", "", "", "。", "！", "？", "吧", "，谢谢", "，谢谢！", "，拜托了", "好吗？", "可以吗", "呗", "~")
MEANINGLESS = frozenset(
    {*GLUE, *TAGS, *VERBS, *MEDIUMS, *ADJECTIVES, *(word.removesuffix("的") for word in ADJECTIVES)}
    | {colour for colours in COLOURS for colour in colours}
)


class Chinese(Writer):
    """Writes captions; names come in, the rest is drawn at random."""

    held_out = HELD_OUT
    colours, adjectives = COLOURS, ADJECTIVES

    def coloured(self, name: str, colour: int, alone: bool) -> str:
        """A thing in a colour of its own, which may be said after it where the thing stands alone."""
        word, pick = self.colour(colour), self.random.random()
        if pick > 0.85 and alone:
            return self.random.choice(COLOURED).format(x=name, c=word)
        if pick < 0.65:
            return f"{word}的{name}"
        if pick < 0.75:
            return f"{self._adjective()}{word}{name}"
        return f"{word}{name}"

    def one(self, name: str) -> str:
        """One thing, named among words that say nothing."""
        if self.random.random() < 0.2:
            return self.random.choice(ONE).format(x=self._described(name))
        pick = self.random.random()
        subject = self._subject(name)
        if pick < 0.2:
            return subject
        if pick < 0.52:
            return self._listed(subject)
        if pick < 0.64:
            return f"{self._noise(self.random.randint(0, 5))}{subject}{self._noise(self.random.randint(0, 6))}"
        return self._sentence(subject)

    def two(self, left: str, right: str) -> str:
        """Two things, the first on the left unless the words say otherwise."""
        if self.random.random() < 0.3:
            left, right = self._described(left), self._described(right)
        first, second = self.random.choices(MEASURES, k=2)
        text = self.random.choice(TWO).format(a=left, b=right, m=first, n=second)
        return text if self.random.random() < 0.6 else self._sentence(text, pure=True)

    def several(self, name: str, count: int) -> str:
        """So many of one thing."""
        number = self.random.choice(NUMBERS[count - 1][: 2 if self.random.random() < 0.6 else None])
        if number not in WHOLE_NUMBERS:
            number += self.random.choice(MEASURES) if self.random.random() < 0.9 else ""
        text = self.random.choice(COUNT if count > 1 else COUNT[:3]).format(n=number, x=name, adj=self._adjective())
        return text if self.random.random() < 0.6 else self._sentence(text, pure=True)

    def on_background(self, text: str, colour: int) -> str:
        """What was asked for, on a named colour."""
        return self.random.choice(BACKGROUND).format(s=text.rstrip("。！？~"), c=self.colour(colour))

    def nonsense(self) -> str:
        """Words that name nothing."""
        pick = self.random.random()
        if pick < 0.2:
            return "".join(self.random.choices(SYLLABLES_ZH, k=self.random.randint(1, 6)))
        if pick < 0.4:
            return "".join(self.random.choices(self.words, k=self.random.randint(1, 3)))
        if pick < 0.6:
            return self._noise(self.random.randint(2, 9))
        return Chinese(self.random, self.words, self.words).one(self._word())

    def misspelt(self, name: str) -> str:
        """Chinese is typed by sound and chosen from a list, so letters are not wrong."""
        return name

    def _noise(self, length: int) -> str:
        return "".join(self.random.choice(GLUE) if self.random.random() < 0.5 else self._word() for _ in range(length))

    def _described(self, name: str) -> str:
        number = self.random.choice((0, 0, 1, 1, 1, 2))
        words = [self._adjective() if self.random.random() < 0.75 else self._word() + "的" for _ in range(number)]
        return "".join([*words, name])

    def _subject(self, name: str) -> str:
        if self.random.random() < 0.06:
            name = self.random.choice((f"({name}:1.3)", f"(({name}))", f"（{name}）"))
        article = (
            f"一{self.random.choice(MEASURES)}"
            if self.random.random() < 0.55
            else self.random.choice(("", "", "这只", "那个", "我的"))
        )
        return article + self._described(name)

    def _place(self) -> str:
        pick = self.random.random()
        if pick < 0.65:
            return self.random.choice(PLACES)
        inside = self.random.choice(self.others) if pick < 0.8 else self._word()
        verb = self.random.choice(("在", "在", "坐在", "站在", "放在", "躺在"))
        return f"{verb}{inside}{self.random.choice(SIDES)}"

    def _detail(self) -> str:
        """Something about a thing that names no other, with a colour or a number now and then."""
        colour = self.colour(self.random.randrange(len(COLOURS)))
        return self.random.choice(DETAILS).format(
            w=self._word(), v=self._word(), c=colour, n=self.random.choice("两三四")
        )

    def _phrase(self) -> str:
        """An item of a list of tags: a known one, or a few words at random."""
        pick = self.random.random()
        if pick < 0.55:
            return self.random.choice(TAGS)
        if pick < 0.65:
            return self._detail()
        return "".join(self._word() for _ in range(self.random.choice((1, 1, 2, 2, 3))))

    def _listed(self, subject: str) -> str:
        tags = [self._phrase() for _ in range(7)]
        before = self.random.choice((0, 0, 0, 1, 2))
        after = self.random.randint(1, 5)
        separator = self.random.choice(("，", "，", "，", ", ", ",", " ", "、"))
        if separator == "、":  # which would count
            before = 0
        return separator.join([*tags[:before], subject, *tags[before : before + after]])

    def _sentence(self, subject: str, pure: bool = False) -> str:
        text = ""
        if self.random.random() < 0.5:
            text += self.random.choice(OPENINGS) + self.random.choice(VERBS)
        if not pure and self.random.random() < 0.25:
            subject = self.random.choice((*PLACES_BEFORE, f"{self._word()}{self.random.choice(SIDES)}的")) + subject
        if self.random.random() < 0.25:
            text += f"{self.random.choice(('', '', self._word()))}{subject}的{self.random.choice(MEDIUMS)}"
        else:
            text += subject
            if self.random.random() < 0.3:
                text += self.random.choice(("，", "")) + self.random.choice(ACTIONS)
            if self.random.random() < 0.2:
                text += self.random.choice(("，", "")) + self._detail()
            if not pure and self.random.random() < 0.4:
                text += self.random.choice(("，", "")) + self._place()
        if self.random.random() < 0.2:
            text += "，" + self._noise(self.random.randint(2, 14))
        if self.random.random() < 0.35:
            text += "".join(f"，{self._phrase()}" for _ in range(self.random.randint(1, 4)))
        return text + self.random.choice(ENDINGS)
