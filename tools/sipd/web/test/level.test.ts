import { describe, expect, it } from 'vitest';
import { agentHeight, levelDb, RoomMeter, SILENCE_DB } from '../src/audio/level.js';

describe('levels', () => {
  it('are dB of full scale', () => {
    expect(levelDb(new Float32Array(320))).toBe(SILENCE_DB);
    expect(levelDb(new Float32Array(0))).toBe(SILENCE_DB);
    expect(levelDb(new Float32Array(320).fill(1))).toBeCloseTo(0);
    expect(levelDb(new Float32Array(320).fill(0.1))).toBeCloseTo(-20);
  });

  it('of silence have no height, and louder ones never less', () => {
    expect(agentHeight(SILENCE_DB)).toBe(0);
    expect(agentHeight(0)).toBe(1);
    for (let db = -80; db < 0; db++) expect(agentHeight(db + 1)).toBeGreaterThanOrEqual(agentHeight(db));
  });
});

describe('the meter of a room', () => {
  it('is flat in a quiet room and in a noisy one, once it knows it', () => {
    for (const noise of [-80, -62, -48]) {
      const meter = new RoomMeter();
      const heights = Array.from({ length: 400 }, (_, i) => meter.height(noise + ((i * 7) % 5) - 2));
      expect(Math.max(...heights.slice(100))).toBe(0);
    }
  });

  it('shows speech above the noise, also after a long sentence', () => {
    const meter = new RoomMeter();
    for (let i = 0; i < 200; i++) meter.height(-60);
    const heights: number[] = [];
    for (let i = 0; i < 300; i++) heights.push(meter.height(i % 40 === 0 ? -58 : -24));
    expect(heights.filter((height) => height > 0.3).length).toBeGreaterThan(280);
  });
});
