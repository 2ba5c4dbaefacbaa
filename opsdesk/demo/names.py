"""Made-up names. No number rings, no address is deliverable, and nobody's name is used."""

from __future__ import annotations

from dataclasses import dataclass

from shops.models import Shop

FIRST = "青云沐栖岚禾砚汀芷澜鹿棠屿朴榆泊槿霁野眠渡织陶稻枫荷桐萤舟溪茗筠黛珞汐杉苔葵鹭橙柚麦糖豆暖晴星月"
SECOND = "里屋舍居园林庭间坊谷原野岸川湖泽山石松竹兰梅芽穗果叶花朵风雨雪霜光影音色味集市铺巷桥渡船帆灯歌"
THIRD = "记家匠品选制造物语社集源和悦然安宁嘉佳优良美好乐享趣拾初新心意想念朝暮春夏秋冬东南西北一"


@dataclass(frozen=True)
class Category:
    """A main category, what shops in it say they sell, and whether that is shipped."""

    name: str
    words: tuple[str, ...]
    goods_kind: Shop.GoodsKind = Shop.GoodsKind.PHYSICAL
    # Of a hundred shops of this category, how many also sell what is not shipped.
    mixed: int = 0


LOCAL_LIFE = Category("local-life", ("餐饮", "美发", "摄影", "洗衣"), Shop.GoodsKind.VIRTUAL)
CATEGORIES = (
    Category("女装", ("女装", "连衣裙", "针织", "汉服")),
    Category("男装", ("男装", "衬衫", "牛仔")),
    Category("鞋靴箱包", ("鞋履", "箱包", "皮具")),
    Category("美妆护肤", ("美妆", "护肤", "香氛"), mixed=4),
    Category("母婴玩具", ("母婴", "童装", "玩具")),
    Category("食品生鲜", ("零食", "茶叶", "果蔬", "粮油"), mixed=4),
    Category("家居日用", ("家居", "家纺", "日用", "厨具")),
    Category("家用电器", ("电器", "小家电"), mixed=8),
    Category("数码配件", ("数码", "手机配件"), mixed=12),
    Category("运动户外", ("运动", "户外", "垂钓"), mixed=8),
    Category("图书文具", ("图书", "文具", "手账"), mixed=25),
    Category("充值卡券", ("充值", "卡券"), Shop.GoodsKind.VIRTUAL),
    Category("教育培训", ("课堂", "学习"), Shop.GoodsKind.VIRTUAL, mixed=30),
)
# Nearly even; virtual goods are rarer than things.
CATEGORY_WEIGHTS = (16, 9, 9, 11, 9, 12, 11, 5, 6, 5, 4, 2, 3)

# What an ordinary shop may call itself (ON-3): nothing that claims a brand's authorisation.
ORDINARY_ENDINGS = ("小店", "铺子", "工坊", "优选", "生活馆", "良品", "小栈", "集合店", "杂货", "")
BRANDED_ENDINGS = {
    Shop.Type.FLAGSHIP: "旗舰店",
    Shop.Type.EXCLUSIVE: "专卖店",
    Shop.Type.MULTI_BRAND: "专营店",
}
ACCOUNT_MANAGERS = ("招商一组", "招商二组", "招商三组", "类目运营组", "达人对接组", "中小商家组")


def brand(number: int) -> str:
    """The made-up word that shop `number` trades under: two characters while they last, then three."""
    pairs = len(FIRST) * len(SECOND)
    # Steps that share no factor with the number of pairs visit each of them once.
    pair = number * 1009 % pairs
    word = FIRST[pair // len(SECOND)] + SECOND[pair % len(SECOND)]
    if number >= pairs:
        word += THIRD[number // pairs % len(THIRD)]
    return word


def shop_name(number: int, shop_type: Shop.Type, word: str) -> str:
    """A name that fits the shop's type; `word` is what it sells."""
    ending = BRANDED_ENDINGS.get(shop_type)
    if ending is None:
        ending = ORDINARY_ENDINGS[number % len(ORDINARY_ENDINGS)]
        return f"{brand(number)}{word}{ending}"
    if shop_type == Shop.Type.EXCLUSIVE:
        # An authorised dealer puts its own word behind the brand's.
        return f"{brand(number)}{brand(number * 7 + 3)[:2]}{ending}"
    return f"{brand(number)}{word}{ending}"


def phone(number: int) -> str:
    """No Chinese number begins so."""
    return f"000-{number // 10_000 % 10_000:04d}-{number % 10_000:04d}"


def email(code: str) -> str:
    """Under the domain that is kept for examples."""
    return f"{code.lower()}@shops.example.com"
