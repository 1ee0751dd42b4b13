"""Pages hold everything, need nothing from outside, and show hostile text as text."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import polars as pl
import pytest
from page_reader import Page, read_page
from synthetic_report import PROTOCOL, assemble

from cot_assets.reporting import ReportData, ReportError, numbers, render_report

KIB = 1024


def _pages(report: Path) -> list[Path]:
    return sorted(report.rglob("*.html"))


def _page_of(report: Path, data: ReportData, trace_id: str, policy: str = "lines") -> Page:
    from cot_assets.reporting.contexts import Contexts

    (page,) = [p for p in Contexts(data).pages if p.trace["trace_id"] == trace_id and p.cut_policy == policy]
    return read_page(report / page.file)


def _only(data: ReportData, trace_id: str) -> ReportData:
    """One trace of the data and all that belongs to it."""
    names = ("traces", "curves", "spikes", "tangents", "lucky_guesses", "monotonicity")
    frames = {name: getattr(data, name).filter(pl.col("trace_id") == trace_id) for name in names}
    return ReportData(data.problem_set, problems=data.problems, **frames)


def _table(page: Page, after: str) -> str:
    """Text of the page after a heading's text."""
    body = next(e.text for e in page.all("body"))
    return body[body.index(after) :]


# --- what every page keeps ------------------------------------------------------------------------


@pytest.fixture(params=["small_report", "recorded_report"])
def report(request: pytest.FixtureRequest) -> Path:
    return request.getfixturevalue(request.param)


def test_every_page_is_well_formed_and_needs_nothing_from_outside(report: Path) -> None:
    for path in _pages(report):
        page = read_page(path)
        for element in page.elements:
            for name in ("src", "srcset", "action", "data", "poster", "xlink:href", "formaction"):
                assert element.attributes.get(name, "data:").startswith("data:"), (path.name, element)
            if "href" in element.attributes:
                assert not re.match(r"(?i)([a-z]+:)?//|javascript:", element.attributes["href"]), (
                    path.name,
                    element,
                )
            assert "style" not in element.attributes, "a hashed style-src blocks style attributes"
            assert not [name for name in element.attributes if name.startswith("on")]
        assert "url(" not in "".join(e.text for e in page.all("style"))
        assert "@import" not in "".join(e.text for e in page.all("style"))


def test_every_link_leads_to_a_page_and_a_place_that_are_there(report: Path) -> None:
    pages = {path.resolve(): read_page(path) for path in _pages(report)}
    n_links = 0
    for path, page in pages.items():
        for element in page.all("a"):
            file, _, fragment = unquote(element.attributes["href"]).partition("#")
            target = (path.parent / file).resolve() if file else path
            assert target in pages, (path.name, element.attributes["href"])
            assert not fragment or fragment in pages[target].ids, (path.name, element.attributes["href"])
            n_links += 1
    assert n_links > 10


def test_the_policy_allows_exactly_the_pages_own_style_and_script(report: Path) -> None:
    for path in _pages(report):
        raw = path.read_text(encoding="utf-8")
        page = read_page(path)
        policy = next(m.attributes["content"] for m in page.all("meta") if "http-equiv" in m.attributes)
        assert policy.startswith("default-src 'none';")
        assert "unsafe" not in policy
        assert raw.index("Content-Security-Policy") < raw.index("<style>")
        for tag in ("style", "script"):
            found = re.findall(rf"<{tag}>(.*?)</{tag}>", raw, flags=re.DOTALL)
            digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in found]
            assert re.findall(rf"{tag}-src 'sha256-([^']+)'", policy) == digests


def test_pages_stay_lean(small_report: Path, recorded_report: Path) -> None:
    """A demo of 24 problems and 2 models is 48 traces: 48 * 40 KiB + 2 * 230 + 450 KiB < 3 MiB."""
    for path in small_report.glob("traces/*.html"):
        assert path.stat().st_size < 40 * KIB, path
    for path in small_report.glob("models/*.html"):
        assert path.stat().st_size < 230 * KIB, path
    assert (small_report / "index.html").stat().st_size < 450 * KIB
    for path in recorded_report.glob("traces/*.html"):
        assert path.stat().st_size < 200 * KIB, "300 cuts"


def test_the_same_data_give_the_same_bytes(small: ReportData, tmp_path: Path) -> None:
    """A report that is kept under version control changes only where the numbers do."""
    data = _only(small, small.curves["trace_id"][0])
    first, second = (render_report(data, tmp_path / name) for name in ("a", "b"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


# --- pages of traces --------------------------------------------------------------------------------


def test_a_trace_page_holds_the_text_and_nothing_else_between(small_report: Path, small: ReportData) -> None:
    for trace in small.traces.filter(pl.col("sample_index") == 0).iter_rows(named=True):
        page = _page_of(small_report, small, trace["trace_id"])
        assert page.all("article")[0].written == trace["text"]


def test_stretches_are_coloured_by_the_potential_at_their_end(small_report: Path, small: ReportData) -> None:
    trace_id = small.traces.filter(pl.col("sample_index") == 0)["trace_id"][0]
    curve = small.curves.filter(pl.col("trace_id") == trace_id).sort("cut_index")
    page = _page_of(small_report, small, trace_id)
    spans = page.all("span", "s")
    sampled = curve.filter(~pl.col("is_end"))["potential"].to_list()
    assert [s.attributes["class"].split()[1] for s in spans[:-1]] == [
        f"p{round(20 * v)}" for v in sampled[1:]
    ]
    verdict = small.traces.filter(pl.col("trace_id") == trace_id)["verdict"][0]
    assert spans[-1].attributes["class"].split()[1:3] == ["p20" if verdict == "correct" else "p0", "end"]


def test_every_event_is_marked_in_its_place_and_listed(small_report: Path, small: ReportData) -> None:
    for kind, events in (("insight", small.spikes), ("tangent", small.tangents)):
        assert events.height, f"the made-up data hold no {kind}: this test would prove nothing"
        for event in events.iter_rows(named=True):
            page = _page_of(small_report, small, event["trace_id"])
            span = page.all("span", "s")[event["cut_index"]]
            assert kind in span.attributes["class"].split()
            assert span.text == event["span"].strip()
            marks = [m for m in page.all("a", kind) if f"{event['delta']:+.2f}".replace("-", "−") in m.text]
            assert marks
            assert marks[0].attributes["href"][1:] in page.ids
            rules = {(True, True): "both rules", (True, False): "threshold rule only"}
            expected = rules.get((event["by_threshold"], event["is_confirmed"]))
            assert expected is None or expected in marks[0].text


def test_a_guess_is_marked_only_where_a_rule_calls_it_one(small: ReportData, tmp_path: Path) -> None:
    trace_id = small.lucky_guesses["trace_id"][0]
    guesses = small.lucky_guesses.filter(pl.col("trace_id") == trace_id)
    for found, expected in ((True, 1), (False, 0), (None, 0)):
        judged = guesses.with_columns(
            pl.lit(found, pl.Boolean).alias("by_threshold"), pl.lit(found, pl.Boolean).alias("is_confirmed")
        )
        data = replace(_only(small, trace_id), lucky_guesses=judged)
        folder = tmp_path / str(found)
        render_report(data, folder)
        page = _page_of(folder, data, trace_id)
        for rule in ("late_spike", "lucky_guess"):
            assert len(page.all("a", rule)) == expected
            assert rule.replace("_", " ") in _table(page, "What the rules say"), (
                "judged rules are listed all the same"
            )


def test_unknown_potentials_are_called_unknown_and_never_zero(recorded_report: Path) -> None:
    path = next(recorded_report.glob("traces/*sentences*.html"))
    page = read_page(path)
    rows = [row.text for row in page.all("tr") if row.attributes.get("id", "").startswith("c")]
    assert len(rows) == 301
    unknown = [row for row in rows if "unknown" in row]
    hatched = [s for s in page.all("span", "s") if "pu" in s.attributes["class"].split()]
    assert len(unknown) == len(hatched) > 30
    assert not [row for row in unknown if "0.00" in row]
    assert "no scored rollout: their potential is unknown" in page.all("body")[0].text
    chart = page.all("svg", "chart")[0]
    assert chart.attributes["data-y"].split().count("-") == len(unknown)


def test_an_approximate_n_is_marked(recorded_report: Path, small_report: Path) -> None:
    assert "of ≈ " in next(recorded_report.glob("traces/*.html")).read_text()
    assert "≈" not in re.sub(
        r"(?s)<style>.*?</style>", "", next(small_report.glob("traces/*.html")).read_text()
    )


def test_white_space_before_a_cut_is_not_coloured_and_not_lost(small: ReportData, tmp_path: Path) -> None:
    """Imported cuts stand before the blank lines of the next sentence, those of this project after them."""
    data = _only(small, small.curves["trace_id"][0])
    text = data.traces["text"][0]
    moved = data.curves.with_columns(
        pl.when(pl.col("is_end") | (pl.col("char_end") == 0))
        .then(pl.col("char_end"))
        .otherwise(pl.col("char_end") - 1)
        .alias("char_end")
    )
    render_report(replace(data, curves=moved), tmp_path / "report")
    page = _page_of(tmp_path / "report", data, data.traces["trace_id"][0])
    assert page.all("article")[0].written == text
    assert [span.text for span in page.all("span", "s")] == text.split("\n")


def test_cuts_at_every_token_hide_the_numbers_at_first(tmp_path: Path) -> None:
    text = "a b  c\n\n" * 12
    data = _hostile(text)
    first = data.curves.row(0, named=True)
    rows = [
        {**first, "cut_index": i, "char_end": i, "token_end": i, "is_end": i == len(text)}
        for i in range(len(text) + 1)
    ]
    render_report(ReportData("demo", traces=data.traces, curves=pl.DataFrame(rows)), tmp_path / "report")
    page = read_page(next((tmp_path / "report" / "traces").glob("*.html")))
    assert "plain" in page.all("article")[0].attributes["class"].split()
    assert page.all("article")[0].written == text
    (switch,) = page.all("input")
    assert "checked" not in switch.attributes


def test_lengths_counted_in_words_are_called_words(small: ReportData, tmp_path: Path) -> None:
    data = _only(small, small.curves["trace_id"][0])
    for is_in_words, said in (
        (True, "words of the trace"),
        (False, "tokens of the trace"),
        (None, "tokens of the trace"),
    ):
        traces = data.traces.with_columns(pl.lit(is_in_words, pl.Boolean).alias("is_in_words"))
        folder = tmp_path / str(is_in_words)
        render_report(replace(data, traces=traces), folder)
        assert said in read_page(next((folder / "traces").glob("*.html"))).all("svg", "chart")[0].text


def test_each_cut_policy_of_a_trace_has_its_page(recorded_report: Path) -> None:
    names = sorted(path.name for path in recorded_report.glob("traces/*.html"))
    assert len(names) == 2
    pages = [read_page(recorded_report / "traces" / name) for name in names]
    assert {len(page.all("span", "s")) for page in pages} == {20, 300}
    for page, other in zip(pages, reversed(names), strict=True):
        assert any(a.attributes["href"].endswith(other) for a in page.all("a"))


def test_cuts_that_do_not_fit_the_text_are_refused(small: ReportData, tmp_path: Path) -> None:
    data = _only(small, small.curves["trace_id"][0])
    short = data.traces.with_columns(pl.col("text").str.slice(0, 12))
    with pytest.raises(ReportError, match="its cuts were made for another text"):
        render_report(replace(data, traces=short), tmp_path / "report")
    assert not (tmp_path / "report").exists()


# --- the index ----------------------------------------------------------------------------------------


def test_rates_stand_beside_interval_n_and_rule(small_report: Path, small: ReportData) -> None:
    text = re.sub(
        r"\s+", " ", _table(read_page(small_report / "index.html"), "Correct traces, problems solved")
    )
    for rate in small.pattern_rates.filter(pl.col("trace_filter") == "paper").iter_rows(named=True):
        assert rate["rate"] is not None
        assert f"{rate['n_with']} of {rate['n_traces']}" in text
        assert f"{100 * rate['ci_low']:.0f}–{100 * rate['ci_high']:.0f}%" in text
    assert "Threshold rule" in text
    assert "Confirmed rule" in text


def test_the_papers_figures_are_labelled_second_hand(small: ReportData, tmp_path: Path) -> None:
    rates = small.pattern_rates.with_columns(pl.col("model").replace("demo-strong", "Qwen3-32B"))
    data = replace(small, problem_set="aime24", pattern_rates=rates)
    page = read_page(render_report(data, tmp_path / "report")[0])
    (table,) = page.all("table", "second-hand")
    assert "36%" in table.text
    assert "measured here" in table.text
    assert "Llama" not in table.text
    before = page.all("body")[0].text.split("second-hand")[0]
    assert "Second-hand, from digests" in page.all("body")[0].text[len(before) : len(before) + 200]


def test_the_papers_figures_are_not_shown_beside_other_problems(small_report: Path) -> None:
    page = read_page(small_report / "index.html")
    assert not page.all("table", "second-hand")
    assert "Qwen" not in page.all("body")[0].text


def test_every_section_names_the_query_of_its_numbers(small_report: Path) -> None:
    from cot_assets.warehouse.queries import named_queries

    raw = (small_report / "index.html").read_text()
    sections = re.split(r'<h2 id="(\w+)">', raw)
    told = {name: set(re.findall(r"cot-assets sql (\w+)", text)) for name, text in zip(sections[1::2], sections[2::2], strict=True)}  # fmt: skip
    expected = {
        "models": "sampling_quality", "patterns": "pattern_table", "guesses": "guesses_by_v0",
        "difficulty": "model_pairs", "transfer": "transfer", "unlocks": "unlocked_problems", "traces": "trace",
        "cost": "cost",
    }  # fmt: skip
    for section, query in expected.items():
        assert query in told[section], section
    assert {"sensitivity", "recovery", "true_changes"} <= told["patterns"]
    assert "pass_at_k" in told["guesses"]
    assert set().union(*told.values()) <= set(named_queries())


def test_unlocks_and_costs_are_those_of_the_frames(small_report: Path, small: ReportData) -> None:
    page = read_page(small_report / "index.html")
    at = small.unlocks.filter(
        (pl.col("reader") == "demo-weak")
        & (pl.col("control") == "none")
        & ((pl.col("fraction") - 0.2).abs() < 1e-9)
    )
    row = small.unlock_rates.filter(
        (pl.col("fraction") - 0.2).abs() < 1e-9, reader="demo-weak", control="none", trace_filter="all", leaks="kept"
    ).row(0, named=True)  # fmt: skip
    shown = _table(page, "demo-weak reads demo-strong").split("all traces")[1].split("correct traces")[0]
    assert f"{row['n_problems_unlocked']} of {row['n_problems_unsolved']}" in shown
    assert f"{row['n_unlocked']} of {row['n_unsolved']}" in shown
    for prefix in ("", "problems_"):
        assert numbers.percent_interval(row[f"{prefix}ci_low"], row[f"{prefix}ci_high"]) in shown
    counts = [(at["status"] == s).sum() for s in ("not_unlocked", "undecided", "solved_before")]
    rest = shown.split(numbers.percent_interval(row["ci_low"], row["ci_high"]))[-1]
    assert [int(cell) for cell in re.findall(r"\d+", rest)][:3] == counts
    assert row["n_traces"] == at.height
    place = at.join(small.transfer_potentials, on=["reader", "trace_id", "fraction", "control"]).row(
        0, named=True
    )
    assert f"{place['ci_low']:.2f}–{place['ci_high']:.2f}" in _table(page, "every trace at 20%")
    total = small.sampling_runs.filter(pl.col("model") == "demo-weak")["generated_tokens"].sum()
    assert f"{total:,}" in _table(page, "What sampling took")
    assert "not told" in _table(page, "What sampling took"), "cached tokens are unknown, not 0"


def test_guess_rates_stand_beside_interval_and_bound(small_report: Path, small: ReportData) -> None:
    text = _table(read_page(small_report / "index.html"), "Guesses beside difficulty").split("pass@k")[0]
    rates = small.matched_rates.filter(
        pl.col("pattern").is_in(["lucky_guess", "late_spike"]), pl.col("n_traces") > 0,
        rule="threshold", trace_filter="correct",
    )  # fmt: skip
    assert rates.filter(v0_bin="equal weights").height == 4
    for row in rates.iter_rows(named=True):
        assert numbers.percent_interval(row["ci_low"], row["ci_high"]) in text
    bounds = small.summaries.filter(pl.col("n") > 0, measure="guess_bound")
    assert bounds.height
    for row in bounds.iter_rows(named=True):
        assert numbers.percent_interval(row["ci_low"], row["ci_high"]) in text


def test_every_measured_trace_can_be_reached_from_the_index(small_report: Path) -> None:
    hrefs = {a.attributes["href"] for a in read_page(small_report / "index.html").all("a", "spark")}
    assert hrefs == {f"traces/{path.name}" for path in small_report.glob("traces/*.html")}


def test_recorded_rollouts_have_no_cost_and_no_transfer(recorded_report: Path) -> None:
    text = read_page(recorded_report / "index.html").all("body")[0].text
    assert "Nothing was sampled here" in text
    assert "No transfer was measured" in text
    assert "No unlocks were measured" in text


@pytest.mark.parametrize("with_protocol", [False, True])
def test_an_empty_problem_set_renders(tmp_path: Path, with_protocol: bool) -> None:
    data = ReportData("empty", protocol=PROTOCOL if with_protocol else None)
    (index,) = render_report(data, tmp_path / "report")
    text = read_page(index).all("body")[0].text
    assert "No model has traces on this problem set yet." in text
    assert "How to read this" in text


def test_traces_without_curves_and_rates_without_traces_render(small: ReportData, tmp_path: Path) -> None:
    unknown = small.pattern_rates.with_columns(
        *(pl.lit(None, pl.Float64).alias(c) for c in ("rate", "ci_low", "ci_high", "n_eff")),
        pl.lit(0).alias("n_traces"),
    )
    data = ReportData("demo", problems=small.problems, traces=small.traces, pattern_rates=unknown)
    render_report(data, tmp_path / "report")
    page = read_page(tmp_path / "report" / "index.html")
    assert "unknown" in _table(page, "Threshold rule").split("Guesses beside difficulty")[0]
    assert "No trace has a measured curve yet." in page.all("body")[0].text
    model = read_page(next((tmp_path / "report" / "models").glob("*.html")))
    assert "No trace of this model has a measured curve." in model.all("body")[0].text


# --- hostile input --------------------------------------------------------------------------------------

_ATTACK = "</article></script><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7*7 }}{% raw %}&amp;'\""


def _hostile(text: str, **columns: str) -> ReportData:
    """One trace of two stretches whose every text is hostile."""
    names = {
        "problem_id": "../../<p>",
        "model": "m",
        "trace_id": 't/../\\"><b>',
        "verdict": "correct",
        **columns,
    }
    stamp = {"problem_set": "demo", "protocol": "p", "protocol_hash": "h"}
    problems = pl.DataFrame(
        [{**stamp, "problem_id": names["problem_id"], "statement": text, "gold_answer": text, "level": text,
          "subject": text, "source": text, "revision": text}]
    )  # fmt: skip
    traces = pl.DataFrame(
        [{**stamp, **names, "sample_index": 0, "text": text, "answer": text, "finish_reason": "stop", "n_tokens": 9,
          "model_revision": text}]
    )  # fmt: skip
    ends = [0, len(text) // 2, len(text)]
    rows = [
        {**stamp, **{k: names[k] for k in ("problem_id", "model", "trace_id")}, "cut_policy": "lines", "cut_index": i,
         "prefix_id": None if i == 2 else f"x{i}", "token_end": 4 * i, "char_end": end, "fraction": i / 2,
         "is_end": i == 2, "states_answer": False, "leaks_answer": False, "n": None if i == 2 else 64,
         "n_correct": None if i == 2 else 60 * i, "potential": (None, 0.9375)[i] if i < 2 else None,
         "ci_low": None, "ci_high": None}
        for i, end in enumerate(ends)
    ]  # fmt: skip
    rows[0]["potential"] = 0.0
    curves = pl.DataFrame(rows, infer_schema_length=None)
    return assemble(text[:60], problems, traces, curves, PROTOCOL)


def test_markup_in_every_field_is_shown_as_text(tmp_path: Path) -> None:
    data = _hostile(_ATTACK, model="<script>m", verdict='correct"><script>')
    paths = render_report(data, tmp_path / "report")
    assert {path.parent for path in paths} <= {tmp_path / "report" / d for d in ("", "models", "traces")}
    for path in paths:
        page = read_page(path)
        assert len(page.all("script")) == (1 if path.parent.name == "traces" else 0)
        assert not [img for img in page.all("img") if not img.attributes["src"].startswith("data:image/png")]
        assert "49" not in page.all("h1")[0].text
    trace = read_page(next(path for path in paths if path.parent.name == "traces"))
    assert trace.all("article")[0].written == _ATTACK
    assert html.escape(_ATTACK)[:40] in next(p for p in paths if p.parent.name == "traces").read_text()


def test_bidi_and_control_characters_are_made_visible(tmp_path: Path) -> None:
    text = "right \u202e\u2066left\x00\x1b[2J\u200b done, it is \u0041\u0301"
    for path in render_report(_hostile(text, problem_id="p\u202e1"), tmp_path / "report"):
        raw = path.read_text(encoding="utf-8")
        assert not re.search(
            "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]", raw
        )
    page = read_page(next((tmp_path / "report" / "traces").glob("*.html")))
    assert "⟨U+202E⟩⟨U+2066⟩left␀␛[2J⟨U+200B⟩ done" in page.all("article")[0].written


def test_huge_text_is_bounded_and_says_so(tmp_path: Path) -> None:
    paths = render_report(_hostile("x" * 3_000_000), tmp_path / "report")
    assert sum(path.stat().st_size for path in paths) < 900 * KIB
    page = next(path for path in paths if path.parent.name == "traces").read_text()
    assert "1,440,000 characters not shown" in page


def test_names_that_differ_only_in_what_file_systems_drop_get_pages_of_their_own(
    small: ReportData, tmp_path: Path
) -> None:
    data = _only(small, small.curves["trace_id"][0])
    upper = {"model": pl.col("model").str.to_uppercase(), "trace_id": pl.format("{}~", "trace_id")}
    doubled = {
        name: pl.concat([frame, frame.with_columns(**upper)])
        for name, frame in (("traces", data.traces), ("curves", data.curves))
    }
    paths = render_report(replace(data, **doubled), tmp_path / "report")
    assert len({str(path).lower() for path in paths}) == len(paths) == 5
