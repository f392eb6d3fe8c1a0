// The agent's sound between the network and the loudspeaker: samples of 16 kHz go in as they come, samples of the
// loudspeaker's rate come out as they are needed. Time is counted in rendered samples; there is no clock here.
//
// talky-sipd sends at the pace of speech, and nothing between the sentences. So the buffer
//  - lets a sentence begin when `target` has come, or when nothing more came for that long (it was a short one);
//  - makes `target` larger where the sound ran dry within a sentence, and slowly smaller where it did not;
//  - after a stall, when much comes at once, leaves out pauses first, plays 1 % faster, and drops the oldest sound
//    only where more than MOST_BEHIND_MS would stay behind.
import { Resampler } from './resampler.js';
import { WIRE_RATE } from './pcm.js';

const PER_MS = WIRE_RATE / 1000;
const SMALLEST_TARGET_MS = 40;
const LARGEST_TARGET_MS = 240;
const STEP_MS = 30; // what an underrun adds
const RELAX_MS_PER_S = 1; // what a second without one takes away
const SAME_SENTENCE_MS = 300; // dry for less, then more sound: it had not been the end
const BEHIND_MS = 80; // beyond the target, from here on pauses are left out
const MOST_BEHIND_MS = 600;
const PIECE = 10 * PER_MS;
const QUIET_RMS = 0.004; // -48 dB
const FADE = 4 * PER_MS;

export interface PlayoutState {
  /** Samples of the agent's that were played, at 16 kHz. What was dropped, by `clear` or to catch up, never counts. */
  played: number;
  /** Samples that were left out to catch up after a stall: passed without being heard. */
  skipped: number;
  depthMs: number;
  targetMs: number;
  underruns: number;
}

export class PlayoutBuffer {
  private readonly ring = new Float32Array(8 * WIRE_RATE);
  private first = 0;
  private depth = 0;
  private readonly resampler: Resampler;
  private playing = false;
  private sinceArrival = 0; // rendered time, in samples of 16 kHz
  private sinceDry = Infinity;
  private target = 60 * PER_MS;
  private played = 0;
  private underruns = 0;
  private skipped = 0;
  private last = 0; // the last sample, which fades out where the sound ends abruptly
  private fading = new Float32Array(0);

  constructor(outputRate: number) {
    this.resampler = new Resampler(WIRE_RATE, outputRate);
  }

  get state(): PlayoutState {
    return {
      played: this.played,
      skipped: this.skipped,
      depthMs: this.depth / PER_MS,
      targetMs: this.target / PER_MS,
      underruns: this.underruns,
    };
  }

  push(samples: Float32Array): void {
    if (!this.playing && this.depth === 0 && this.sinceDry < SAME_SENTENCE_MS * PER_MS) {
      this.underruns++;
      this.target = Math.min(LARGEST_TARGET_MS * PER_MS, this.target + STEP_MS * PER_MS);
    }
    this.sinceDry = Infinity;
    this.sinceArrival = 0;
    let from = 0;
    if (samples.length > this.ring.length) from = samples.length - this.ring.length;
    const over = this.depth + samples.length - from - this.ring.length;
    this.skipped += from;
    if (over > 0) this.skip(over);
    for (let i = from; i < samples.length; i++) {
      this.ring[(this.first + this.depth++) % this.ring.length] = samples[i]!;
    }
  }

  /** Drops what waits, within 4 ms of sound; returns what was played and skipped until now. */
  clear(): { played: number; skipped: number } {
    const count = this.playing ? Math.min(FADE, this.depth) : 0;
    this.fading = new Float32Array(count);
    for (let i = 0; i < count; i++) this.fading[i] = this.peek(i) * (1 - (i + 1) / count);
    this.first = 0;
    this.depth = 0;
    this.playing = false;
    this.last = 0;
    this.sinceDry = Infinity;
    return { played: this.played, skipped: this.skipped };
  }

  /** Fills `output` with the next samples of the loudspeaker's rate. */
  render(output: Float32Array): void {
    this.resampler.speed = this.playing && this.depth > this.target + BEHIND_MS * PER_MS ? 1.01 : 1;
    const piece = new Float32Array(this.resampler.needed(output.length));
    this.take(piece);
    output.set(this.resampler.process(piece, output.length));
  }

  private take(piece: Float32Array): void {
    this.sinceArrival += piece.length;
    if (this.sinceDry !== Infinity) this.sinceDry += piece.length;
    if (!this.playing && this.depth > 0 && (this.depth >= this.target || this.sinceArrival >= this.target)) {
      this.playing = true;
    }
    if (this.playing) this.catchUp();
    let at = 0;
    while (at < piece.length && this.fading.length > 0) {
      piece[at++] = this.fading[0]!;
      this.fading = this.fading.subarray(1);
    }
    if (this.playing) {
      const count = Math.min(this.depth, piece.length - at);
      for (let i = 0; i < count; i++) piece[at++] = this.peek(i);
      this.advance(count);
      this.played += count;
      if (count > 0) this.last = piece[at - 1]!;
      this.target = Math.max(
        SMALLEST_TARGET_MS * PER_MS,
        this.target - (RELAX_MS_PER_S * PER_MS * piece.length) / WIRE_RATE,
      );
    }
    if (this.playing && this.depth === 0) {
      this.playing = false;
      this.sinceDry = 0;
    }
    while (at < piece.length) {
      this.last *= 0.9;
      if (Math.abs(this.last) < 1e-5) this.last = 0;
      piece[at++] = this.last;
    }
  }

  private catchUp(): void {
    const behind = this.depth - this.target;
    if (behind > MOST_BEHIND_MS * PER_MS) {
      this.skip(Math.round(behind));
    } else if (behind > BEHIND_MS * PER_MS && this.isQuiet()) {
      this.skip(PIECE);
    }
  }

  private isQuiet(): boolean {
    if (this.depth < PIECE) return false;
    let sum = 0;
    for (let i = 0; i < PIECE; i++) sum += this.peek(i) ** 2;
    return Math.sqrt(sum / PIECE) < QUIET_RMS;
  }

  // What is left out is past, or its sentence would never end, but it was not heard: it has a count of its own.
  private skip(count: number): void {
    const tail = Math.min(FADE, this.depth - count);
    const before = Float32Array.from({ length: Math.max(0, tail) }, (_, i) => this.peek(i));
    this.advance(count);
    for (let i = 0; i < before.length; i++) {
      const share = (i + 1) / (before.length + 1);
      const at = (this.first + i) % this.ring.length;
      this.ring[at] = before[i]! * (1 - share) + this.ring[at]! * share;
    }
    this.skipped += count;
  }

  private peek(i: number): number {
    return this.ring[(this.first + i) % this.ring.length]!;
  }

  private advance(count: number): void {
    this.first = (this.first + count) % this.ring.length;
    this.depth -= count;
  }
}
