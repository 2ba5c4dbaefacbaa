"""Files about products: what they are, how they are listed, what was measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.factories import DAY, DOUYIN, WECHAT
from tests.shops.hostile import LONG_ID, Case, Standing, Wrong, exact, merged, rejected, shown, unreadable
from tests.shops.hostile_cells import NO_DATES, NO_NUMBERS

PRODUCTS = "code,shop,name,category,price,status\n"
LISTINGS = "product,alliance,state,since\n"
METRICS = "product,day,settled_orders,valid_paid_orders,quality_refunds,sales_amount\n"
COUNTS = ("settled_orders", "valid_paid_orders", "quality_refunds")


def product(code: str, shop: str, name: str, **more: str) -> Standing:
    return {code: {"shop": shop, "name": name, "category": "beauty", **more}}


def listing(code: str, state: str, alliance: str = DOUYIN, **more: str) -> Standing:
    return {f"{code} {alliance}": {"state": state, **more}}


def day_of(code: str, **figures: str) -> Standing:
    return {f"{code} {DAY}": figures}


def one_figure(column: str, cell: str) -> str:
    return f"product,day,{column}\nG1,{DAY},1\nG2,{DAY},{cell}\nG3,{DAY},0\n"


def metrics() -> Iterator[Case]:
    around = ("G1", "1"), ("G3", "0")
    bad = [(column, cell, "bad_integer") for column in COUNTS for cell in NO_NUMBERS[:5]]
    bad += [("sales_amount", cell, "bad_number") for cell in NO_NUMBERS[:5]]
    bad += [(column, "-1", "out_of_range") for column in (*COUNTS, "sales_amount")]
    bad += [(column, "2147483648", "out_of_range") for column in COUNTS]
    bad += [("settled_orders", cell, "bad_integer") for cell in ("30.0", "none", "暂无", "1万")]
    bad += [("sales_amount", "5000.001", "too_many_decimals"), ("sales_amount", "none", "bad_number")]
    for column, cell, code in bad:
        stands = merged(*(day_of(one, **{column: value}) for one, value in around))
        name = f"product's {column} {shown(cell)}"
        yield rejected(name, "product_metrics", one_figure(column, cell), (3, column, code), stands=stands)
    for column, cell, value in (
        ("settled_orders", "29", "29"),
        ("valid_paid_orders", "-0", "0"),
        ("quality_refunds", "2147483647", "2147483647"),
        ("sales_amount", "5000.010", "5000.01"),
        ("sales_amount", "0.5万", "5000"),
    ):
        stands = merged(*(day_of(one, **{column: told}) for one, told in (*around, ("G2", value))))
        yield exact(f"product's {column} {cell}", "product_metrics", one_figure(column, cell), stands)
    good = f"G1,{DAY},30,10,1,5000\n"
    stands = day_of(
        "G1", settled_orders="30", valid_paid_orders="10", quality_refunds="1", sales_amount="5000"
    )
    wrong: dict[str, tuple[str, tuple[Wrong, ...]]] = {
        "of an unknown product": (f"G9,{DAY},1,1,1,1", ((2, "product", "unknown_product"),)),
        "of a shop": (f"S1,{DAY},1,1,1,1", ((2, "product", "unknown_product"),)),
        "of nothing": (f",{DAY},1,1,1,1", ((2, "product", "missing_value"),)),
        "of a rounded product": (f"2.5E+18,{DAY},1,1,1,1", ((2, "product", "rounded_id"),)),
        "of tomorrow": ("G2,2026-03-12,1,1,1,1", ((2, "day", "future"),)),
        "of no day": ("G2,,1,1,1,1", ((2, "day", "missing_value"),)),
        "with more refunds than orders": (
            f"G2,{DAY},1,1,2,1",
            ((2, "quality_refunds", "refunds_above_orders"),),
        ),
        "all wrong": (
            "G9,2026-13-40,x,1,2,-1",
            (
                (2, "product", "unknown_product"),
                (2, "day", "bad_date"),
                (2, "settled_orders", "bad_integer"),
                (2, "quality_refunds", "refunds_above_orders"),
                (2, "sales_amount", "out_of_range"),
            ),
        ),
        "that are short": (f"G2,{DAY},1", ((2, "", "row_length"),)),
    }
    for name, (row, errors) in wrong.items():
        content = f"{METRICS}{row}\n{good}"
        yield rejected(f"product metrics {name}", "product_metrics", content, *errors, stands=stands)
    for cell in NO_DATES[:6]:
        content = f"{METRICS}G2,{cell},1,1,1,1\n{good}"
        yield rejected(
            f"product's day {cell}", "product_metrics", content, (2, "day", "bad_date"), stands=stands
        )
    for name, row, told in (
        ("all orders refunded", "1,2,2,3", ("1", "2", "2", "3")),
        ("refunds alone", ",,2,", ("", "", "2", "")),
        ("none of anything", ",,,", ("", "", "", "")),
    ):
        figures = dict(zip((*COUNTS, "sales_amount"), told, strict=True))
        figures = {name: value for name, value in figures.items() if value}
        yield exact(
            f"product with {name}", "product_metrics", f"{METRICS}G2,{DAY},{row}\n", day_of("G2", **figures)
        )
    content = f"{METRICS}{good}G2,{DAY},,,,\n G1,{DAY},1,1,1,1\n"
    twice: list[Wrong] = [(row, "product", "duplicate") for row in (2, 4)]
    yield rejected("a product's day twice", "product_metrics", content, *twice, stands=day_of("G2"))
    again = exact("a product's day once more", "product_metrics", METRICS + good, stands)
    yield replace(again, before=again.content)
    yield replace(again, name="a product's day, corrected", before=f"{METRICS}G1,{DAY},29,10,,4\n".encode())
    chinese = f"商品ID,统计日期,有效结算订单数,品退订单数\n{LONG_ID},{DAY},7,0\n"
    yield exact(
        "product metrics in Chinese",
        "product_metrics",
        chinese,
        day_of(LONG_ID, settled_orders="7", quality_refunds="0"),
    )
    yield unreadable(
        "product metrics without any", "product_metrics", f"product,day\nG1,{DAY}\n", (1, "", "no_figures")
    )


def products() -> Iterator[Case]:
    good, stands = (
        "H1,S1,口红,beauty,9.90,on_sale\n",
        product("H1", "S1", "口红", price="9.9", status="on_sale"),
    )
    yield exact("a product", "products", PRODUCTS + good, stands)
    yield exact(
        "a product of little", "products", f"{PRODUCTS}H1,S1,口红,beauty,,\n", product("H1", "S1", "口红")
    )
    yield exact(
        "a product without columns",
        "products",
        "code,shop,name,category\nH1,S1,口红,beauty\n",
        product("H1", "S1", "口红"),
    )
    yield exact(
        "a product in Chinese",
        "products",
        "商品ID,店铺ID,商品名称,商品类目,售价(元),商品状态\nH1,S1,口红,beauty,0,已下架\n",
        product("H1", "S1", "口红", price="0", status="off_sale"),
    )
    for name, row, *errors in (
        ("of an unknown shop", "H2,S9,口红,beauty,1,", ("shop", "unknown_shop")),
        ("of no shop", "H2,,口红,beauty,1,", ("shop", "missing_value")),
        ("of another shop", "G1,S2,口红,beauty,1,", ("shop", "other_shop")),
        ("of another shop nobody knows", "G1,S9,口红,beauty,1,", ("shop", "other_shop")),
        ("without a name", "H2,S1,,beauty,1,", ("name", "missing_value")),
        ("without a category", "H2,S1,口红,,1,", ("category", "missing_value")),
        ("of a negative price", "H2,S1,口红,beauty,-0.01,", ("price", "out_of_range")),
        ("of too high a price", "H2,S1,口红,beauty,1000000000000,", ("price", "out_of_range")),
        ("of no price", "H2,S1,口红,beauty,free,", ("price", "bad_number")),
        ("of a status nobody knows", "H2,S1,口红,beauty,1,sold", ("status", "bad_choice")),
        ("with a rounded code", "2.53E+18,S1,口红,beauty,1,", ("code", "rounded_id")),
        ("of a long name", f"H2,S1,{'长' * 201},beauty,1,", ("name", "too_long")),
        ("all wrong", "H2,S9,,,x,y", ("shop", "unknown_shop"), ("name", "missing_value"),
         ("category", "missing_value"), ("price", "bad_number"), ("status", "bad_choice")),
    ):  # fmt: skip
        wrong: list[Wrong] = [(2, column, code) for column, code in errors]
        yield rejected(f"a product {name}", "products", f"{PRODUCTS}{row}\n{good}", *wrong, stands=stands)
    both: list[Wrong] = [(row, "code", "duplicate") for row in (2, 3)]
    yield rejected(
        "a product twice", "products", f"{PRODUCTS}H2,S1,a,b,,\nH2,S2,a,b,,\n{good}", *both, stands=stands
    )
    before = f"{PRODUCTS}H1,S1,唇膏,beauty,1,off_sale\n".encode()
    yield replace(exact("a product, changed", "products", PRODUCTS + good, stands), before=before)
    wrong = [(1, "shop", "missing_column")]
    yield unreadable("products without shop", "products", "code,name,category\nH1,a,b\n", *wrong)


def listings() -> Iterator[Case]:
    good, stands = f"G1,{DOUYIN},promoted,2026-01-05\n", listing("G1", "promoted", since="2026-01-05")
    yield exact("a listing", "listings", LISTINGS + good, stands)
    for state, word in (
        ("applied", "申请中"),
        ("promoted", "推广中"),
        ("observed", "观察期"),
        ("stopped", "停止推广"),
    ):
        content = f"商品编码,联盟,推广状态\nG2,视频号优选联盟,{word}\n"
        yield exact(f"a listing {word}", "listings", content, listing("G2", state, WECHAT))
    for name, row, column, code in (
        ("of an unknown product", f"G9,{DOUYIN},applied,", "product", "unknown_product"),
        ("in an unknown alliance", "G2,douyin,applied,", "alliance", "unknown_alliance"),
        ("in no alliance", "G2,,applied,", "alliance", "missing_value"),
        ("of no state", f"G2,{DOUYIN},,", "state", "missing_value"),
        ("of a state nobody knows", f"G2,{DOUYIN},open,", "state", "bad_choice"),
        ("since tomorrow", f"G2,{DOUYIN},applied,2026-03-12", "since", "future"),
        ("since no day", f"G2,{DOUYIN},applied,2026-02-30", "since", "bad_date"),
    ):
        content = f"{LISTINGS}{row}\n{good}"
        yield rejected(f"a listing {name}", "listings", content, (2, column, code), stands=stands)
    both: list[Wrong] = [(row, "product", "duplicate") for row in (2, 3)]
    content = f"{LISTINGS}G2,{DOUYIN},applied,\nG2,抖音精选联盟,stopped,\n{good}"
    yield rejected("a listing by two names", "listings", content, *both, stands=stands)
    before = f"{LISTINGS}G1,{DOUYIN},stopped,2026-01-01\n".encode()
    yield replace(exact("a listing, changed", "listings", LISTINGS + good, stands), before=before)


def cases() -> Iterator[Case]:
    for maker in (metrics, products, listings):
        yield from maker()
