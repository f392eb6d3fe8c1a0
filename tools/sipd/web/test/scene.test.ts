import { describe, expect, it } from 'vitest';
import { Bars, BARS, envelope } from '../src/scene/bars.js';
import { agentHeight, RoomMeter, SILENCE_DB } from '../src/audio/level.js';
import { barReach, barX, distances, HELIX_HEIGHT, HELIX_RADIUS, ringPlace } from '../src/scene/helix.js';
import { ringGeometry } from '../src/scene/ring_geometry.js';

function listen(bars: Bars, ms: number, caller: number, agent: number): void {
  for (let t = 0; t < ms; t += 20) {
    bars.pushAgent(agent);
    bars.pushCaller(caller);
    bars.step(20);
  }
}

describe('the bars', () => {
  it('are flat in silence: exactly', () => {
    const bars = new Bars();
    listen(bars, 1000, 0, 0);
    expect([...bars.heights]).toEqual(new Array(BARS).fill(0));
    listen(bars, 500, 0.8, 0);
    expect(bars.levels.tallest).toBeGreaterThan(0.5);
    listen(bars, 2000, 0, 0);
    expect(bars.levels.tallest).toBe(0);
  });

  it('follow the levels of a call and lie flat between the words, however noisy the room is', () => {
    for (const noise of [-90, -60, -45]) {
      const bars = new Bars();
      const room = new RoomMeter();
      const hear = (ms: number, db: number, agentDb: number): void => {
        for (let t = 0; t < ms; t += 20) {
          bars.pushAgent(agentHeight(agentDb));
          bars.pushCaller(room.height(db + ((t / 20) % 3)));
          bars.step(20);
        }
      };
      hear(3000, noise, SILENCE_DB); // the room is learnt
      expect(bars.flat).toBe(true);
      hear(1000, -18, SILENCE_DB);
      expect(bars.flat).toBe(false);
      expect(bars.levels.tallest).toBeGreaterThan(0.3);
      hear(2000, noise, SILENCE_DB);
      expect(bars.flat).toBe(true);
      hear(1000, noise, -14);
      expect(bars.levels.tallest).toBeGreaterThan(0.5);
      hear(2000, noise, SILENCE_DB);
      expect([...bars.heights]).toEqual(new Array(BARS).fill(0));
    }
  });

  it('are taller in the middle and alike on both sides', () => {
    const bars = new Bars();
    listen(bars, 1000, 0.7, 0);
    for (let i = 1; i < BARS / 2; i++) expect(bars.heights[i]!).toBeGreaterThan(bars.heights[i - 1]!);
    for (let i = 0; i < BARS; i++) expect(bars.heights[i]!).toBeCloseTo(bars.heights[BARS - 1 - i]!, 6);
    expect(envelope(BARS / 2)).toBeGreaterThan(5 * envelope(0));
  });

  it('know whose sound it is', () => {
    const bars = new Bars();
    listen(bars, 1000, 0, 0.7);
    expect(bars.owner[BARS / 2]!).toBeGreaterThan(0.95);
    listen(bars, 1000, 0.7, 0);
    expect(bars.owner[BARS / 2]!).toBeLessThan(0.05);
  });

  it('lose the agent at once when he is interrupted, and keep the caller', () => {
    const bars = new Bars();
    listen(bars, 1000, 0, 0.9);
    bars.cut();
    expect(bars.levels.tallest).toBeLessThan(0.05);
    bars.pushCaller(0.6);
    bars.step(16);
    expect(bars.heights[BARS / 2]!).toBeGreaterThan(0.05);
  });
});

describe('the helix', () => {
  it('and the waveform fit into a place of any shape', () => {
    const tangent = Math.tan((16 * Math.PI) / 180);
    for (const aspect of [0.4, 0.7, 1, 1.8, 4]) {
      const { helix, waveform } = distances(tangent, aspect);
      expect(tangent * helix).toBeGreaterThan(HELIX_HEIGHT / 2);
      expect(tangent * aspect * helix).toBeGreaterThan(HELIX_RADIUS);
      expect(tangent * aspect * waveform).toBeGreaterThan(-barX(0));
      expect(barReach(tangent * waveform)).toBeLessThan(tangent * waveform);
    }
  });

  it('has two strands that face each other', () => {
    for (let i = 0; i < BARS; i += 2) {
      const [a, b] = [ringPlace(i), ringPlace(i + 1)];
      expect(a.y).toBeCloseTo(b.y);
      expect(a.x).toBeCloseTo(-b.x);
      expect(a.z).toBeCloseTo(-b.z);
      expect(Math.hypot(a.x, a.z)).toBeCloseTo(HELIX_RADIUS);
      expect(Math.hypot(...a.tangent)).toBeCloseTo(1);
    }
  });

  it('becomes bars side by side, in the middle of the place', () => {
    expect(barX(0)).toBeCloseTo(-barX(BARS - 1));
    for (let i = 1; i < BARS; i++) expect(barX(i)).toBeGreaterThan(barX(i - 1));
  });

  it('is made of bodies that close: the path ends where it began', () => {
    const path = ringGeometry().getAttribute('path').array;
    const [first, last] = [path.slice(0, 4), path.slice(-4)];
    expect(Math.cos(last[0]!)).toBeCloseTo(Math.cos(first[0]!));
    expect(last[1]).toBeCloseTo(first[1]!);
    expect(Math.cos(last[2]!)).toBeCloseTo(Math.cos(first[2]!));
    for (let i = 1; i < path.length; i += 4) expect(Math.abs(path[i]!)).toBeLessThanOrEqual(1);
  });
});
