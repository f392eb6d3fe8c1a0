"""G.711 mu-law after the tables of the recommendation, independent of talky's own; WAV files; tones."""
import wave

import numpy

RATE = 8000


def _mulaw_table():
    codes = numpy.arange(256, dtype=numpy.int32) ^ 0xFF
    magnitude = (((codes & 0x0F) << 3) + 0x84) << ((codes & 0x70) >> 4)
    magnitude -= 0x84
    return numpy.where(codes & 0x80, -magnitude, magnitude).astype(numpy.int16)


_DECODE = _mulaw_table()
_ORDER = numpy.argsort(_DECODE.astype(numpy.int32), kind="stable")
_SORTED = _DECODE.astype(numpy.int32)[_ORDER]


def mulaw_decode(payload):
    return _DECODE[numpy.frombuffer(payload, dtype=numpy.uint8)]


def mulaw_encode(samples):
    """The nearest code of each sample."""
    wanted = numpy.asarray(samples, dtype=numpy.int32)
    right = numpy.clip(numpy.searchsorted(_SORTED, wanted), 1, 255)
    nearer_left = wanted - _SORTED[right - 1] < _SORTED[right] - wanted
    return _ORDER[numpy.where(nearer_left, right - 1, right)].astype(numpy.uint8).tobytes()


def read_wav(path):
    """Mono samples at 8 kHz; a 16 kHz file is halved after a short low-pass."""
    with wave.open(path, "rb") as source:
        samples = numpy.frombuffer(source.readframes(source.getnframes()), dtype="<i2")
        samples = samples.reshape(-1, source.getnchannels())[:, 0]
        rate = source.getframerate()
    if rate == 16000:
        taps = numpy.sinc((numpy.arange(63) - 31) / 2 * 0.9) * numpy.hamming(63)
        smooth = numpy.convolve(samples.astype(float), taps / taps.sum(), mode="same")
        samples = numpy.clip(numpy.rint(smooth), -32768, 32767).astype(numpy.int16)[::2]
    elif rate != RATE:
        raise SystemExit(f"{path}: 8000 or 16000 Hz expected, not {rate}")
    return samples


def write_wav(path, samples, rate=RATE):
    with wave.open(path, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(numpy.asarray(samples, dtype="<i2").tobytes())


def tone(hertz, seconds, level=0.3):
    at = numpy.arange(int(seconds * RATE)) / RATE
    return numpy.rint(numpy.sin(2 * numpy.pi * hertz * at) * 32767 * level).astype(numpy.int16)
