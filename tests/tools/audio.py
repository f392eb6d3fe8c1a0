#!/usr/bin/python3
"""Makes test signals and finds them again in recordings.

    audio.py make noise|tone|silence OUT.wav [--seconds S] [--rate HZ] [--hz F] [--seed N] [--level DBFS]
    audio.py find NEEDLE.wav HAYSTACK.wav [--channel N] [--at-least CORR] [--lag LO..HI] [--whole]
    audio.py pieces NEEDLE.wav HAYSTACK.wav [--channel N] [--piece MS] [--at-least CORR] [--broken N] [--moves N]
    audio.py same NEEDLE.wav HAYSTACK.wav [--channel N] [--tick SAMPLES]
    audio.py level FILE.wav [--channel N] [--from S] [--to S] [--above DBFS] [--below DBFS]
    audio.py lead FILE.wav [--channel N] [--threshold DBFS]
    audio.py info FILE.wav

find prints where NEEDLE begins in HAYSTACK (lag, ms), its gain (dB), the normalised correlation (1 is the same signal) and the
signal-to-noise ratio of the difference (dB). pieces looks for each piece of NEEDLE (100 ms) by itself, near where the one before
it was found, then behind it: audio that was stretched, shortened or interrupted in places is whole in all its other pieces. It prints how many
pieces are below --at-least (0.99) and how often the lag moved, and fails beyond --broken and --moves, and where less than a tenth is whole. same wants every sample of NEEDLE, bit for bit and in
its order; only whole ticks of silence (20 ms of 16 kHz) may stand between them. lead prints the milliseconds before the first sound. Channels count from 0.
With limits given, the exit code is 1 where they are missed. numpy only; 16-bit WAV.
"""
import argparse
import struct
import sys

import numpy as np


def read_wav(path):
    """Samples as float in -1..1, shape (frames, channels), and the rate. A WAV whose recorder was killed is read to its end."""
    with open(path, "rb") as file:
        data = file.read()
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        sys.exit(f"{path}: not a WAV file")
    at, fmt = 12, None
    while at + 8 <= len(data):
        kind, size = data[at:at + 4], struct.unpack_from("<I", data, at + 4)[0]
        body = at + 8
        if kind == b"fmt ":
            fmt = struct.unpack_from("<HHIIHH", data, body)
        elif kind == b"data":
            if fmt is None or fmt[5] != 16:
                sys.exit(f"{path}: only 16-bit PCM is read here")
            raw = data[body:body + size]
            raw = raw[:len(raw) // (2 * fmt[1]) * 2 * fmt[1]]
            return np.frombuffer(raw, "<i2").reshape(-1, fmt[1]).astype(np.float64) / 32768, fmt[2]
        at = body + size + (size & 1)
    sys.exit(f"{path}: no data chunk")


def write_wav(path, samples, rate):
    pcm = np.clip(np.round(samples * 32768), -32768, 32767).astype("<i2").tobytes()
    with open(path, "wb") as file:
        file.write(b"RIFF" + struct.pack("<I", 36 + len(pcm)) + b"WAVEfmt " +
                   struct.pack("<IHHIIHH", 16, 1, 1, rate, rate * 2, 2, 16) + b"data" + struct.pack("<I", len(pcm)) + pcm)


def resample(x, rate, to):
    """Band-limited, by the spectrum: exact enough to correlate with, and without delay. Around it is silence, not its other end."""
    if rate == to or len(x) == 0:
        return x
    wanted = int(round(len(x) * to / rate))
    x = np.concatenate((x, np.zeros(rate)))
    count = int(round(len(x) * to / rate))
    spectrum = np.fft.rfft(x)
    out = np.zeros(count // 2 + 1, dtype=complex)
    keep = min(len(spectrum), len(out))
    out[:keep] = spectrum[:keep]
    return np.fft.irfft(out, count)[:wanted] * count / len(x)


def telephone_band(x, rate):
    """300 to 3400 Hz of a sound with silence around it: what stands at one end has nothing to do with the other one."""
    size = 1 << (len(x) + rate - 1).bit_length()
    spectrum = np.fft.rfft(x, size)
    hz = np.fft.rfftfreq(size, 1 / rate)
    spectrum[(hz < 300) | (hz > 3400)] = 0
    return np.fft.irfft(spectrum, size)[:len(x)]


def alike(a, b, rate):
    """The correlation of two cuts of the same length in the telephone band. Both are cut before they are filtered: what
    stands beside a cut would ring into it, and a true copy among other sound would not be one."""
    a, b = telephone_band(a, rate), telephone_band(b, rate)
    return float(np.sum(a * b) / np.sqrt(max(np.sum(a * a) * np.sum(b * b), 1e-12)))


def dbfs(x):
    return 20 * np.log10(max(np.sqrt(np.mean(x * x)) if len(x) else 0, 1e-9))


def make(a):
    count = int(a.seconds * a.rate)
    if a.kind == "silence":
        x = np.zeros(count)
    elif a.kind == "tone":
        x = np.sin(2 * np.pi * a.hz * np.arange(count) / a.rate)
    else:
        # Noise in the telephone band whose loudness wanders like speech: no stretch of it resembles another.
        rng = np.random.default_rng(a.seed)
        x = telephone_band(rng.standard_normal(count), a.rate)
        x *= 0.55 + 0.45 * np.sin(2 * np.pi * 2.3 * np.arange(count) / a.rate + 1.0)
    if a.kind != "silence":
        x *= 10 ** ((a.level - dbfs(x)) / 20)
    write_wav(a.out, x, a.rate)


def locate(needle, hay):
    """Lag in samples, gain and correlation of the best match; the needle may stick out at either end."""
    size = 1 << (len(needle) + len(hay) - 1).bit_length()
    product = np.fft.irfft(np.fft.rfft(hay, size) * np.conj(np.fft.rfft(needle, size)), size)
    energy = np.concatenate(([0.0], np.cumsum(hay * hay)))
    lags = np.arange(-len(needle) + 1, len(hay))
    values = product[lags % size]
    window = energy[np.clip(lags + len(needle), 0, len(hay))] - energy[np.clip(lags, 0, len(hay))]
    total = np.sum(needle * needle)
    # A window 40 dB below the needle does not count: near-silence correlates well by chance. The needle's energy that lies
    # outside the haystack does count, so a clipped match is a poorer match.
    corr = np.where(window > total * 1e-4, values / np.sqrt(np.maximum(window, 1e-12) * total), 0)
    best = int(np.argmax(corr))
    lag = int(lags[best])
    lo, hi = max(lag, 0), min(lag + len(needle), len(hay))
    part, found = needle[lo - lag:hi - lag], hay[lo:hi]
    inside = np.sum(part * part)
    gain = np.sum(part * found) / inside if inside > 0 else 0
    rest = np.sum((found - gain * part) ** 2)
    snr = 10 * np.log10(max(np.sum((gain * part) ** 2), 1e-12) / max(rest, 1e-12))
    return lag, gain, float(corr[best]), snr, float(inside / total) if total > 0 else 0.0


def find(a):
    needle, needle_rate = read_wav(a.needle)
    hay, rate = read_wav(a.haystack)
    if a.channel >= hay.shape[1]:
        sys.exit(f"{a.haystack}: has {hay.shape[1]} channels")
    # Both in the telephone band: what a codec leaves out is not what is asked about.
    needle = telephone_band(resample(needle[:, 0], needle_rate, rate), rate)
    if len(hay) == 0:
        print("lag_ms=0 gain_db=-180 corr=0 snr_db=-180 part=0")
        return 1
    lag, gain, corr, snr, part = locate(needle, telephone_band(hay[:, a.channel], rate))
    lag_ms = lag * 1000 / rate
    print(f"lag_ms={lag_ms:.2f} gain_db={20 * np.log10(max(abs(gain), 1e-9)):.2f} corr={corr:.4f} snr_db={snr:.1f} part={part:.4f}")
    good = corr >= a.at_least
    if a.lag:
        low, high = (float(v) for v in a.lag.split(".."))
        good = good and low <= lag_ms <= high
    if a.whole:
        good = good and part > 0.9999
    return 0 if good else 1


def pieces(a):
    needle, needle_rate = read_wav(a.needle)
    hay, rate = read_wav(a.haystack)
    needle_cut, hay_cut = resample(needle[:, 0], needle_rate, rate), hay[:, a.channel]
    needle, hay = telephone_band(needle_cut, rate), telephone_band(hay_cut, rate)
    size, reach = int(a.piece * rate / 1000), int(0.4 * rate)
    lag, last, broken, moves, rows = locate(needle, hay)[0], None, 0, 0, []
    starts = list(range(0, len(needle) - size + 1, size))
    if len(needle) > size and starts[-1] + size < len(needle):
        starts.append(len(needle) - size)
    begun = 0  # where the piece before was found: they come in their order
    for at in starts:
        piece = needle[at:at + size]
        # In what is nearly silent, chance decides where it is found.
        if dbfs(piece) < dbfs(needle) - 25:
            continue
        found, corr = None, 0.0
        near = max(at + lag - reach, begun - reach, 0)
        for begin, end in ((near, at + lag + size + reach), (max(begun - reach, 0), len(hay))):
            window = hay[begin:max(end, 0)]
            if len(window) < size:
                continue
            where, _, corr, _, part = locate(piece, window)
            found = begin + where
            if part >= 0.9999:
                corr = alike(needle_cut[at:at + size], hay_cut[found:found + size], rate)
            if corr >= a.at_least and part >= 0.9999:
                break
        else:
            broken += 1
            rows.append(f"{at * 1000 / rate:.0f}:" + ("missing" if found is None else f"{(found - at) * 1000 / rate:.1f}/{corr:.3f}"))
            continue
        rows.append(f"{at * 1000 / rate:.0f}:{(found - at) * 1000 / rate:.1f}/{corr:.3f}")
        lag, begun = found - at, found
        moves += last is not None and abs(lag - last) * 1000 / rate > 0.2
        last = lag
    print(f"pieces={len(rows)} broken={broken} moves={moves}", *rows)
    # However much is excused: who hears nothing has proved nothing.
    broken_at_most = min(a.broken, len(rows) - (len(rows) + 9) // 10)
    return 0 if broken <= broken_at_most and (a.moves is None or moves <= a.moves) and len(rows) > 0 else 1


def same(a):
    (needle, _), (hay, _) = read_wav(a.needle), read_wav(a.haystack)
    needle, hay = needle[:, 0], hay[:, a.channel]
    ticks = hay[:len(hay) // a.tick * a.tick].reshape(-1, a.tick)
    spoken = np.concatenate((ticks[ticks.any(axis=1)].ravel(), hay[len(ticks) * a.tick:]))
    silent = len(ticks) - int(ticks.any(axis=1).sum())
    length = 0  # of the longest beginning of NEEDLE that is there
    for at in np.nonzero(spoken == needle[0])[0]:
        part = spoken[at:at + len(needle)]
        wrong = np.nonzero(part != needle[:len(part)])[0]
        length = max(length, int(wrong[0]) if len(wrong) else len(part))
    print(f"samples={len(needle)} same={length} silent_ticks={silent}")
    return 0 if length == len(needle) else 1


def level(a):
    x, rate = read_wav(a.file)
    x = x[int(a.start * rate):int(a.to * rate) if a.to else None, a.channel]
    value = dbfs(x)
    print(f"{value:.1f}")
    return 0 if (a.above is None or value >= a.above) and (a.below is None or value <= a.below) else 1


def lead(a):
    x, rate = read_wav(a.file)
    loud = np.nonzero(np.abs(x[:, a.channel]) >= 10 ** (a.threshold / 20))[0]
    if len(loud) == 0:
        print("never")
        return 1
    print(f"{loud[0] * 1000 / rate:.1f}")
    return 0


def info(a):
    x, rate = read_wav(a.file)
    print(f"rate={rate} channels={x.shape[1]} frames={len(x)} seconds={len(x) / rate:.3f}")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    p = commands.add_parser("make")
    p.add_argument("kind", choices=["noise", "tone", "silence"])
    p.add_argument("out")
    p.add_argument("--seconds", type=float, default=2)
    p.add_argument("--rate", type=int, default=8000)
    p.add_argument("--hz", type=float, default=1000)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--level", type=float, default=-20)
    p.set_defaults(run=make)
    p = commands.add_parser("find")
    p.add_argument("needle")
    p.add_argument("haystack")
    p.add_argument("--channel", type=int, default=0)
    p.add_argument("--at-least", type=float, default=0)
    p.add_argument("--lag")
    p.add_argument("--whole", action="store_true")
    p.set_defaults(run=find)
    p = commands.add_parser("pieces")
    p.add_argument("needle")
    p.add_argument("haystack")
    p.add_argument("--channel", type=int, default=0)
    p.add_argument("--piece", type=float, default=100)
    p.add_argument("--at-least", type=float, default=0.99)
    p.add_argument("--broken", type=int, default=0)
    p.add_argument("--moves", type=int)
    p.set_defaults(run=pieces)
    p = commands.add_parser("same")
    p.add_argument("needle")
    p.add_argument("haystack")
    p.add_argument("--channel", type=int, default=0)
    p.add_argument("--tick", type=int, default=320)
    p.set_defaults(run=same)
    p = commands.add_parser("level")
    p.add_argument("file")
    p.add_argument("--channel", type=int, default=0)
    p.add_argument("--from", dest="start", type=float, default=0)
    p.add_argument("--to", type=float)
    p.add_argument("--above", type=float)
    p.add_argument("--below", type=float)
    p.set_defaults(run=level)
    p = commands.add_parser("lead")
    p.add_argument("file")
    p.add_argument("--channel", type=int, default=0)
    p.add_argument("--threshold", type=float, default=-45)
    p.set_defaults(run=lead)
    p = commands.add_parser("info")
    p.add_argument("file")
    p.set_defaults(run=info)
    a = parser.parse_args()
    return a.run(a) or 0


if __name__ == "__main__":
    sys.exit(main())
