"""Traces of the project's own making in the layouts of two published sets: inputs of the golden study.

Run once; the files beside this one are what it wrote.
"""

from __future__ import annotations

import json
from pathlib import Path

HERE = Path(__file__).parent
SENTENCES = [
    ("We want the number of ways to seat five guests in a row.", 0.41),
    (" The first seat takes any of five guests.", 0.47),
    (" The second takes any of the four that are left.", 0.52),
    (" Hmm, perhaps rotations count once.", 0.12),
    (" No, it is a row and not a table, so they do not.", 0.88),
    (" So there are 5 * 4 * 3 * 2 * 1 = 120 ways.", 0.98),
    (" The answer is \\boxed{120}.", 1.0),
]
TOKENS = ["A", " box", " holds", " 6", " rows", " of", " 7", " eggs", ".", " 6", "*", "7", " is", " 4", "2", ".",
          " Half", " are", " sold", ",", " so", " 2", "1", " are", " left", ".", " \\boxed{", "2", "1", "}"]  # fmt: skip
SCORES = [50, 50, 51, 49, 50, 50, 52, 51, 52, 54, 54, 53, 53, 55, 58, 58, 22, 24, 30, 31, 31, 57, 63, 63, 63, 64, 64,
          64, 64, 64]  # fmt: skip


def main() -> None:
    """Write both layouts."""
    folder = HERE / "thought-anchors" / "our-model" / "correct_base_solution" / "problem_1"
    folder.mkdir(parents=True, exist_ok=True)
    solution = "".join(text for text, _ in SENTENCES)
    files = {
        "problem": {
            "problem": "In how many ways can five guests sit in a row?",
            "level": "Level 1",
            "type": "Counting",
            "gt_answer": "120",
        },
        "base_solution": {
            "prompt": "Problem: In how many ways can five guests sit in a row? Solution: \n<think>\n",
            "solution": solution,
            "full_cot": solution,
            "answer": "120",
            "is_correct": True,
        },
        "chunks_labeled": [
            {"chunk": text, "chunk_idx": i, "function_tags": [], "accuracy": accuracy}
            for i, (text, accuracy) in enumerate(SENTENCES)
        ],
        "chunks_resampled": {str(i): [f"{text} again"] * 100 for i, (text, _) in enumerate(SENTENCES)},
    }
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content, indent=1))
    trace = {
        "id": "eggs_path_0",
        "problem_id": "eggs",
        "question": "A box holds 6 rows of 7 eggs. Half are sold. How many are left?",
        "golden_answer": ["21"],
        "response": "".join(TOKENS),
        "is_correct": True,
        "response_tokens": TOKENS,
        "response_token_ids": list(range(100, 100 + len(TOKENS))),
        "all_position_scores": [score / 64 for score in SCORES],
        "total_tokens": len(TOKENS),
        "_model": "our-model",
        "_dataset": "ours",
        "cliffs": [],
    }
    cliff = HERE / "cliff-token" / "eggs_path_0.json"
    cliff.parent.mkdir(parents=True, exist_ok=True)
    cliff.write_text(json.dumps(trace, indent=1))


if __name__ == "__main__":
    main()
