import { describe, expect, it } from 'vitest';
import { bytes, duration, party, percent, when } from '../src/calls/format.js';
import { meant, parseJournal, turnOf } from '../src/calls/journal.js';
import { mixed } from '../src/calls/mix.js';
import { liveCall, page, utterances } from '../src/calls/records.js';
import { condense, WavShape } from '../src/calls/wav.js';

function wav(frames: [number, number][], extra = true): Uint8Array {
  const data = new Uint8Array(4 * frames.length);
  const view = new DataView(data.buffer);
  frames.forEach(([left, right], i) => {
    view.setInt16(4 * i, left, true);
    view.setInt16(4 * i + 2, right, true);
  });
  const text = (s: string): number[] => [...s].map((c) => c.charCodeAt(0));
  const u32 = (n: number): number[] => [n & 255, (n >> 8) & 255, (n >> 16) & 255, (n >> 24) & 255];
  const format = [...text('fmt '), ...u32(16), 1, 0, 2, 0, ...u32(16000), ...u32(64000), 4, 0, 16, 0];
  const list = extra ? [...text('LIST'), ...u32(3), 1, 2, 3, 0] : [];
  return Uint8Array.from([...text('RIFF'), ...u32(0), ...text('WAVE'), ...format, ...list, ...text('data'), ...u32(data.length), ...data]);
}

describe('the shape of a recording', () => {
  const frames = Array.from({ length: 3200 }, (_, i): [number, number] => [i < 1600 ? 16384 : 0, i < 1600 ? 0 : -32768]);

  it('is the same however the file comes', () => {
    const file = wav(frames);
    for (const size of [1, 3, 1000, 1e6]) {
      const shape = new WavShape(50);
      for (let i = 0; i < file.length; i += size) shape.push(file.subarray(i, i + size));
      expect(shape.seconds).toBeCloseTo(0.2);
      expect(shape.peaks).toEqual([
        [0.5, 0.5, 0.5, 0.5, 0.5, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 1, 1, 1, 1, 1],
      ]);
    }
  });

  it('is not looked for in what is no WAV', () => {
    expect(() => new WavShape().push(new TextEncoder().encode('<!doctype html> this is a page'))).toThrow();
    const eight = wav(frames);
    eight[34] = 8;
    expect(() => new WavShape().push(eight)).toThrow();
  });

  it('is condensed without losing what is loud', () => {
    expect(condense([0, 0.2, 0.9, 0.1], 2)).toEqual([0.2, 0.9]);
    expect(condense([0.5], 3)).toEqual([0.5, 0.5, 0.5]);
    expect(condense([], 2)).toEqual([0, 0]);
  });
});

describe('the journal', () => {
  const lines = [
    '{"at":320,"type":"latency","turn":0,"endpoint":0,"stt":0,"dialogue":0,"tts":0,"out":320,"total":320}',
    '{"at":110720,"type":"latency","turn":1,"endpoint":8128,"stt":0,"dialogue":0,"tts":1920,"out":320,"total":10368}',
    '{"at":110720,"type":"sentence_start","sentence":3,"text":"On Sunday we are closed.","voice":"Sophia","sent":0}',
    '{"at":1',
  ];
  const journal = parseJournal(lines.join('\n'));
  const said = utterances({
    said: [
      { who: 'agent', begin_ms: 0, text: 'Hello.', cut: false },
      { who: 'caller', begin_ms: 5000, text: 'Sunday?', cut: false },
      { who: 'agent', begin_ms: 6920, text: 'On Sunday we', cut: true },
    ],
  });

  it('gives the milliseconds of a turn to the answer', () => {
    expect(journal.turns).toEqual([
      { turn: 1, atMs: 6920, stages: { endpoint: 508, stt: 0, dialogue: 0, tts: 120, out: 20, send: 0 }, response: 648 },
    ]);
    expect([0, 1, 2].map((i) => turnOf(journal, said, i)?.turn)).toEqual([undefined, undefined, 1]);
  });

  it('knows what was meant and not heard', () => {
    const words = meant(journal, said[2]!);
    expect(words.filter((word) => !word.heard).map((word) => word.text)).toEqual(['are', 'closed.']);
    expect(meant(journal, said[0]!).every((word) => word.heard)).toBe(true);
  });
});

describe('what the API says', () => {
  it('is taken as it is, and what is missing is missing', () => {
    const { calls, next, total } = page({ calls: [{ uuid: 'u', invited_ms: 5, in_mos: null, files: [{ kind: 'wav' }] }], next: null });
    expect(calls[0]).toMatchObject({ id: 'u', invitedMs: 5, inMos: null, answeredMs: null, files: [{ kind: 'wav', bytes: 0 }] });
    expect([next, total]).toEqual([null, null]);
    expect(page('nonsense').calls).toEqual([]);
    expect(liveCall({ id: 'x', quality: null }).quality).toBeNull();
  });
});

describe('numbers for people', () => {
  it('are short', () => {
    expect([0, 61_400, 3_661_000].map(duration)).toEqual(['0:00', '1:01', '1:01:01']);
    expect([999, 12_345, 2_243_884].map(bytes)).toEqual(['999 B', '12 kB', '2.2 MB']);
    expect([percent(0, 10), percent(1, 40), percent(0, 0)]).toEqual(['0 %', '2.5 %', '–']);
    expect(['sip:alice@127.0.0.1', '"A" <sip:bob@x;tag=1>', 'sip:127.0.0.1', ''].map(party)).toEqual(['alice', 'bob', '127.0.0.1', 'unknown']);
  });
  it('say the day where it is not today', () => {
    const now = new Date(2026, 4, 10, 12).getTime();
    expect(when(new Date(2026, 4, 10, 9, 5).getTime(), now)).toBe('09:05');
    expect(when(new Date(2026, 4, 9, 23, 5).getTime(), now)).toBe('yesterday 23:05');
    expect(when(new Date(2026, 3, 1, 9, 5).getTime(), now)).toBe('1 Apr 09:05');
  });
});

it('two channels become one without overflow', () => {
  const mono = new Int16Array(mixed(Int16Array.of(1000, 2000, 32767, 32767, -32768, -1).buffer));
  expect([...mono]).toEqual([3000, 32767, -32768]);
});
