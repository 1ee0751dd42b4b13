r"""The table of units.

Belongs here: names, dimensions and sizes. Does not belong here: reading a unit after a number
(:mod:`.quantities`).

A table of our own rather than a library of units: it loads in a few milliseconds, it knows the counting words
and currencies of word problems, and a unit that it does not list is not guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

#: "dimension: names = size; names = size": the first name of a unit is the one that is shown. ``*``: takes SI prefixes.
_TABLE = r"""
length: *m *meter *metre м метр метра метров 米 公尺 メートル 미터 मीटर متر = 1; inch inches in = 127/5000; foot feet ft = 381/1250;
  yard yd = 1143/1250; mile mi = 1609344/1000; км километр километров 公里 千米 キロメートル 킬로미터 किलोमीटर किमी كيلومتر كم = 1000; см сантиметр сантиметров 厘米 公分 センチメートル 센티미터 सेंटीमीटर सेमी سنتيمتر سم = 1/100;
  мм миллиметр 毫米 ミリメートル = 1/1000; micron = 1/1000000; lightyear light-year ly = 9460730472580800; angstrom Å = 1/10000000000; au AU = 149597870700
mass: *g *gram *gramme г грамм граммов 克 グラム 그램 ग्राम غرام = 1; кг килограмм килограммов 公斤 千克 キログラム 킬로그램 किलोग्राम किग्रा كيلوغرام كجم كغ = 1000; tonne ton тонн тонна 吨 = 1000000;
  pound = 45359237/100000; lb lbs = 45359237/100000; ounce oz = 45359237/1600000; stone = 45359237*14/100000
time: *s *second sec с сек секунд секунды 秒 초 सेकंड ثانية = 1; minute min мин минут минуты 分钟 分鐘 分 분 मिनट دقيقة دقائق = 60; hour h hr hrs ч час часа часов 小时 小時 時間 시간 घंटा घंटे ساعة ساعات = 3600;
  day d день дня дней 天 日 일 दिन يوم أيام = 86400; week wk неделя недель 周 = 604800; fortnight = 1209600
month: month mo месяц месяцев 个月 = 1; year yr yrs год года лет 年 岁 歲 = 12; decade = 120; century centuries = 1200
current: *A *amp *ampere = 1
temperature: *K kelvin kelvins = 1
celsius: degC celsius 摄氏度 = 1
fahrenheit: degF fahrenheit = 1
amount: *mol *mole = 1
angle: degree degrees deg градус градусов 度 = 1; radian radians rad = 1*57.29577951308232; arcminute = 1/60; arcsecond = 1/3600
information: *bit bits = 1; *B *byte = 8
volume: *L *l *liter *litre литр литров л 升 リットル 리터 लीटर لتر = 1; gallon gal gallons = 473176473*8/1000000000; quart qt = 946352946/1000000000;
  pint pt = 473176473/1000000000; cup = 473176473/2000000000; teaspoon tsp = 1/200; tablespoon tbsp = 3/200; cc = 1/1000
dollar: dollar USD usd buck US$ $ доллар доллара долларов 美元 ドル 달러 डॉलर دولار = 1; cent ¢ penny pennies = 1/100; dime = 1/10; nickel = 1/20
euro: euro EUR eur евро € 欧元 = 1
sterling: GBP gbp pounds-sterling £ = 1; pence = 1/100
yen: yen JPY 円 圓 = 1
yen or yuan: ¥ = 1
yuan: yuan CNY RMB rmb 元 块 塊 人民币 = 1
ruble: ruble rouble RUB руб рубль рубля рублей ₽ р = 1; копеек = 1/100
rupee: rupee INR ₹ Rs रुपये रुपए रुपया = 1; paise paisa = 1/100
franc: CHF = 1
australian dollar: AUD A$ = 1
canadian dollar: CAD C$ = 1
lira: lira TRY ₺ = 1
dong: dong VND ₫ = 1
shekel: shekel ILS ₪ = 1
peso: peso MXN ₱ = 1
level: dB decibel = 1
won: won KRW ₩ 원 = 1
pixel: pixel px = 1
"""
#: Units that are products of those above.
_DERIVED = r"""
*N *newton = kg m / s^2; *J *joule = kg m^2 / s^2; *W *watt = kg m^2 / s^3; *Pa *pascal = kg / m s^2;
*V *volt = kg m^2 / s^3 A; *Ω *ohm = kg m^2 / s^3 A^2; *C *coulomb = A s; *F *farad = A^2 s^4 / kg m^2;
*Hz *hertz = / s; *T *tesla = kg / s^2 A; *Wb = kg m^2 / s^2 A; *Nm = N m; molar = 1000 mol / m^3; mM millimolar = mol / m^3; μM µM uM micromolar = 1/1000 mol / m^3; nM = 1/1000000 mol / m^3; Cal = 4184 J; kb = 1000 bit; Mb = 1000000 bit; Gb = 1000000000 bit; mph = mile / hour; kph kmh kmph = km / hour;
acre = 316160658/78125 m^2; hectare ha = 10000 m^2; *cal *calorie = 4.184 J; *eV *electronvolt = 1.602176634e-19 J;
atm atmosphere = 101325 Pa; bar = 100000 Pa; horsepower hp = 745.69987158227022 W; *Wh = 3600 J; rpm = / minute;
mpg = mile / gallon; mmHg torr = 101325/760 Pa; psi = 6894.757293168 Pa; knot knots = 1852/3600 m / s
"""
_PREFIXES = {
    "k": 3, "c": -2, "m": -3, "d": -1, "M": 6, "G": 9, "T": 12, "μ": -6, "µ": -6, "u": -6, "n": -9, "p": -12, "f": -15,
}  # fmt: skip
_LONG_PREFIXES = {
    "kilo": 3, "centi": -2, "milli": -3, "deci": -1, "mega": 6, "giga": 9, "tera": 12, "micro": -6, "nano": -9, "femto": -15,
}  # fmt: skip
#: Things that word problems count; every one is a dimension of its own.
_COUNTED = """
adult animal apple arrangement bag ball banana bead bean bill bird block boat book bottle bowl box boy brick building
bus button cake can candy candie candle car card case cat chair chicken child children choice chocolate circle class
coin color combination cookie cow crate cube customer degree desk die digit dog donut door dot dress duck edge egg
employee envelope face factor fish flower friend fruit game girl glass goal grape group guest handshake hat head horse
house integer item key kid kite lap leg lemon letter line liter man marble match member men mile muffin number orange
outcome package packet page paper part path patient pattern peach pear pen pencil people permutation person piece
pizza place plane plant plate player point prime problem puppy puppie question rabbit rectangle ribbon rose row seat
seed segment sheep sheet shell shirt shoe side snack solution song spoon square-unit stamp star step sticker stone stop store
story storie strawberry strawberrie student subset sweet symmetry table teacher team term thing ticket tile toy train
tree triangle trip truck unit value vertex vertices visitor vote watch way wheel window woman women word worker
个 個 只 隻 条 條 本 人 名 枚 匹 台 張 张 件 頭 头 次 回 支 棵 位 種 种 つ 개 명 человек человека штук яблок
"""


@dataclass(frozen=True, slots=True)
class Unit:
    """A product of units: its size in base units, their powers, and the words for it."""

    size: Fraction
    dimension: tuple[tuple[str, int], ...]
    name: str
    is_listed: bool = True  #: False: a word that no table has, a unit only where the statement has it

    def times(self, other: Unit, power: int = 1) -> Unit:
        """The product with a power of another unit."""
        powers = dict(self.dimension)
        for base, exponent in other.dimension:
            powers[base] = powers.get(base, 0) + power * exponent
        dimension = tuple(sorted((base, exponent) for base, exponent in powers.items() if exponent))
        return Unit(self.size * other.size**power, dimension, self.name, self.is_listed and other.is_listed)


ONE = Unit(Fraction(1), (), "")


@lru_cache(maxsize=1)
def units() -> dict[str, Unit]:
    """Every name, prefixed ones too, to its unit."""
    table: dict[str, Unit] = {}
    for line in re.sub(r"\n +", " ", _TABLE).strip().splitlines():
        dimension, _, entries = line.partition(": ")
        for entry in entries.split(";"):
            names, _, size = entry.partition(" = ")
            unit = Unit(_size(size), ((dimension, 1),), names.split()[0].strip("*"))
            table |= dict(_prefixed(names.split(), unit))
    # Volumes and lengths meet: a liter is a cubic decimeter.
    for name, unit in list(table.items()):
        if unit.dimension == (("volume", 1),):
            table[name] = Unit(unit.size / 1000, (("length", 3),), unit.name)
    for entry in _DERIVED.replace("\n", " ").split(";"):
        names, _, product = entry.partition(" = ")
        unit = _derived(product, table, names.split()[0].strip("*"))
        table |= dict(_prefixed(names.split(), unit))
    for word in _COUNTED.split():
        table.setdefault(word, Unit(Fraction(1), ((f"#{word}", 1),), word))
    table["unit"] = table["units"] = Unit(Fraction(1), (("unit", 1),), "unit")
    return table


def _prefixed(names: Sequence[str], unit: Unit) -> Iterator[tuple[str, Unit]]:
    for name in names:
        bare = name.removeprefix("*")
        yield bare, Unit(unit.size, unit.dimension, unit.name)
        if name != bare:
            for prefix, power in (_PREFIXES if len(bare) <= 3 else _LONG_PREFIXES).items():
                size = unit.size * Fraction(10) ** power
                yield prefix + bare, Unit(size, unit.dimension, prefix + unit.name)


def _derived(product: str, table: dict[str, Unit], name: str) -> Unit:
    unit = ONE
    sides = product.split("/") if " / " in product or product.startswith("/") else [product]
    for index, side in enumerate(sides):
        for word in side.split():
            base, _, power = word.partition("^")
            part = table.get(base) or Unit(Fraction(base), (), "")
            unit = unit.times(part, int(power or 1) * (-1 if index else 1))
    return Unit(unit.size, unit.dimension, name)


def _size(text: str) -> Fraction:
    top, _, bottom = text.strip().partition("/")
    value = Fraction(1)
    for part in top.split("*"):
        value *= Fraction(part)
    return value / Fraction(bottom or 1)
