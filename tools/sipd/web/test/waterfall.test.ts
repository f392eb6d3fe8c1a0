import { expect, it } from 'vitest';
import { median, waterfall } from '../src/call/waterfall.js';

const stages = { endpoint: 200, stt: 100, dialogue: 0, tts: 80, out: 20, send: 0 };

it('puts one step after the other', () => {
  const steps = waterfall(stages, 400);
  expect(steps.map((step) => step.ms)).toEqual([200, 100, 0, 80, 20, 0]);
  steps.forEach((step, i) => {
    const before = steps[i - 1];
    if (before) expect(step.begin).toBeCloseTo(before.begin + before.width);
  });
  expect(steps[5]!.begin + steps[5]!.width).toBeCloseTo(1);
});

it('leaves what is nobody’s open, and bears nonsense', () => {
  expect(waterfall(stages, 800)[4]!.begin).toBeCloseTo(0.475);
  for (const step of waterfall({ endpoint: -5, stt: 0, dialogue: 0, tts: 0, out: 0, send: 0 }, 0)) {
    expect(step).toMatchObject({ ms: 0, begin: 0, width: 0 });
  }
});

it('finds the middle', () => {
  expect(median([])).toBeUndefined();
  expect(median([3])).toBe(3);
  expect(median([9, 1, 5])).toBe(5);
  expect(median([4, 1, 3, 2])).toBe(2.5);
});
