import { describe, expect, it } from 'vitest';
import { Resampler } from '../src/audio/resampler.js';

const tone = (hz: number, rate: number, seconds: number): Float32Array =>
  Float32Array.from({ length: Math.round(rate * seconds) }, (_, i) => 0.5 * Math.sin((2 * Math.PI * hz * i) / rate));

/** Amplitude of one frequency, and of all that is not it, in the middle of the signal. */
function measure(signal: Float32Array, hz: number, rate: number): { tone: number; rest: number } {
  const period = rate / 50; // every whole multiple of 50 Hz fits
  const middle = signal.subarray(2000, 2000 + period * Math.floor((signal.length - 4000) / period));
  let [re, im] = [0, 0];
  middle.forEach((x, i) => {
    re += x * Math.cos((2 * Math.PI * hz * i) / rate);
    im += x * Math.sin((2 * Math.PI * hz * i) / rate);
  });
  [re, im] = [(2 * re) / middle.length, (2 * im) / middle.length];
  let rest = 0;
  middle.forEach((x, i) => {
    const phase = (2 * Math.PI * hz * i) / rate;
    rest += (x - re * Math.cos(phase) - im * Math.sin(phase)) ** 2;
  });
  return { tone: Math.hypot(re, im), rest: Math.sqrt((2 * rest) / middle.length) };
}

function convert(input: Float32Array, from: number, to: number, piece = 128): Float32Array {
  const resampler = new Resampler(from, to);
  const out: number[] = [];
  for (let i = 0; i < input.length; i += piece) out.push(...resampler.process(input.subarray(i, i + piece)));
  return Float32Array.from(out);
}

describe('the resampler', () => {
  for (const [from, to] of [
    [48000, 16000],
    [44100, 16000],
    [96000, 16000],
    [16000, 48000],
    [16000, 44100],
    [8000, 16000],
  ] as const) {
    it(`keeps a tone of 1 kHz from ${from} to ${to} Hz, 70 dB clean`, () => {
      const { tone: level, rest } = measure(convert(tone(1000, from, 1), from, to), 1000, to);
      expect(level).toBeCloseTo(0.5, 3);
      expect(20 * Math.log10(rest / level)).toBeLessThan(-70);
    });
  }

  it('lets nothing through that the lower rate cannot hold', () => {
    const folded = convert(tone(9000, 48000, 1), 48000, 16000); // would be heard at 7 kHz
    expect(20 * Math.log10(measure(folded, 7000, 16000).tone / 0.5)).toBeLessThan(-60);
  });

  it('gives the same samples however the input is cut', () => {
    const input = tone(440, 44100, 0.3);
    const [small, large] = [convert(input, 44100, 16000, 128), convert(input, 44100, 16000, 977)];
    expect(small.length).toBe(large.length);
    expect(Math.max(...small.map((sample, i) => Math.abs(sample - large[i]!)))).toBeLessThan(1e-6);
  });

  it('does not lose time: a second is a second', () => {
    expect(Math.abs(convert(tone(440, 44100, 10), 44100, 16000).length - 160000)).toBeLessThan(40);
  });

  it('says how much it needs, and then gives at least that much', () => {
    const resampler = new Resampler(16000, 44100);
    for (let i = 0; i < 500; i++) {
      const needed = resampler.needed(128);
      expect(resampler.process(new Float32Array(needed)).length).toBeGreaterThanOrEqual(128);
    }
  });
});
