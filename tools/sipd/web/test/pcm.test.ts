import { describe, expect, it } from 'vitest';
import { Framer, fromWire, toWire } from '../src/audio/pcm.js';

describe('PCM of the wire', () => {
  it('is little-endian and clips', () => {
    const bytes = new Uint8Array(toWire(Float32Array.of(0.5, -1, 2, -2, 0)));
    expect([...bytes]).toEqual([0x00, 0x40, 0x00, 0x80, 0xff, 0x7f, 0x00, 0x80, 0, 0]);
  });

  it('survives the way there and back for every value', () => {
    const all = new Int16Array(65536).map((_, i) => i - 32768);
    const back = new Int16Array(toWire(fromWire(all.buffer)));
    expect(back).toEqual(all);
  });

  it('leaves half a sample out', () => {
    expect(fromWire(new Uint8Array([0, 0x40, 1]).buffer)).toEqual(Float32Array.of(0.5));
  });

  it('is cut into frames whatever comes', () => {
    const framer = new Framer(320);
    const frames: number[][] = [];
    let next = 0;
    for (const size of [1, 127, 128, 640, 5, 59]) {
      framer.push(
        Float32Array.from({ length: size }, () => next++),
        (frame) => frames.push([...frame]),
      );
    }
    expect(frames.map((frame) => frame[0])).toEqual([0, 320, 640]);
    expect(frames.every((frame) => frame.length === 320)).toBe(true);
  });
});
