// Band-limited sample-rate conversion between any two rates: a windowed sinc, read from a table of phases with linear
// interpolation between neighbours. The browser's own conversion cannot be used: where the microphone has another rate
// than the AudioContext, some browsers refuse to connect the two.

const ZERO_CROSSINGS = 16; // on each side, of the lower rate
const PHASES = 128; // of one input sample; interpolated, the images lie below -80 dB
const BAND = 0.92; // of the lower Nyquist frequency that passes
const KAISER_BETA = 8;

function bessel(x: number): number {
  let sum = 1;
  let term = 1;
  for (let k = 1; k < 40; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

export class Resampler {
  private readonly half: number;
  private readonly taps: number;
  private readonly table: Float32Array;
  private input: Float32Array;
  private length: number;
  private time: number; // of the next output, in samples of `input`
  private readonly step: number;
  private speed_ = 1;

  constructor(from: number, to: number) {
    const cutoff = BAND * Math.min(1, to / from);
    this.step = from / to;
    this.half = Math.ceil(ZERO_CROSSINGS / cutoff);
    this.taps = 2 * this.half;
    this.table = new Float32Array((PHASES + 1) * this.taps);
    const scale = bessel(KAISER_BETA);
    for (let phase = 0; phase <= PHASES; phase++) {
      let sum = 0;
      for (let k = 0; k < this.taps; k++) {
        const x = k - this.half + 1 - phase / PHASES;
        const inside = 1 - (x / this.half) ** 2;
        const window = inside > 0 ? bessel(KAISER_BETA * Math.sqrt(inside)) / scale : 0;
        const sinc = x === 0 ? 1 : Math.sin(Math.PI * cutoff * x) / (Math.PI * cutoff * x);
        const value = cutoff * sinc * window;
        this.table[phase * this.taps + k] = value;
        sum += value;
      }
      for (let k = 0; k < this.taps; k++) this.table[phase * this.taps + k]! /= sum; // a constant stays what it is
    }
    this.input = new Float32Array(4 * this.taps + 4096);
    this.length = this.half - 1; // silence before the first sample, so that the first output falls on it
    this.time = this.half - 1;
  }

  /** Slightly more than 1 plays faster, and a little higher: to work off what has piled up. */
  set speed(value: number) {
    this.speed_ = value;
  }

  /** How many samples must be pushed before `count` more come out. */
  needed(count: number): number {
    const last = this.time + (count - 1) * this.step * this.speed_;
    return Math.max(0, Math.floor(last) + this.half + 1 - this.length);
  }

  /** What can be computed, but at most so many samples; the others come out next time. */
  process(samples: Float32Array, most = Infinity): Float32Array {
    this.append(samples);
    const step = this.step * this.speed_;
    const output = new Float32Array(Math.min(most, Math.max(0, Math.ceil((this.length - this.time) / step) + 1)));
    let count = 0;
    while (count < output.length) {
      const base = Math.floor(this.time);
      if (base + this.half >= this.length) break;
      output[count++] = this.at(base, this.time - base);
      this.time += step;
    }
    this.discard();
    return output.subarray(0, count);
  }

  private at(base: number, fraction: number): number {
    const position = fraction * PHASES;
    const phase = Math.floor(position);
    const weight = position - phase;
    const row = phase * this.taps;
    const next = row + this.taps;
    const first = base - this.half + 1;
    let sum = 0;
    for (let k = 0; k < this.taps; k++) {
      const coefficient = this.table[row + k]! + weight * ((this.table[next + k] ?? 0) - this.table[row + k]!);
      sum += coefficient * this.input[first + k]!;
    }
    return sum;
  }

  private append(samples: Float32Array): void {
    if (this.length + samples.length > this.input.length) {
      const larger = new Float32Array(2 * (this.length + samples.length));
      larger.set(this.input.subarray(0, this.length));
      this.input = larger;
    }
    this.input.set(samples, this.length);
    this.length += samples.length;
  }

  private discard(): void {
    const gone = Math.floor(this.time) - this.half + 1;
    if (gone <= 0) return;
    this.input.copyWithin(0, gone, this.length);
    this.length -= gone;
    this.time -= gone;
  }
}
