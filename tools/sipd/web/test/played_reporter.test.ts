import { expect, it } from 'vitest';
import { PlayedReporter } from '../src/audio/played_reporter.js';

it('tells what was heard, later by the latency of the system, every 100 ms and once at the end', () => {
  const reporter = new PlayedReporter();
  const told: [number, number][] = [];
  for (let ms = 20; ms <= 1000; ms += 20) {
    const played = Math.min(ms, 500) * 16;
    reporter.note(ms / 1000, played);
    const due = reporter.due(ms / 1000, 0.04, ms > 500);
    if (due !== undefined) told.push([ms, due]);
  }
  for (const [ms, samples] of told) expect(samples).toBeLessThanOrEqual(16 * (ms - 40));
  const times = told.map(([ms]) => ms);
  expect(times.slice(1, -1).every((ms, i) => ms - times[i]! >= 100)).toBe(true);
  expect(told[told.length - 1]).toEqual([540, 8000]);
});

it('goes on from what was heard when the buffer was dropped', () => {
  const reporter = new PlayedReporter();
  reporter.note(0.1, 1600);
  reporter.cleared(1600);
  expect(reporter.due(1, 0.02, true)).toBeUndefined();
  reporter.note(1.1, 1920);
  expect(reporter.due(1.2, 0.02, false)).toBe(1920);
});
