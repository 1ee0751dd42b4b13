"""Whether a completion begins with the prompt because the server sent both, or because the model repeated it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cot_assets.engines.openai.answers import Asked, UnsoundAnswerError, read_answer

TEXT = "Question: what is the sum of 1 and 1? Answer: \\boxed{3}. Question: "
IDS = tuple(range(40, 52))


def asked(*, by_text: bool, budget: int, is_echoed: bool) -> Asked:
    ids = None if by_text else IDS
    return Asked(ids, TEXT, TEXT, len(IDS), 1, budget, 100, frozenset({"m"}), is_echoed)


def sent(text: str, ids: tuple[int, ...]) -> dict[str, object]:
    return {
        "choices": [{"index": 0, "text": text, "finish_reason": "stop", "token_ids": list(ids)}],
        "model": "m",
    }


@pytest.mark.parametrize("by_text", [True, False])
@pytest.mark.parametrize(
    ("budget", "is_echoed", "is_cut"),
    [(64, False, False), (64, True, True), (2, False, True)],
    ids=["a base model repeats its prompt", "the server sends both", "longer than the model may write"],
)
def test_a_copy_of_the_prompt(by_text: bool, budget: int, is_echoed: bool, is_cut: bool) -> None:
    found = read_answer(
        sent(TEXT + "5", (*IDS, 7)), asked(by_text=by_text, budget=budget, is_echoed=is_echoed)
    )
    (choice,) = found.choices
    if by_text:
        assert choice.text == ("5" if is_cut else TEXT + "5")
    else:
        assert choice.token_ids == ((7,) if is_cut else (*IDS, 7))
    assert found.n_echoed == is_cut
    assert found.n_copies == (not is_cut)


@pytest.mark.parametrize("by_text", [True, False])
def test_what_a_server_that_sends_both_puts_before_must_be_the_prompt(by_text: bool) -> None:
    with pytest.raises(UnsoundAnswerError, match="puts the prompt before"):
        read_answer(sent("User: " + TEXT, (1, *IDS, 7)), asked(by_text=by_text, budget=64, is_echoed=True))


@pytest.mark.parametrize("head", ["<s>", "<s> ", " <s>", " "])
def test_a_bos_that_a_server_shows_before_the_prompt_is_cut_off_with_it(head: str) -> None:
    given = replace(asked(by_text=True, budget=2, is_echoed=False), bos="<s>")
    found = read_answer(sent(f"{head}{TEXT}5", ()), given)
    assert [choice.text for choice in found.choices] == ["5"]
    assert found.n_echoed == 1


def test_a_prompt_within_what_a_trial_gives_is_no_completion() -> None:
    given = replace(asked(by_text=True, budget=2, is_echoed=False), is_trial=True)
    with pytest.raises(UnsoundAnswerError, match="puts the prompt before"):
        read_answer(sent(f"User: {TEXT}5", ()), given)
