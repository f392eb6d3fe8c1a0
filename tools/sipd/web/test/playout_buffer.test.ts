import { describe, expect, it } from 'vitest';
import { PlayoutBuffer } from '../src/audio/playout_buffer.js';

const RATE = 48000;
const BLOCK = 128;

/** Time in ms, sound in frames of 20 ms of a tone that can be recognised. */
class Listener {
  readonly buffer = new PlayoutBuffer(RATE);
  readonly heard: number[] = [];
  private sent = 0;
  private owed = 0;

  /** So many ms of the agent's arrive at once. */
  send(ms: number, loudness = 0.5): void {
    const samples = new Float32Array(16 * ms);
    for (let i = 0; i < samples.length; i++) samples[i] = loudness * Math.sin((2 * Math.PI * 200 * this.sent++) / 16000);
    this.buffer.push(samples);
  }

  listen(ms: number): void {
    this.owed += (RATE / 1000) * ms;
    const block = new Float32Array(BLOCK);
    for (; this.owed >= BLOCK; this.owed -= BLOCK) {
      this.buffer.render(block);
      for (const sample of block) this.heard.push(sample);
    }
  }

  /** Real time: 20 ms come, 20 ms are played. */
  stream(ms: number, loudness = 0.5): void {
    for (let i = 0; i < ms; i += 20) {
      this.send(20, loudness);
      this.listen(20);
    }
  }

  loudness(ms: number): number {
    return Math.max(...this.heard.slice(-(RATE / 1000) * ms).map(Math.abs));
  }
}

describe('the playout buffer', () => {
  it('is silent without sound, for ever', () => {
    const listener = new Listener();
    listener.listen(500);
    expect(Math.max(...listener.heard.map(Math.abs))).toBe(0);
    expect(listener.buffer.state).toMatchObject({ played: 0, underruns: 0 });
  });

  it('plays every sample of a sentence, and counts exactly those', () => {
    const listener = new Listener();
    listener.stream(1000);
    listener.listen(300);
    expect(listener.buffer.state).toMatchObject({ played: 16000, depthMs: 0, underruns: 0, skipped: 0 });
    // Nothing is missing in the middle: a tone has no jumps.
    const body = listener.heard.slice(8000, 40000);
    const steps = body.slice(1).map((sample, i) => Math.abs(sample - body[i]!));
    expect(Math.max(...steps)).toBeLessThan(0.02);
  });

  it('begins within 80 ms, a very short sentence as well', () => {
    const long = new Listener();
    long.stream(80);
    expect(long.loudness(80)).toBeGreaterThan(0.3);
    const short = new Listener();
    short.send(20);
    short.listen(160);
    expect(short.buffer.state.played).toBe(320);
  });

  it('falls silent within a frame of clear, and says what was heard', () => {
    const listener = new Listener();
    listener.stream(500);
    const depth = listener.buffer.state.depthMs;
    const { played, skipped } = listener.buffer.clear();
    expect(played).toBe(16 * (500 - depth));
    expect(skipped).toBe(0);
    expect(listener.buffer.state.depthMs).toBe(0);
    listener.listen(20);
    listener.listen(100);
    expect(listener.loudness(100)).toBeLessThan(0.001);
    expect(listener.buffer.state.played).toBe(played);
    // What comes next is played, and counted on top.
    listener.stream(200);
    listener.listen(200);
    expect(listener.buffer.state.played).toBe(played + 16 * 200);
  });

  it('learns from an underrun within a sentence, but not from the pause after one', () => {
    const listener = new Listener();
    listener.stream(400);
    const before = listener.buffer.state.targetMs;
    listener.listen(200); // 60 ms were there
    listener.stream(400);
    expect(listener.buffer.state.underruns).toBe(1);
    expect(listener.buffer.state.targetMs).toBeGreaterThan(before + 20);
    listener.listen(1500);
    listener.stream(400);
    expect(listener.buffer.state.underruns).toBe(1);
  });

  it('becomes quicker again where nothing runs dry', () => {
    const listener = new Listener();
    listener.stream(200);
    listener.listen(200);
    listener.stream(200);
    const after = listener.buffer.state.targetMs;
    listener.stream(20000);
    expect(listener.buffer.state.targetMs).toBeLessThan(after - 10);
  });

  it('is in time again after a stall of two seconds, and counts nothing as played that was not', () => {
    const listener = new Listener();
    listener.stream(400);
    listener.listen(2000);
    const before = listener.buffer.state.played;
    expect(before).toBe(16 * 400);
    listener.send(2000);
    listener.stream(400);
    expect(listener.buffer.state.depthMs).toBeLessThan(700);
    expect(listener.buffer.state.skipped).toBeGreaterThan(16 * 1000);
    // In 400 ms at most as much can be heard, and 1 % faster.
    expect(listener.buffer.state.played - before).toBeLessThanOrEqual(16 * 400 * 1.02);
    // All that was sent is past: played or left out.
    listener.listen(1500);
    const { played, skipped } = listener.buffer.state;
    expect(played + skipped).toBe(16 * 2800);
    expect(played).toBeLessThan(16 * 1800);
  });

  it('leaves pauses out first, and nothing else where that is enough', () => {
    const listener = new Listener();
    listener.stream(200);
    listener.send(200, 0);
    listener.send(100);
    const before = listener.buffer.state;
    listener.listen(250);
    const skipped = listener.buffer.state.skipped - before.skipped;
    expect(skipped).toBeGreaterThan(16 * 50);
    expect(skipped).toBeLessThanOrEqual(16 * 200);
    listener.listen(400);
    const after = listener.buffer.state;
    expect(after.played + after.skipped).toBe(16 * 500);
    expect(after.played).toBeGreaterThanOrEqual(16 * 300); // all of the speech
  });

  it('tells at a clear what was heard and what was left out', () => {
    const listener = new Listener();
    listener.send(2000);
    listener.listen(100);
    const heard = listener.buffer.clear();
    expect(heard.played).toBeLessThanOrEqual(16 * 102);
    expect(heard.skipped).toBeGreaterThan(16 * 1000);
    listener.listen(1000);
    expect(listener.buffer.state).toMatchObject(heard);
  });

  it('bears a flood', () => {
    const listener = new Listener();
    listener.send(20000);
    listener.listen(100);
    expect(listener.buffer.state.depthMs).toBeLessThan(8000);
    listener.listen(3000);
    const { played, skipped } = listener.buffer.state;
    expect(played + skipped).toBe(16 * 20000);
    expect(played).toBeLessThanOrEqual(16 * 3100 * 1.02);
  });

  it('waits longer after each underrun, up to a limit, and plays a trickle without a click', () => {
    const listener = new Listener();
    const targets: number[] = [];
    for (let i = 0; i < 12; i++) {
      listener.stream(300);
      listener.listen(280); // dry, but not for so long that the sentence would be over
      targets.push(listener.buffer.state.targetMs);
    }
    expect(targets.every((target, i) => i === 0 || target >= targets[i - 1]! - 1)).toBe(true);
    expect(Math.max(...targets)).toBeLessThanOrEqual(240);
    expect(Math.max(...targets)).toBeGreaterThan(150);
    listener.listen(500);
    const { played, skipped } = listener.buffer.state;
    expect(played + skipped).toBe(16 * 300 * 12);
    // The sound fades where it ends: no step is larger than the tone's own but for the fade.
    const largest = listener.heard.reduce((most, sample, i) => Math.max(most, Math.abs(sample - (listener.heard[i - 1] ?? 0))), 0);
    expect(largest).toBeLessThan(0.3);
  });
});
