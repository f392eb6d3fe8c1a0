"""Sentences of Debian's telephone prompts with a pause spliced in at a word boundary: where each word ends is found by
pocketsphinx (packages pocketsphinx and pocketsphinx-en-us), which is told the words. For tests/bench/turns and
scripts/turn-weights."""
import pathlib
import re
import subprocess
import tempfile

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
SOUNDS = pathlib.Path("/usr/share/asterisk/sounds/en_US_f_Allison")
RATE = 16000


def telephone(path) -> np.ndarray:
    """16 kHz samples of a recording after a passage through mu-law."""
    wire = ["sox", "-D", str(path), "-t", "raw", "-r", "8000", "-e", "mu-law", "-c", "1", "-"]
    back = ["sox", "-D", "-t", "raw", "-r", "8000", "-e", "mu-law", "-c", "1", "-", "-t", "raw", "-r", str(RATE), "-e",
            "signed", "-b", "16", "-"]
    coded = subprocess.run(wire, check=True, stdout=subprocess.PIPE).stdout
    return np.frombuffer(subprocess.run(back, check=True, input=coded, stdout=subprocess.PIPE).stdout, "<i2")


def trimmed(pcm: np.ndarray) -> np.ndarray:
    """Without the silence around it: what a person would mark, to 10 ms."""
    frames = pcm[:len(pcm) // 160 * 160].reshape(-1, 160).astype(float)
    level = 10 * np.log10((frames ** 2).mean(axis=1) + 1)
    loud = np.flatnonzero(level > max(np.quantile(level, 0.9) - 32, np.quantile(level, 0.05) + 8))
    return pcm[loud[0] * 160:(loud[-1] + 1) * 160] if len(loud) else pcm


def word_ends(pcm: np.ndarray, text: str) -> list[float]:
    """Where each word ends, in seconds; empty if the recogniser cannot follow."""
    words = re.sub(r"[^a-z' ]+", " ", text.lower()).split()
    with tempfile.TemporaryDirectory() as folder:
        grammar = pathlib.Path(folder) / "g.gram"
        grammar.write_text("#JSGF V1.0;\ngrammar g;\npublic <g> = " + " ".join(words) + ";\n")
        sound = pathlib.Path(folder) / "s.raw"
        quiet = np.zeros(RATE // 4, "<i2")
        sound.write_bytes(np.concatenate([quiet, pcm, quiet]).astype("<i2").tobytes())
        done = subprocess.run(["pocketsphinx_continuous", "-infile", str(sound), "-jsgf", str(grammar), "-time", "yes",
                               "-logfn", "/dev/null", "-vad_threshold", "1"], check=False, stdout=subprocess.PIPE, text=True)
    ends = []
    for line in done.stdout.splitlines():
        parts = line.split()
        if len(parts) == 4 and re.sub(r"\(\d+\)", "", parts[0]) in words:
            ends.append(float(parts[2]) - 0.25)
    return ends if len(ends) == len(words) else []


def sentences(names=None) -> list[tuple[str, str]]:
    """Prompts of one sentence of 5 to 16 words."""
    lines = [line.split("\t", 1) for line in (HERE / "agent-wer.tsv").read_text().splitlines() if line]
    return [(name, text) for name, text in lines
            if len(re.findall(r"[.?!](\s|$)", text)) == 1 and 5 <= len(text.split()) <= 16 and (names is None or name in names)]
