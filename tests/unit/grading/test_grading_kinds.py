"""Pairs of every kind, as a person would judge them; none of them needs computer algebra."""

import pytest

from cot_assets.grading.verify import quick_verdict

SAME: dict[str, list[tuple[str, str]]] = {
    "what only looks different": [
        (r"\underline{5}", "5"), (r"\textcolor{blue}{x}+1", "x+1"), (r"\color{red}{5}", "5"), (r"\underline{\text{Paris}}", "Paris"), (r"\bm{v}", "v"),
        (r"{\Large 5}", "5"), (r"5\tag{1}", "5"), (r"5\hspace{1em}", "5"), (r"\begin{aligned} x &= 5 \end{aligned}", "5"), ("5\\\\", "5"), ("= 5", "5"),
        (r"\text{Answer: }5", "5"), (r"\text{Answer: 5}", "5"), ("The final answer is Paris", "Paris"), ("𝟓", "5"), ("𝐱+𝟏", "x+1"),
    ],
    "ordinals and fractions in words": [
        ("5th", "5"), (r"21^{\text{st}}", "21"), ("fifth", "5th"), ("twenty-first", "21st"), ("two thirds", "2/3"), ("a half", "0.5"), ("one fifth", "1/5"),
        ("three and a half", "3.5"), ("minus three quarters", "-3/4"), ("three hundredths", "0.03"), ("3 tenths", "0.3"),
    ],
    "decimals that repeat": [("0.(3)", "1/3"), ("0.1(6)", r"\frac16"), ("0.333...", r"\frac13"), (r"0.1666\ldots", "1/6"), ("0.121212...", "4/33")],
    "residues": [
        (r"x \equiv 5 \pmod{7}", r"12 \pmod 7"), ("5 (mod 7)", r"x ≡ 5 (\text{mod } 7)"), (r"5 \bmod 7", "5"), (r"-2 \pmod 7", "5"),
        (r"x \equiv 2, 5 \pmod 7", r"5, 2 \pmod 7"), (r"2 \text{ or } 5 \pmod 7", r"5, 2 \pmod 7"),
    ],
    "angles": [(r"90^\circ", r"\frac{\pi}{2}"), ("45°", r"\pi/4"), ("30 degrees", r"\frac{\pi}{6}\text{ radians}"), (r"\theta = 60^\circ", r"\pi/3")],
    "primes": [(r"x^{\prime\prime}", "x''"), ("x'+1", "1+x'"), (r"f^\prime(x)=2x", "f'(x)=2x"), ("'C'", "C"), ("don't", "don’t"), ("-inf", r"-\infty")],
    "sets of one": [(r"\{5\}", "5"), (r"x \in \{-3\}", "-3"), (r"\{\frac12\}", "0.5")],
    "values by name": [("x=1, y=2", "(1,2)"), ("y=2, x=1", "(1,2)"), ("x=1, y=2", "(x,y)=(1,2)"), (r"a=1, b=2 \text{ and } c=3", "(1,2,3)")],
    "letters that have an order": [
        ("H2O", "H_2O"), (r"\text{H}_2\text{O}", "H_2O"), ("CO_{2}", "CO2"), ("C_6H_{12}O_6", "C6H12O6"), ("A B C D", "ABCD"), ("3 remainder 2", "3R2"), (r"3 \text{ R } 2", "3 R 2"), (r"\angle A B C", r"\angle ABC"),
        ("P_2V_1", "V_1P_2"), (r"A \to B", r"A\rightarrow B"), (r"2=1+1", "1+1=2"),
    ],
    "touching intervals": [
        (r"(0,2] \cup [2,3)", "(0,3)"), (r"[0,1) \cup \{1\}", "[0,1]"), (r"[0,2] \cup [1,3]", "[0,3]"), (r"(-\infty,0] \cup [0,\infty)", r"(-\infty,\infty)"), (r"(0,1) \cup (1,2)", r"(1,2) \cup (0,1)"),
    ],
    "powers of ten": [("1.5 x 10^3", "1500"), ("3x10^{-2}", "0.03"), ("2 X 10^4", r"2\times 10^4")],
    "numbers": [
        ("42", "42"), ("025", "25"), ("+7", "7"), ("-0042", "-42"), ("1500.0", "1500"), (".5", "0.5"), ("5.", "5"),
        ("1,234", "1234"), ("1{,}234{,}567", "1234567"), (r"10,\!080", "10080"), (r"11,\! 111,\! 100", "11111100"),
        ("10 000", "10000"), (r"10\,000", "10000"), ("1'000'000", "1000000"), ("1.234,50", "1234.5"), ("0{,}25", "0.25"),
        ("3{,}14", "3.14"), ("14 {, }916", "14916"),
        ("1e5", "100000"), ("2.5e-3", "0.0025"), ("1E6", "1000000"), (r"1.5 \times 10^3", "1500"), (r"10^{-7}", "1e-7"),
        (r"6.02\cdot10^{23}", "602000000000000000000000"), ("1e22", "10000000000000000000000"),
        ("8/3", "2 2/3"), (r"2\frac{2}{3}", "8/3"), ("-1 1/2", "-1.5"), (r"137 \frac{1}{2}", "137.5"), ("2½", "2.5"),
        (r"\dfrac{2}{4}", r"\frac12"), (r"\frac{-3}{8}", r"-\frac{3}{8}"), (r"0.1\overline{6}", r"\frac16"),
        ("0.333333", r"\frac13"), ("0.666667", r"\frac23"), ("-0.333333", "-1/3"), (r"\frac13", "0.333333"),
        ("seven", "7"), ("twenty-one", "21"), ("one hundred five", "105"), ("minus three", "-3"),
        (r"\boxed{5}", "5"), ("**12**", "12"), ("$12$", "12"), (r"\text{13}", "13"), ("(42)", "42"), ("42.", "42"),
        ("2^{10}", "1024"), ("5!", "120"), (r"\binom{5}{2}", "10"), (r"\sqrt{16}", "4"), ("3*4", "12"),
        (r"\log_2 8", "3"), (r"\sin 30^\circ", r"\frac12"), (r"\frac{100!}{98!}", "9900"), ("-(-3)", "3"),
        ("10 below zero", "-10"), (r"\approx 3", "3"), ("99999999999999999999", "99999999999999999999"),
    ],
    "percents": [
        ("28 percent", r"28\%"), ("5 percent", "0.05"), (r"33.5\%", "0.335"), ("198", r"198\%"), (r"50\%", "50"),
        ("28 pct", r"28\%"), ("12.5％", "12.5%"), (r"12.5\text{ percent}", r"\frac18"), (r"\frac12\%", "0.005"),
    ],
    "factors": [
        ("5 million", "5000000"), (r"5 \text{ million}", "5,000,000"), ("1.5 billion", "1500000000"), ("2 dozen", "24"),
        ("3 thousand", "3000"), ("5 million dollars", r"\$5,000,000"), ("42万", "420000"), ("3 млн", "3000000"),
        ("two million", "2000000"), ("4 hundred", "400"),
    ],
    "quantities": [
        ("10 cm", "10"), ("10", r"10\text{ cm}"), ("2 km", "2000 m"), (r"180\text{ minutes}", "3 hours"),
        (r"864 \mbox{ inches}^2", "864 square inches"), ("15", r"15\mbox{ cm}^2"), ("54 cents", r"\$0.54"), ("€5", "5"),
        ("5 €", "€5"), ("42元", "42"), ("42 ₽", "42 рубля"), ("£3.50", "3.5"), ("60 miles per hour", "60 mph"), ("5 m/s", r"5\text{ m/s}"),
        ("9.8 m/s^2", r"9.8\ \mathrm{m/s^2}"), ("90", r"90^\circ"), ("74°", r"74^\circ"), ("45 degrees", r"45^\circ"),
        (r"20^\circ\text{C}", "20 °C"), ("1 kg", "1000 g"), ("2.5 L", "2500 mL"), ("7 apples", "7"), ("12 square units", "12"),
        (r"4\pi\text{ cm}^2", r"4\pi"), (r"\frac{270}{7}\text{ degrees}", r"\frac{270}7"), ("36 km/h", "10 m/s"), ("42 км", "42 km"),
        ("1 N", r"1\text{ kg m/s}^2"), ("5.4 cents", "5.4"), ("2 weeks", "14 days"), ("1 hectare", "10000 m^2"), (r"\$18.90", "18.9"),
        ("3 ft", "1 yard"), ("￥5", "5"), ("9 square feet", "1 square yard"), ("2 liters", "2000 cm^3"), ("42人", "42"), ("5 000 km", "5000 km"), ("2 h 30 min", "150 minutes"), ("5 ft 10 in", "70 inches"),
        (r"1\text{ hour and }30\text{ minutes}", "1.5 hours"),
    ],
    "expressions": [
        ("x+1", "1+x"), ("(x+1)^2", "x^2+2x+1"), (r"\sqrt{1/n}", r"\frac{1}{\sqrt{n}}"), ("2x+3", "y = 2x + 3"), ("0.5x", r"\frac{x}{2}"),
        (r"2.5\pi", r"\frac{5\pi}{2}"), (r"\frac{\sqrt{2}}{2}", r"\frac{1}{\sqrt2}"), ("(1+i)^2", "2i"), (r"e^{i\pi}", "-1"),
        (r"\cot x", r"\frac{\cos x}{\sin x}"), ("3.141593", r"\pi"), ("3.141592", r"\pi"), (r"\sqrt{17}", "4.123105625617661"),
        (r"-1 + sqrt(3)", r"\sqrt{3} - 1"), ("(3*sqrt(5))/7", r"\frac{3\sqrt{5}}{7}"), ("√2", r"\sqrt2"), ("x²+1", "x^2+1"), ("yx", "xy"),
        (r"1 - \frac{1}{\mathrm{e}}", r"1-e^{-1}"), ("k(k+1)/2", r"\frac{k^2+k}{2}"), (r"\ln 4", r"2\ln 2"), ("a_1+a_2", "a_2+a_1"),
        (r"\frac{(n+1)!}{n!}", "n+1"), (r"\alpha\beta", r"\beta \alpha"), (r"\varphi+1", r"1+\phi"), ("2ab", "2ba"), (r"|{-x}|", "|x|"),
        (r"\sin^2 x", r"1-\cos^2x"), ("2**(1/4)", r"\sqrt{\sqrt2}"), (r"x^{-1}", r"\frac1x"), (r"\sqrt[3]{-8}", "-2"),
    ],
    "relations": [
        ("x = 5", "5"), ("5", "x=5"), ("5 = x", "x = 5"), ("2>x", "x<2"), ("x &lt; 3", "x < 3"), ("3x^2+4y^2=12", r"\frac{x^2}{4}+\frac{y^2}{3}=1"),
        (r"y=-\frac{1}{2}x+\frac{3}{4}", "2x+4y-3=0"), ("10x-14y+22z+8=0", "5x - 7y + 11z + 4 = 0"), ("xy=6", "y=6/x"), ("y = 3 + 2x", "y = 2x + 3"),
        (r"\angle APC = 74^\circ", r"74^\circ"), ("a = 2+3 = 5", "5"), ("f(2) = 8", "8"), ("x ≤ 3", r"3 \geq x"), ("x+y=7", "7"),
        ("-2x < 4", "x > -2"), (r"\text{Area} = 12\text{ cm}^2", "12"), ("y-2x=0", "y=2x"), ("0=x-2y+z-1", "x-2y+z-1=0"),
    ],
    "intervals": [
        (r"x<1 \text{ or } x>2", r"(-\infty,1)\cup(2,\infty)"), (r"(2,\infty) \cup (-\infty,1)", r"(-\infty,1)\cup(2,\infty)"),
        ("[-2,7]", r"x \in [-2,7]"), (r"-2 \le x \le 7", "[-2,7]"), ("x>5", r"(5,\infty)"), (r"-\sqrt{3}<x<\sqrt{3}", r"(-\sqrt{3}, \sqrt{3})"),
        ("]0,1[", "(0,1)"), (r"\left(\frac{3}{5},\frac{8}{3}\right]", "(0.6, 8/3]"), (r"\mathbb{R}", r"(-\infty,\infty)"), ("D = (0, 1)", "(0,1)"),
        (r"x > 1 \text{ and } x < 2", "(1,2)"), (r"\{x \mid x > 5\}", r"(5,\infty)"), (r"x \neq 1", r"(-\infty,1)\cup(1,\infty)"),
        (r"\emptyset", r"\varnothing"), ("∅", r"\emptyset"), (r"\{\}", r"\emptyset"), (r"7 \ge x \ge -2", "[-2,7]"), (r"[0, +\infty)", r"[0,\infty)"),
    ],
    "collections": [
        ("144, 12", "12, 144"), ("7, 5, 3", "3, 5, 7"), ("-2,1", r"\{1,-2\}"), (r"\{3,2,1\}", r"\{1,2,3\}"), (r"x=-2 \text{ or } x=1", "1, -2"),
        (r"1+\sqrt{19},1-\sqrt{19}", r"1 \pm \sqrt{19}"), (r"19, 46, \text{ and } 82", "46, 19, 82"), (r"\pm 2", "2, -2"), (r"x = \pm 3", "-3, 3"),
        (r"\{1,1,2\}", r"\{2, 1\}"), ("n=1,2,3", "1,2,3"), ("1; 2", "1, 2"), ("(1, 2), (3, 4)", "(3,4),(1,2)"), ("red, blue", "blue and red"),
        ("A, C", "C and A"), ("1,000, 2,000", "2000, 1000"), (r"\frac12, 0.25", r"0.5, \frac14"), ("x=1, y=2", "y=2, x=1"), ("[1, 2, 3]", "(1,2,3)"),
        (r"\{1\pm\sqrt{5},-2\}", r"\{-2, 1-\sqrt5, 1+\sqrt5\}"), ("12和15".replace("和", ", "), "15, 12"), ("1、2", "1, 2"),
    ],
    "tuples and matrices": [
        (r"\left( 3, \frac{\pi}{2} \right)", r"(3,\pi/2)"), ("(1, 2)", "(1,2)"), ("(0.5, 2)", r"(\frac12, 2)"), (r"\langle 1,2,3\rangle", "(1,2,3)"),
        (r"\begin{bmatrix} -1/3 \\ 2/3 \end{bmatrix}", r"\begin{pmatrix} -\frac13 \\ \frac23 \end{pmatrix}"),
        ("(x,y)=(1,2)", "(1,2)"), ("2:4", "1:2"), ("1 : 2 : 3", "1:2:3"), ("(6,31,-1)", "(6, 31, -1)"),
    ],
    "letters": [
        ("(C)", r"\text{(C)}"), (r"\text{C}", r"\text{(C)}"), (r"\mathrm{E}", "E"), (r"\textbf{(A)}", "A"), (r"\mathcal{B}", "B"), ("option B", "B"),
        ("（Ｂ）", "B"),
    ],
    "compound units and counts": [
        ("1h30min", "1.5h"), ("1h30m", "90 min"), ("200 cm", "2m"), ("5ft10in", "70 inches"), ("1h2m3s", "3723 s"), ("3 apples", "three apples"),
        ("a dozen", "12"), ("two dozen eggs", "24 eggs"), ("a hundred", "100"), ("two face", "Two Face"),
    ],
    "nothing": [
        ("no real solutions", r"\emptyset"), ("No solution.", "no solutions"), ("There are no solutions", r"\{\}"), ("DNE", "does not exist"),
    ],
    "ratios as quotients": [("1/2", "1:2"), (r"\frac{3}{4}", "3:4"), ("0.75", "3:4"), ("2", "2:1")],
    "named times": [("noon", "12:00"), ("12:00 PM", "noon"), ("midnight", "0:00"), ("07:45", "7:45"), ("07:45", "7:45 AM"), ("3 o'clock", "3:00")],
    "dates and times": [("3/3/2020", "2020-03-03"),
        ("May 1, 2024", "2024-05-01"), ("1 May 2024", "May 1st, 2024"), ("2024/5/1", "2024-05-01"), ("2024年5月1日", "2024-05-01"), ("12/25/2024", "2024-12-25"),
        ("Monday, May 6", "6 May"), ("4:30 PM", r"\text{4:30 p.m.}"), ("16:30", "4:30 p.m."), (r"4:30 \text{ p.m.}", "4:30 pm"), ("12:00", "12:00"), ("3 pm", "3:00 p.m."),
        ("01.05.2024", "2024-05-01"),
    ],
    "texts": [
        (r"\text{east}", "East"), ("да", "Да"), ("Café", "Cafe\u0301"), ("42。", "42"), ("ДОМ.", "дом"), ("東京。", "東京"), ("ellipse", r"\text{ellipse}"), ("odd $n$", "odd n"),
        ("٤٢", "42"), ("४२।", "42"), ("１２３", "123"), ("no solution", "No solution."), ("straße", "STRASSE"), ("well-known", "well known"), ("IX", "ix"),
        ("555-1234", "555-1234"), ("10.0.0.1", "10.0.0.1"), ("H_2O", "H₂O"), ("“yes”", "Yes"), ("1990–1995", "1990-1995"), ("&quot;no&quot;", "no"), ("ΑΒΓ", "αβγ"),
    ],
    "calculations in words": [
        ("8 squared", "64"), ("3 cubed", "27"), ("5 factorial", "120"), ("3 over 4", "0.75"), ("3 times 4", "12"), ("10 minus 3", "7"), ("10 choose 3", "120"),
        ("2 to the power of 5", "32"), ("the square root of 16", "4"), ("x squared", "x^2"), ("15 degrees below zero", "-15"),
    ],
    "the reals and their parts": [
        (r"\mathbb{R}\setminus\{1\}", r"x \neq 1"), (r"\mathbb R - \{2, 0\}", r"(-\infty,0)\cup(0,2)\cup(2,\infty)"), ("all real numbers", r"\mathbb{R}"), (r"\mathbb R", r"(-\infty,\infty)"),
        ("]3,8]", "(3,8]"), ("[3,8[", "[3,8)"), (r"x=1 \text{ or } x>2", r"\{1\}\cup(2,\infty)"), ("x >= 2", r"[2,\infty)"), ("-3 < x <= 5", "(-3,5]"), ("x != 2", r"x \ne 2"),
    ],
    "multiples of a matrix": [(r"\frac12\begin{pmatrix}2&4\\6&8\end{pmatrix}", r"\begin{pmatrix}1&2\\3&4\end{pmatrix}"), (r"2\begin{bmatrix}1\\x\end{bmatrix}", r"\begin{bmatrix}2\\2x\end{bmatrix}")],
    "signs of one character": [("100㎡", "100 m^2"), ("5㎝", "5 cm"), ("20℃", "20 °C"), ("⅞", "7/8"), ("3⅚", "23/6"), ("ℤ", r"\mathbb{Z}"), ("&frac12;", "0.5"), ("42！", "42"), ("20 deg C", "20 °C")],
    "whole numbers with points": [("1.234.567", "1234567"), ("(1,000)", "1000"), ("(1,050)", "1050")],
    "what goes on": [(r"2,4,6,\ldots", r"2,4,6,\dots"), (r"1:4:9:\cdots", r"1:4:9:\ldots"), (r"\{1, 2, \ldots, 10\}", r"\{1,2,\dots,10\}")],
    "ends of arguments": [(r"x\sin y", r"\sin y\cdot x"), (r"\log 8/\log 2", "3"), (r"vt+\frac12at^2", r"\frac{at^2}{2}+vt"), ("2 a b", "2ab"), ("6 pq", "6pq"), ("ad - bc", "-bc+ad")],
    "domains": [(r"\frac{\pi}{4}+k\pi", r"k\pi+\frac{\pi}{4}, k\in\mathbb{Z}"), (r"2k, k \in \mathbb{Z}", "2k")],
    "charges": [("Ca2+", "Ca^{2+}"), (r"\text{SO}_4^{2-}", "SO_4^{2-}"), ("Na+", "Na^+")],
    "both ways round": [(r"A \supset B", r"B \subset A"), (r"p \iff q", r"q \Leftrightarrow p"), (r"\lnot p", r"\neg p"), ("A:B = 3:4", "3:4"), ("Ann=3, Bob=2", "Bob=2, Ann=3"), ("(1;2)", "(1,2)")],
    "pounds": [("£5", "5 pounds"), ("5 pounds", "500 pence"), ("5 pounds", "5 lb")],
    "bases": [(r"52_{8}", "52_8"), ("1A_{16}", "1a_16"), (r"4210_{\text{5}}", "4210_5"), ("52 base 8", r"52_{\text{eight}}"), ("52 (base 8)", "52_8"), ("0xFF", "FF_{16}"), ("0b101", "101_2")],
    "numerals of other scripts": [("四十二", "42"), ("一百零五", "105"), ("两万", "20000"), ("二〇二四", "2024"), ("三分之二", "2/3"), ("百分之五", r"5\%"), ("三十五万六千", "356000")],
    "halves of factors": [("half a dozen", "6"), ("half a million", "500000"), ("two and a half million", "2500000"), ("3 out of 4", "3/4"), ("1,00,000", "100000")],
    "names of integers": [(r"n\pi, n\in\mathbb{Z}", r"k\pi, k \in \mathbb{Z}"), (r"f^{-1}(x)=\frac{x-3}{2}", "(x-3)/2"), (r"\boldsymbol{x+1}", "1+x"), ("15 sec", r"15\text{ s}")],
    "holes": [(r"(0,36)\setminus\{9\}", r"(0,9) \cup (9,36)"), (r"[0,1]\setminus\{0\}", "(0,1]")],
    "names of what is bound": [(r"\{x \mid x>0\}", r"\{z \mid z>0\}"), (r"x \in [0,1]", "D = [0,1]"), (r"\{x : x>0\}", "x>0")],
    "bases and shares of ten": [(r"17_{10}", "17"), ("17‰", "0.017"), ("25°", "25 °C")],
    "names of functions": [("y = x+1", "f(x) = 1+x"), ("P(X=2) = 0.3", "0.3"), ("A ⊂ B", "B ⊃ A"), ("8 N m", "8 Nm"), (r"2x \text{ cm}", "2x")],
    "matrices": [(r"\left[\begin{array}{cc} -1 & 0 \\ 0 & 1\end{array}\right]", r"\begin{pmatrix}-1&0\\0&1\end{pmatrix}")],
    "units as fractions and commands": [
        (r"10 \frac{\text{m}}{\text{s}}", "36 km/h"), (r"2\,\Omega", "2 ohms"), (r"2\text{ k}\Omega", r"2000 \Omega"), (r"2\,\mu\text{m}", "2 micrometers"), ("6π cm²", r"6\pi\text{ cm}^2"),
        ("25 degrees Celsius", "25 °C"), ("30°15'", "30.25°"), ("30°15'36\"", "30.26°"), ("5'10\"", "5 feet 10 inches"), ("5,50 €", "5.50 €"),
    ],
    "letters apart": [(r"n \cdot R * T", "n·R T"), ("AB=CD", "CD = BA"), ("AB ∥ CD", r"CD \parallel AB")],
    "sets of numbers": [
        (r"(0,2)\cap(1,3)", "(1,2)"), (r"[1,5]\cap[0,3]", "[1,3]"), (r"(0,1)\cap(2,3)", r"\emptyset"), (r"\mathbb{R}^+", "x>0"), (r"\mathbb{R}_{\ge 0}", r"[0,\infty)"), ("negative infinity", r"-\infty"),
        ("A∪B", r"B \cup A"), (r"P(A \mid B)", "P(A|B)"), (r"1\mp\sqrt2", r"1\pm\sqrt2"),
    ],
    "times of day in words": [
        ("half past three", "3:30"), ("quarter to ten AM", "9:45 a.m."), ("ten minutes past one", "1:10"), ("下午3点半", "15:30"), ("3:30 in the afternoon", "15:30"),
        ("5 января 2024", "2024-01-05"), ("5 de enero de 2024", "5 January 2024"), ("12月25日", "December 25"),
    ],
    "numbers as others write them": [
        ("1 000,5", "1000.5"), ("1_000_000", "1000000"), ("٢٥٪", "25%"), ("١٢٬٣٤٥", "12345"), ("hundred", "100"), ("_{10}C_3", "120"), (r"{10 \choose 3}", r"\binom{10}{3}"),
        ("5!!", "15"), (r"\log_e 2", r"\ln 2"), (r"\log_{e}x", r"\ln x"), (r"\log xy", r"\log x+\log y"), ("Ⅳ", "IV"), ("US$5", "$5"), ("x in (2,3]", "(2,3]"), ("all real numbers except 2 and 3", r"\mathbb{R}\setminus\{2,3\}"), (r"\lg 100", "2"), ("+/-5", r"\pm 5"), ("(0,1) U (2,3)", r"(0,1)\cup(2,3)"), ("答案是5", "5"),
    ],
    "units as others write them": [
        (r"2\,\mu m", "2 µm"), ("2 microns", r"2\,\mu m"), ("0.1 M", "100 mM"), ("0.1 mol/L", "0.1 M"), ("6.63 J·s", r"6.63\ \mathrm{J} \cdot \mathrm{s}"), (r"\frac14\,\Omega", r"0.25\,\Omega"),
        ("3,5 кг", "3500 g"), ("2小时30分钟", "150分钟"), ("5 किलोमीटर", "5 km"), ("5キロメートル", "5000 m"), ("13.6 electron volts", "13.6 eV"), ("$18 per day", "18 dollars a day"), ("5 CM", "5 cm"),
    ],
    "letters in any order": [("n R T", "nRT"), (r"\angle CBA", r"\angle ABC"), ("(a)", "a)"), (r"\vec b+\vec a", r"\vec{a}+\vec{b}")],
    "quotes and stops of other scripts": [("「是」", "是"), ("မှန်။", "မှန်"), ("«да»", "да"), ("the heart", "heart")],
    "names of matrices": [(r"A=\begin{pmatrix}1&2\\3&4\end{pmatrix}", r"\left[\begin{matrix}1&2\\3&4\end{matrix}\right]"), (r"\text{red, green, blue}", "blue, green, red")],
    "rows with and without brackets": [("1, 2", "(1,2)"), ("1, 2, 3", "[1,2,3]"), (r"\begin{pmatrix}1\\2\end{pmatrix}", "(1,2)"), (r"\{(1,2)\}", "(1,2)"), ("A=(1,2)", "(1,2)"), ("3 to 1", "3:1")],
}  # fmt: skip
DIFFERENT: dict[str, list[tuple[str, str]]] = {
    "compound units, counts, ratios": [
        ("2h3m", "2m3h"), ("2 cm", "2m"), ("2 apples", "2x"), ("5ft11in", "5ft10in"), ("two apples", "3 apples"), ("three times", "three"),
        ("13", "a dozen"), ("2", "1:2"), ("4:3", "3/4"), ("1:2:3", "1/6"), ("midnight", "noon"), ("12:30 AM", "12:30"), ("07:45", "7:45 PM"), ("7:45", "7:45 AM"),
        ("0", "no solution"), (r"\{0\}", r"\emptyset"), ("one solution", "no solution"), ("exists", "does not exist"),
    ],
    "what only looks different": [(r"\underline{5}", "6"), (r"\overline{5}", "5"), ("Answer: 5", "6"), (r"5\tag{1}", "51"), (r"\text{Answer: 5}", "50")],
    "ordinals and fractions in words": [
        ("5th", "6"), ("fifth", "1/5"), ("two thirds", "3/2"), ("twenty-first", "20"), ("two fifth", "2/5"), ("a second", "2"), ("half", "2"),
    ],
    "decimals that repeat": [("0.(3)", "0.3"), ("0.33...", "1/3"), ("3.14159...", r"\pi"), ("0.1(6)", "0.16"), ("0.333...", "0.333")],
    "residues": [
        (r"5 \pmod 8", r"5 \pmod 7"), ("12", r"5 \pmod 7"), (r"2 \pmod 7", r"2, 5 \pmod 7"), (r"5 \pm 7", r"5 \pmod 7"), (r"5 \pmod 7", "12, 5"),
    ],
    "angles": [(r"90^\circ", r"\frac{\pi}{3}"), ("90", r"\frac{\pi}{2}"), (r"\sin 30^\circ", r"\pi/6"), ("0.5236", "30°")],
    "primes": [
        ("x'", "x"), ("f'(x)", "f(x)"), ("y''", "y'"), ("A'", "A"), ("x_1'", "x_1"), ("y'=2x", "y=2x"), ("x'+1", "x+1"), (r"\theta'", r"\theta"),
        ("AB'", "AB"), (r"\angle A'BC", r"\angle ABC"),
    ],
    "sets of one": [(r"\{5\}", "6"), (r"\{5, 6\}", "5"), ("[5]", "6")],
    "values by name": [("x=2, y=1", "(1,2)"), (r"x=1 \text{ or } x=2", "(1,2)"), ("x=1, y=2", "(1,2,3)"), ("x=1, y=2", "2, 1"), ("x=1, y=2", r"\{1,2\}"), ("{1,2}", "(1,2)"), ("a=1, b=2", "x=1, y=2")],
    "numbers": [
        ("24", "25"), ("-25", "25"), ("12", "21"), ("0.33", r"\frac13"), ("0.333334", r"\frac13"), ("0.1250001", r"\frac18"), ("42.0000001", "42"), ("0.0000671", ".0000672"),
        ("1 2", "12"), ("1,2", "12"), ("12,34", "1234"), ("1e5", "1e6"), ("4/3", "2 2/3"), ("2/3", "2 2/3"), ("1.5e3", "1.5"), ("0.5", "50"), (r"\infty", "5"),
        (r"\frac{1}{2006!}", r"\frac{1}{2004!}"), (r"\frac{13!}{52!}", r"\frac{12!}{52!}"), ("10^{-20}", "10^{-21}"), ("10^{-10}", "0"), ("2^{2025}", "3^{2025}"),
        (r"\frac{1}{3 \cdot 2^{101}}", r"\frac{2^{100}+1}{3 \cdot 2^{101}}"), (r"\frac{5}{2^{2006}}", r"\frac{2^{2005}}{2^{2006}}"), ("10 squared", "10"), ("4 factorial", "4"),
        ("10 below zero", "10"), ("5 cubed", "5"), ("7 over 2", "7"), ("12144", "12, 144"), ("12,144", "12, 144"), ("32, 349", "32349"), ("IX", "9"), ("1990-1995", "-5"), ("seven", "8"),
        ("2=5", "5"), ("2x=10", "10"), ("5 or 6", "5"), (r"\pm 2", "2"), ("5!", "5"), ("2^{10}.", "2"), ("-[0,1)", "1"), ("100000000000000000001", "100000000000000000000"), ("none", "0"),
        ("1/3", "1"), ("123456789", "123456788"), ("0.9999999", "1"), ("e^{\\pi\\sqrt{163}}", "262537412640768744"), ("no idea what this is", "7"), ("5i", "5"), ("x", "5"), ("5x", "5"),
    ],
    "percents": [(r"28\%", "0.0028"), ("28", "0.28"), (r"5\%", r"6\%"), (r"28\%", "2800")],
    "factors": [
        ("5 million", "5"), (r"5 \text{ million}", "5"), ("5 thousand", "5 million"), ("5 billion", "5 million"), ("2 dozen", "2"), ("2 dozen", "20"), ("42万", "42"), ("3 hundred", "3"), ("5 million", "5 thousand"),
    ],
    "quantities": [
        (r"3\text{ hours}", r"3\text{ minutes}"), (r"2\text{ g}", r"2\text{ kg}"), ("2 cm", "2 km"), ("5 dollars", "5 cents"), ("€5", "$5"), ("10 cm^2", "10 cm"), ("5 m", "5 m/s"), ("20 °C", "20 °F"),
        ("7 apples", "7 oranges"), ("3 feet", "3 meters"), ("2 hours", "2"  " minutes"), ("11 cm", "10"), ("5 mi", "5 km"), ("12 square units", "12 cubic units"), ("5 million km", "5 km"), ("7 glorps", "7"),
        ("2 mL", "2 L"), ("5 MW", "5 mW"), ("42元", "42円"), ("10 km", "10 kg"), (r"5\text{ cm}^3", r"5\text{ cm}^2"), ("1 year", "1 month"), (r"4\pi\text{ cm}^2", r"4\text{ cm}^2"),
    ],
    "expressions": [
        ("x+1", "x-1"), ("x", "y"), ("|x|", "x"), (r"\sqrt{x^2}", "x"), ("2x+4", "y=2x+3"), ("6+5i", "6-5i"), (r"\sqrt{3}", r"\sqrt2"), (r"\sqrt{2}\cdot 10^{-16}", r"\sqrt{3}\cdot 10^{-16}"), ("3.14", r"\pi"),
        ("3.141599", r"\pi"), (r"22/7", r"\pi"), ("x^2", "x^3"), ("2^x", "x^2"), (r"\sin x", r"\cos x"), ("x_1+x_2", "x_1-x_2"), (r"\mathrm{E}*2", "E"), ("f(x)", "f(y)"), ("n!", "n"),
        (r"\lfloor x\rfloor", "x"), ("1.414", r"\sqrt2"), (r"\frac{1}{x+1}", r"\frac1x+1"),
    ],
    "relations": [
        ("x > 3", "x < 3"), (r"x \le 3", "x < 3"), ("y=5", "x=5"), ("y=2x+4", "y=2x+3"), ("x=6", "5"), ("x^2+y^2=2", "x^2+y^2=1"), ("x=1, y=2", "x=2, y=1"), ("x < 2", "2"), ("x=4", "x^2=4"),
        ("(x-1)(y-x)=0", "y=x"), ("x=5", "x>5"), ("n=2, 3, 4", "n=1, 2, 3"), ("2 < x", "x < 2"), ("y = x^2", "y = x"), ("5", "x > 5"),
    ],
    "intervals": [
        ("D = (0, 1.5)", "D = (0, 1)"), ("[1,2]", "(1,2)"), ("(1,2]", "[1,2)"), (r"(-\infty,1)", r"(1,\infty)"), (r"(-\infty,1)\cup(2,\infty)", r"(-\infty,1)\cup(3,\infty)"), ("(2,3)", r"(-\infty, 2) \cup (3, \infty)"),
        (r"x<1 \text{ and } x>2", r"(-\infty,1)\cup(2,\infty)"), ("x>4", r"(5,\infty)"), (r"x \ge 5", r"(5,\infty)"), ("[0,9)", "[0,1)"), ("(2,1)", "(1,2)"), (r"\emptyset", "0"), ("1", "[1,2]"), (r"\mathbb{R}", r"(0,\infty)"),
    ],
    "collections": [
        ("21, 36, and 82", r"19, 46, \text{ and } 82"), (r"\{1,2,3\}", r"\{1,2\}"), ("1,2", "1,2,3"), ("1, 1, 2", "1, 2, 2"), ("12", "1,2"), ("5", "5, 6"), ("1, 2, 3, ...", "1, 2, 3"), ("red, green", "red, blue"),
        (r"1+\sqrt{19}", r"1 \pm \sqrt{19}"), ("(1,2),(3,4)", "(1,3),(2,4)"), ("1,-2", "-1,2"), (r"\{1,2\}", "(1,2)"), ("(1,2,3)", r"\{1,2,3\}"), ("144", "12, 144"), ("1, 22", "12, 2"), ("100, 200", "100200"), ("A, B", "A, C"),
    ],
    "tuples and matrices": [
        ("(2,1)", "(1,2)"), ("(1,2,3)", "(3,2,1)"), ("(1,2)", "(1,2,3)"), (r"\begin{pmatrix}1&2\end{pmatrix}", r"\begin{pmatrix}1\\2\end{pmatrix}"), (r"\begin{pmatrix}1\\2\end{pmatrix}", r"\begin{pmatrix}2\\1\end{pmatrix}"),
        (r"\begin{vmatrix}1&2\\3&4\end{vmatrix}", r"\begin{pmatrix}1&2\\3&4\end{pmatrix}"), (r"1:4:9:\ldots", r"1:2:3:\ldots"), ("1:2", "2:1"), ("1:2", "1:2:3"), ("(3,4)", "7"), ("3/4", "(3,4)"), ("(0,0)", "(0,1)"),
    ],
    "letters": [("D", r"\text{(C)}"), ("B - 12", "B"), ("A and C", "A"), ("ABCD", "A"), ("(A), (B), (C), (D)", "A"), ("42", "B"), ("A or B", "A")],
    "dates and times": [
        ("2024-05-01", "2024-01-05"), ("May 1, 2024", "May 1, 2023"), ("05/01/2024", "01/05/2024"), ("2018", "2024-05-01"), ("4:30 a.m.", r"\text{4:30 p.m.}"), ("4:30", r"\text{4:30 p.m.}"), ("12:00", "1:00"), ("4:30", "4:03"),
        ("12 am", "12 pm"), ("June 1", "July 1"), ("6:20", "3:10"), ("16:30", "4:30 a.m."), ("2024-13-01", "2024-01-13"),
    ],
    "texts": [
        ("listen", "silent"), ("IX", "XI"), ("ABDC", "ABCD"), ("RBG", "RGB"), ("dog", "god"), ("abc", "cab"), ("555-1234", "554-1233"), ("555-1234", "-679"), ("1990-1995", "1985-1990"), ("10.0.0.1", "1.0.0.10"), ("1.2.3", "3.2.1"),
        ("west", r"\text{east}"), ("H2O", "HO2"), ("A1B2", "B2A1"), ("нет", "да"), ("東京", "京東"), ("oddd", r"\text{odd}"), (r"x \text{ is even}", r"x \text{ is odd}"), ("true", "false"), ("no", "on"), ("Paris", "Pairs"),
        ("salt and pepper", "salt"), ("not prime", "prime"), ("12-34-56", "-78"), ("3.14.15", "3.15.14"), ("tea", "eat"), ("NaCl", "ClNa"), ("CO", "Co2"), ("AZYUK2A", "2"),
    ],
    "letters that have an order": [
        ("OH_2", "H_2O"), ("H_6C_2O", "C_2H_6O"), ("CH_3OH", "OHCH_3"), ("Na_2SO_4", "SO_4Na_2"), (r"\mathrm{CO_2}", r"\mathrm{O_2C}"), (r"\text{H}_2\text{O}", r"\text{OH}_2"), ("Ca(OH)_2", "(OH)_2Ca"),
        (r"\angle A B C", r"\angle C A B"), (r"\triangle A B C", r"\triangle A C B"), (r"\overrightarrow{A B}", r"\overrightarrow{B A}"), ("A B D C", "A B C D"), ("3 R 2", "2 R 3"), (r"3 \text{ R } 2", r"2 \text{ R } 3"),
        ("3 remainder 2", "6"), (r"\frac{dy}{dx}", r"\frac{dx}{dy}"), (r"\frac{dy}{dx}", "0"), (r"\frac{\partial u}{\partial v}", r"\frac{\partial v}{\partial u}"),
    ],
    "relations that have a direction": [
        (r"A \to B", r"B \to A"), (r"p \Rightarrow q", r"q \Rightarrow p"), (r"A \implies B", r"B \implies A"), (r"A \subset B", r"B \subset A"), ("1 < 2", "2 < 3"), ("1 < 2", "1 < 3"), ("1+1=2", "2+2=4"), (r"p \land q", r"p \lor q"),
    ],
    "percentages and units": [(r"5\%", r"5\text{ kg}"), (r"500\%", "5 kg"), (r"50\%", r"50\text{ cm}"), (r"20\%", r"\$20")],
    "touching intervals": [("(0,1) \\cup (1,2)", "(0,2)"), (r"(0,1) \cup \{1\}", "(0,1)"), (r"\emptyset", "(2,2)"), (r"[0,1] \cup [2,3]", "[0,3]"), (r"(0,2] \cup [2,3)", "(0,3]")],
    "words with figures": [
        ("5 live", "5 evil"), ("Room 5", "Moor 5"), ("2019 June", "2019 Juen"), ("bus 42", "sub 42"), ("2 left", "2 felt"), ("p=5 nuts", "p=5 stun"), ("1st row", "1st wor"), ("Bob: 3", "obB: 3"),
        ("CAT-1", "ACT-1"), ("$5 tips", "$5 pits"), ("x + tips", "x + pits"), ("bar(x)", "rab(x)"), ("A-B-C", "A-C-B"), ("N 30 E", "E 30 N"), ("3 Na", "3 aN"),
    ],
    "signs that are not multiplication": [("5'", "5"), (r"5^\circ", "5'"), ("5''", "5'"), ("Ca2+", "Ca2-"), ("H^+", "H^-"), ("Fe^{3+}", "Fe^{2+}"), (r"A \subseteq B", r"B \subseteq A"), (r"A \subset B", r"A \subseteq B")],
    "what goes on": [(r"1:4:9:\ldots", r"1:2:3:\ldots"), (r"1,2,3,\ldots", r"1,2,4,\ldots"), (r"\{1, 2, \ldots, 10\}", r"\{1,2,\dots,11\}")],
    "sets within sets": [(r"\{1,\{2\}\}", r"\{1,2\}"), (r"(\{1\},2)", "(1,2)")],
    "commas": [("3, 4", "3.4"), ("0,100", "100"), ("0,125", "125"), ("1, 000", "1000")],
    "calculations in words": [("8 squared", "8"), ("3 over 4", "3"), ("2 to the power of 5", "2"), ("15 degrees below zero", "15"), ("10 choose 3", "10 choose 4")],
    "the reals and their parts": [(r"\mathbb{R}\setminus\{1\}", r"\mathbb{R}\setminus\{2\}"), ("]3,8]", "[3,8]"), ("x >= 2", "x > 2"), (r"x=1 \text{ or } x>2", "x>2"), ("all real numbers", r"(0,\infty)")],
    "domains": [(r"2k, k \in \mathbb{Z}", r"2k, k \in \mathbb{N}"), (r"2k, k \in \mathbb{Z}", "3k")],
    "pounds": [("£5", "5 kg"), ("£5", "5 lb"), ("£5", "6 pounds")],
    "bases": [("53_8", "52_8"), ("52_7", "52_8"), ("42", "52_8"), ("52_8", "42"), ("0xFF", "0"), ("52 base 7", "52_8")],
    "numerals of other scripts": [("四十三", "42"), ("二", "三"), ("东京", "京东"), ("三分之二", "3/2")],
    "minutes of angle": [("30°15'", "30°51'"), ("30°15'", "30.15°"), ("5'10\"", "5'11\"")],
    "names": [("A=(1,2)", "B=(1,2)"), (r"n\pi, n\in\mathbb{Z}", r"2k\pi, k\in\mathbb{Z}"), (r"nk, n\in\mathbb{Z}", r"k^2, k\in\mathbb{Z}"), ("AB=CD", "AC=BD"), (r"AB \perp CD", r"AB \parallel CD"), (r"\frac{x^2}{25}+\frac{y^2}{25}=1", "1"), ("x=IX", "x=XI")],
    "events and sets": [
        ("P(A|B)", "P(B|A)"), ("A∪B", "A∩B"), (r"P(A\cap B)", r"P(A\cup B)"), (r"\mathbb{R}^+", r"\mathbb{R}^-"), (r"\mathbb{R}^2", r"\mathbb{R}^3"), (r"(0,2)\cap(1,3)", r"(0,2)\cup(1,3)"),
    ],
    "rows with and without brackets": [("2, 1", "(1,2)"), (r"\{1,2\}", "(1,2)"), ("1, 2", "[1,2]"), (r"\begin{pmatrix}1\\2\end{pmatrix}", "(2,1)")],
    "functions without an argument": [(r"\sin", r"\cos"), (r"\sin", r"\sin x"), (r"\log_2", "3")],
    "letters in an order": [("KCl", "ClK"), ("nRT", "RTn"), ("PhD", "DPh"), ("pKa", "aKp"), ("RGB", "BRG"), (r"\angle BAC", r"\angle ABC"), ("NaF", "FNa"), ("b)", "a)")],
    "times of day in words": [("half past three", "4:30"), ("quarter to ten", "10:15"), ("five to ten", "5:10"), ("下午3点", "3 AM"), ("5 января 2024", "2024-02-05")],
    "numbers as others write them": [("10!!", "10!"), ("2^{1}0", "1024"), ("hundredth", "100"), ("1 000; 5", "1000.5"), (r"\lg 2", r"\ln 2"), ("_{10}C_3", "720")],
    "units of one spelling": [("100 mM", "100 mm"), ("5 M", "5"), ("2 km", r"2\,\mu m"), ("2小时30分钟", "230分钟")],
    "what is not an expression": [(">42", "42"), (r"\neg p", "p"), ("8 Nm", "8 nm"), ("f(x)=x", "g(x)=x"), (r"\le 17", "17"), (r"\vec{a}\times\vec{b}", r"\vec{b}\times\vec{a}"), ("BA^{-1}", "A^{-1}B"), ("AB - BA", "0"), ("5 Mb", "5 MB"), ("1 Cal", "1 cal"), ("CO", "Co"), ("N(0,1)", "N(1,0)"), ("U(0,1)", "N(0,1)"), ("60°", "60 mph"), (r"90^\circ", "90 cm"), ("5°", "5%"), ("17‰", "17"), ("17_8", "17_{10}"), ("x>3", "z>3"), ("x=2, x=3", "n=2, n=3"), (r"x \in [0,1]", r"0 \le y \le 1"), ("a=3 and b=4", "a=3 or b=4"), (r"(0,36)\setminus\{9\}", "(0,36)"), ("15 sec", "15 min"), (r"\{\emptyset\}", r"\emptyset"), ("2mn", "2000000"), ("<b>42</b>", "42"), ("5 cm", r"5 \pmod 7")],
}  # fmt: skip


#: Right one way round: what the gold answer is decides how the answer is read.
ONE_WAY = [
    ("ba", r"a\cdot b"), ("70k", "70000"), ("10C3", "120"), ("C(10,3)", "120"), ("a week", "7 days"), ("There are 7.", "7"), ("3 apples in total", "3"),
    ("n R T", "nRT"), ("F = m a", "F=ma"), ("6:2", "3 to 1"), ("2x cm", r"2x \text{ cm}"),
    ("2,74", "2.74"), ("1000,99", "1000.99"), ("c", "C"), ("52", "52_8"), ("The answer is B", "B"), ("C. 42", "C"),
    ("[[1,2],[3,4]]", r"\begin{pmatrix}1&2\\3&4\end{pmatrix}"), ("2m", r"2\text{ m}"), ("x=1", "1"), ("1 to 2", "1:2"), ("12,5 кг", "12.5"), ("12,50 €", "12.50"), ("0,125", "0.125"), ("6 and 1/2", "13/2"), (r"\text{6 apples}", "6"), ("1,5", "3/2"),
]  # fmt: skip


def _cases(table: dict[str, list[tuple[str, str]]]) -> list[object]:
    return [
        pytest.param(*pair, id=f"{kind}-{pair[0]}-{pair[1]}")
        for kind, pairs in table.items()
        for pair in pairs
    ]


@pytest.mark.parametrize(("answer", "gold"), _cases(SAME))
def test_same(answer: str, gold: str) -> None:
    for one, other in ((answer, gold), (gold, answer)):
        judgement = quick_verdict(one, other, "expression")
        assert judgement is not None
        assert judgement.verdict == "correct", judgement.reason


@pytest.mark.parametrize(("answer", "gold"), _cases(DIFFERENT))
def test_different(answer: str, gold: str) -> None:
    for one, other in ((answer, gold), (gold, answer)):
        judgement = quick_verdict(one, other, "expression")
        if judgement is not None and judgement.unit == "glorps":
            continue  # correct only where the statement has the word
        assert judgement is None or judgement.verdict == "incorrect", judgement


@pytest.mark.parametrize(("answer", "gold"), ONE_WAY)
def test_one_way(answer: str, gold: str) -> None:
    judgement = quick_verdict(answer, gold, "expression")
    assert judgement is not None
    assert judgement.verdict == "correct", judgement.reason
