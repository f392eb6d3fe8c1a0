import { expect, it } from 'vitest';
import { PlayedReporter } from '../src/audio/played_reporter.js';

it('tells what was heard, later by the latency of the system, every 100 ms and once at the end', () => {
  const reporter = new PlayedReporter();
  const told: [number, number][] = [];
  for (let ms = 20; ms <= 1000; ms += 20) {
    const played = Math.min(ms, 500) * 16;
    reporter.note(ms / 1000, { played, skipped: 0 });
    const due = reporter.due(ms / 1000, 0.04, ms > 500);
    if (due !== undefined) told.push([ms, due.played]);
  }
  for (const [ms, samples] of told) expect(samples).toBeLessThanOrEqual(16 * (ms - 40));
  const times = told.map(([ms]) => ms);
  expect(times.slice(1, -1).every((ms, i) => ms - times[i]! >= 100)).toBe(true);
  expect(told[told.length - 1]).toEqual([540, 8000]);
});

it('goes on from what was heard when the buffer was dropped', () => {
  const reporter = new PlayedReporter();
  reporter.note(0.1, { played: 1600, skipped: 0 });
  reporter.cleared({ played: 1600, skipped: 0 });
  expect(reporter.due(1, 0.02, true)).toBeUndefined();
  reporter.note(1.1, { played: 1920, skipped: 0 });
  expect(reporter.due(1.2, 0.02, false)).toEqual({ played: 1920, skipped: 0 });
});

it('tells of what was left out when its time has come, also where nothing else was played', () => {
  const reporter = new PlayedReporter();
  reporter.note(0.1, { played: 320, skipped: 0 });
  expect(reporter.due(0.1, 0, false)).toEqual({ played: 320, skipped: 0 });
  reporter.note(0.3, { played: 320, skipped: 16000 });
  expect(reporter.due(0.3, 0.05, false)).toBeUndefined();
  expect(reporter.due(0.4, 0.05, true)).toEqual({ played: 320, skipped: 16000 });
  expect(reporter.due(0.6, 0.05, true)).toBeUndefined();
});
