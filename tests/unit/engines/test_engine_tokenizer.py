"""Tokenizers and prompt templates of model folders."""

from __future__ import annotations

import json
from datetime import date
from itertools import product
from pathlib import Path

import pytest
from support.vocabularies import FAMILIES, Family, tokenizer_of, write_tokenizer

from cot_assets.engines import templates
from cot_assets.engines.base import EngineError
from cot_assets.engines.tokenizer import ModelTokenizer

CHAT = "{{ bos_token }}{% for m in messages %}[{{ m.role }}] {{ m.content }}{{ eos_token }}{% endfor %}[assistant]"


def folder_of(root: Path, *, chat: str | None = None, **config: object) -> Path:
    """A folder with a byte-level tokenizer and the given ``tokenizer_config.json``."""
    folder = write_tokenizer(root / "model", "byte_level")
    settings = {
        "bos_token": "<s>",
        "eos_token": "</s>",
        **({"chat_template": chat} if chat else {}),
        **config,
    }
    (folder / "tokenizer_config.json").write_text(
        json.dumps({k: v for k, v in settings.items() if v is not None})
    )
    return folder


def ids_of(*tokens: str) -> list[int]:
    vocabulary = {"<unk>": 0, "<s>": 1, "</s>": 2}
    return [vocabulary[token] for token in tokens]


@pytest.mark.parametrize("family", FAMILIES)
def test_encoding_adds_no_special_tokens_and_says_where_tokens_lie(family: Family) -> None:
    text = "Then 144 = 11 * 13 + 1."
    encoding = tokenizer_of(family).encode(text)
    assert not set(encoding.token_ids) & {1, 2}
    assert tokenizer_of(family).decode(encoding.token_ids) == text
    assert encoding.offsets[0][0] == 0
    assert encoding.offsets[-1][1] == len(text)
    starts = [start for start, _ in encoding.offsets]
    assert starts == sorted(starts)


def test_decoding_leaves_special_tokens_out() -> None:
    tokenizer = tokenizer_of("byte_level")
    ids = tokenizer.encode("yes").token_ids
    assert tokenizer.decode((1, *ids, 2)) == "yes"


def test_offsets_count_characters_not_bytes() -> None:
    encoding = tokenizer_of("byte_level").encode("🙂 角")
    assert encoding.offsets[-1][1] == 3


def test_a_text_template_takes_the_statement_as_it_is(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    tokenizer = ModelTokenizer(folder, "Q: {statement}\nA:")
    hostile = "{statement} {{ x }} {0} \\boxed{1}"
    assert tokenizer.decode(tokenizer.render_prompt(hostile)) == f"Q: {hostile}\nA:"


def test_bos_stands_before_a_text_template_on_request(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    with_bos = ModelTokenizer(folder, "Q: {statement}", add_bos=True).render_prompt("x")
    without = ModelTokenizer(folder, "Q: {statement}").render_prompt("x")
    assert with_bos == (1, *without)


def test_the_chat_template_of_the_settings_is_rendered(tmp_path: Path) -> None:
    tokenizer = ModelTokenizer(folder_of(tmp_path, chat=CHAT))
    ids = tokenizer.render_prompt("2 + 2?")
    assert (ids[0], ids.count(2)) == (1, 1)  # special tokens of the template are one token each
    assert tokenizer.decode(ids) == "[user] 2 + 2?[assistant]"


def test_templates_may_break_out_of_loops_as_those_of_the_hub_do(tmp_path: Path) -> None:
    chat = "{% for m in messages %}{{ m.content }}{% break %}{% endfor %}"
    tokenizer = ModelTokenizer(folder_of(tmp_path, chat=chat))
    assert tokenizer.decode(tokenizer.render_prompt("x")) == "x"


def test_a_template_file_goes_before_the_settings(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, chat=CHAT)
    (folder / "chat_template.jinja").write_text("File: {{ messages[0].content }}")
    tokenizer = ModelTokenizer(folder)
    assert tokenizer.decode(tokenizer.render_prompt("x")) == "File: x"


#: The end of the templates of thinking models: the turn opens, and with it the thinking, unless told not to.
THINKING = CHAT + (
    "{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% else %}<think>\n{% endif %}"
)


def thinking_folder(root: Path) -> Path:
    """A folder whose tokenizer has the think tags as tokens that are not special ones, as Qwen3's has."""
    folder = folder_of(root, chat=THINKING)
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    for i, tag in enumerate(("<think>", "</think>")):
        tokenizer["added_tokens"].append(
            {"id": 1000 + i, "content": tag, "single_word": False, "lstrip": False, "rstrip": False,
             "normalized": False, "special": False}
        )  # fmt: skip
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    return folder


def test_the_turn_of_a_thinking_model_is_left_open_in_the_middle_of_its_thoughts(tmp_path: Path) -> None:
    tokenizer = ModelTokenizer(thinking_folder(tmp_path))
    opening, closing = (tokenizer.encode(tag).token_ids for tag in ("<think>", "</think>"))
    ids = tokenizer.render_prompt("2 + 2?")
    assert len(opening) == len(closing) == 1
    assert ids[-2:] == (*opening, *tokenizer.encode("\n").token_ids)
    assert closing[0] not in ids
    assert ids.count(2) == 1  # the user's turn has ended, the assistant's has not
    completion = tokenizer.encode("Two and two are four.</think>4").token_ids
    assert tokenizer.decode((*ids, *completion)).endswith(
        "[assistant]<think>\nTwo and two are four.</think>4"
    )


def test_arguments_reach_the_chat_template(tmp_path: Path) -> None:
    tokenizer = ModelTokenizer(thinking_folder(tmp_path), template_args={"enable_thinking": False})
    assert tokenizer.decode(tokenizer.render_prompt("x")).endswith("<think>\n\n</think>\n\n")


def test_a_date_of_the_entry_reaches_the_chat_template_as_text(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, chat="{{ today }}: {{ messages[0].content }}")
    tokenizer = ModelTokenizer(folder, template_args={"today": date(2024, 7, 26)})
    assert tokenizer.decode(tokenizer.render_prompt("x")) == "2024-07-26: x"


def test_of_several_chat_templates_the_default_is_taken(tmp_path: Path) -> None:
    folder = folder_of(
        tmp_path,
        chat_template=[
            5,  # no template at all
            {"name": "tool_use", "template": "tools"},
            {"name": "default", "template": "plain {{ messages[0].content }}"},
        ],
    )
    tokenizer = ModelTokenizer(folder)
    assert tokenizer.decode(tokenizer.render_prompt("x")) == "plain x"


def test_special_tokens_are_decoded_on_request() -> None:
    tokenizer = tokenizer_of("byte_level")
    assert tokenizer.decode((1, *tokenizer.encode("yes").token_ids, 2), with_special=True) == "<s>yes</s>"
    assert not tokenizer.adds_bos


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ messages.append(1) }}",
        "{% include '/etc/passwd' %}",
        "{{ raise_exception('no') }}",
        "{% if %}",
        "{{ 1 / 0 }}",
    ],
)
def test_a_hostile_or_broken_template_ends_in_an_error_that_names_the_folder(
    tmp_path: Path, source: str
) -> None:
    tokenizer = ModelTokenizer(folder_of(tmp_path, chat=source))
    with pytest.raises(EngineError, match=r"model: the chat template cannot be rendered"):
        tokenizer.render_prompt("x")


def test_no_chat_template_comes_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"has no chat template; set `template` in models\.toml"):
        ModelTokenizer(folder_of(tmp_path)).render_prompt("x")


@pytest.mark.parametrize(
    ("generation", "config", "expected"),
    [
        (None, {}, [2]),
        (None, {"eos_token": {"content": "<s>", "lstrip": False}}, [1]),
        ({"eos_token_id": 0}, {}, [0]),
        ({"eos_token_id": [2, 1]}, {}, [2, 1]),
        ({"eos_token_id": None}, {}, [2]),
        ({}, {}, [2]),
    ],
)
def test_what_ends_a_completion(
    tmp_path: Path, generation: dict[str, object] | None, config: dict[str, object], expected: list[int]
) -> None:
    folder = folder_of(tmp_path, **config)
    if generation is not None:
        (folder / "generation_config.json").write_text(json.dumps(generation))
    assert list(ModelTokenizer(folder).eos_token_ids) == expected


@pytest.mark.parametrize("eos", [None, "<|never seen|>"])
def test_a_folder_without_an_end_is_refused(tmp_path: Path, eos: str | None) -> None:
    with pytest.raises(EngineError, match="names an EOS"):
        ModelTokenizer(folder_of(tmp_path, eos_token=eos))


def test_add_bos_without_a_bos_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="add_bos is set"):
        ModelTokenizer(folder_of(tmp_path, bos_token=None), "{statement}", add_bos=True)


def test_a_folder_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"has no tokenizer\.json; save the model with its fast tokenizer"):
        ModelTokenizer(tmp_path)


@pytest.mark.parametrize(
    ("file", "left"),
    [
        *product(
            ["tokenizer.json", "tokenizer_config.json", "generation_config.json", "config.json"],
            ['{"half', "[]", "null", "[" * 100_000],
        ),
        *(
            ("generation_config.json", f'{{"eos_token_id": {eos}}}')
            for eos in ('"x"', "[2, null]", '{"a": 1}')
        ),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, file: str, left: str) -> None:
    folder = folder_of(tmp_path)
    (folder / file).write_text(left)
    with pytest.raises(EngineError, match=file):
        ModelTokenizer(folder)


@pytest.mark.parametrize(
    "statement", ["2 + 2?", "a" * 5000, "Größe <b>&amp;</b> \\boxed{1} {{ x }}\n\nsecond line"]
)
@pytest.mark.parametrize("template", ["chat", "Q: {statement}\nA:"])
def test_saved_truncation_and_padding_are_switched_off(tmp_path: Path, statement: str, template: str) -> None:
    folder = folder_of(tmp_path, chat=CHAT)
    whole = ModelTokenizer(folder, template).render_prompt(statement)
    saved = json.loads((folder / "tokenizer.json").read_text())
    saved["truncation"] = {"direction": "Right", "max_length": 12, "strategy": "LongestFirst", "stride": 0}
    saved["padding"] = {
        "strategy": {"Fixed": 64}, "direction": "Left", "pad_to_multiple_of": None, "pad_id": 0, "pad_type_id": 0,
        "pad_token": "<unk>",
    }  # fmt: skip
    (folder / "tokenizer.json").write_text(json.dumps(saved))
    assert ModelTokenizer(folder, template).render_prompt(statement) == whole


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ strftime_now('%Y')[:2] }}{{ messages[0].content }}", "20x"),
        ("{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}!{% endfor %}", "x!"),
        (
            "{% for m in messages %}{% for c in m.content %}{{ c.text if c.type == 'text' }}{% endfor %}{% endfor %}",
            "x",
        ),
        ("{{ messages[0].content }}{{ {'a': '<é & \\'>'} | tojson }}", 'x{"a": "<é & \'>"}'),
        ("{{ messages[0].content }}{{ 'tools' if tools is not none }}{{ documents }}", "xNone"),
        ("{{ messages[0].content | trim }}{{ '!' if add_generation_prompt }}", "x!"),
        ("{{ raise_exception('no') if messages|length != 1 }}{{ messages[0].content }}", "x"),
    ],
)
def test_templates_are_rendered_as_transformers_does(tmp_path: Path, source: str, expected: str) -> None:
    tokenizer = ModelTokenizer(folder_of(tmp_path, chat=source))
    assert tokenizer.decode(tokenizer.render_prompt("x")) == expected


def test_a_statement_may_stand_in_the_prompt_as_json(tmp_path: Path) -> None:
    tokenizer = ModelTokenizer(folder_of(tmp_path, chat="{{ messages[0].content | tojson }}"))
    assert tokenizer.decode(tokenizer.render_prompt('Is "a" < b?')) == '"Is \\"a\\" < b?"'


@pytest.mark.parametrize(
    "source",
    [
        "",
        "Answer!",
        "{% for m in messages %}{{ m.text }}{% endfor %}",
        "{{ messages[0].content[:3] }}",
        "{{ messages[0].content | upper }}",
        "{{ messages[0].content | e }}",
        "{{ messages[0].content | replace('b', '') }}",
    ],
)
def test_a_template_that_loses_the_statement_is_refused(tmp_path: Path, source: str) -> None:
    tokenizer = ModelTokenizer(folder_of(tmp_path, chat=source))
    with pytest.raises(EngineError, match=r"the statement does not stand in the prompt|has no chat template"):
        tokenizer.render_prompt("Is a < b?")


@pytest.mark.parametrize("add_bos", [False, True])
@pytest.mark.parametrize("head", ["", "{{ bos_token }}", "{{ bos_token }}{{ bos_token }}", "<s>"])
def test_there_is_one_bos_where_there_is_any(tmp_path: Path, head: str, add_bos: bool) -> None:
    tokenizer = ModelTokenizer(folder_of(tmp_path, chat=head + "{{ messages[0].content }}"), add_bos=add_bos)
    ids = tokenizer.render_prompt("x")
    assert ids.count(1) == (1 if head or add_bos else 0)
    assert tokenizer.decode(ids) == "x"


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}{{ messages[0].content }}",
        "{{ ('a' * 10**10) | length }}{{ messages[0].content }}",
        "{% for i in range(99999) %}{{ 'abcdefgh' * 99 }}{% endfor %}{{ messages[0].content }}",
        "{{ 'x'.ljust(10**11) }}{{ messages[0].content }}",
    ],
)
def test_a_template_without_end_is_stopped(
    tmp_path: Path, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(templates, "SECONDS", 1.0)
    tokenizer = ModelTokenizer(folder_of(tmp_path, chat=source))
    with pytest.raises(EngineError, match="cannot be rendered"):
        tokenizer.render_prompt("x")
    monkeypatch.undo()
    assert ModelTokenizer(folder_of(tmp_path / "sound", chat=CHAT)).render_prompt("x")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("The answer is \\boxed{1", "44}."),
        ("12 *", " 12 = 144."),
        ("12 * 12 = ", "144"),
        ("角", "度 ≤"),
        ("1", "🙂 of"),
        ("x", ""),
    ],
)
def test_there_is_no_blank_at_a_seam(family: Family, before: str, after: str) -> None:
    tokenizer = tokenizer_of(family)
    head, tail = tokenizer.encode_after(before), tokenizer.encode_after(after)
    assert tokenizer.decode((*tokenizer.render_prompt("q"), *head.token_ids, *tail.token_ids)).endswith(
        before + after
    )
    assert all(0 <= start <= end <= len(after) for start, end in tail.offsets)


@pytest.mark.parametrize(
    ("config", "context", "vocabulary"),
    [
        ({}, None, 330),
        ({"max_position_embeddings": 512, "vocab_size": 400}, 512, 400),
        ({"text_config": {"max_position_embeddings": 8192, "vocab_size": 100}}, 8192, 330),
        ({"n_positions": 1024}, 1024, 330),
        ({"max_position_embeddings": "many", "vocab_size": -1}, None, 330),
    ],
)
def test_the_folder_says_how_much_the_model_takes(
    tmp_path: Path, config: dict[str, object], context: int | None, vocabulary: int
) -> None:
    folder = folder_of(tmp_path)
    (folder / "config.json").write_text(json.dumps(config))
    tokenizer = ModelTokenizer(folder)
    assert (tokenizer.context, tokenizer.vocabulary) == (context, vocabulary)


@pytest.mark.parametrize("template", ["chat", "{statement}"])
def test_half_a_surrogate_pair_is_no_text(tmp_path: Path, template: str) -> None:
    with pytest.raises(EngineError, match="half a surrogate pair"):
        ModelTokenizer(folder_of(tmp_path, chat=CHAT), template).render_prompt("Is \ud83d odd?")
