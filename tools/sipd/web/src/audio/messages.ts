// What the parts of a call's sound tell each other. The microphone's worklet and the loudspeaker's are each joined to the
// line (call/line.ts), which lives in a Worker, by a MessagePort of their own: the page's thread, which draws and may
// stand still, is not on the way. It is told how loud it is, and no more.
import type { PlayoutState } from './playout_buffer.js';

/** To either worklet, first of all: its end of the way to the line. */
export interface Joined {
  type: 'line';
  port: MessagePort;
}

/** Microphone to line: 20 ms as they go on the wire. */
export type Captured = ArrayBuffer;

/** Line to loudspeaker. */
export type ToPlayout = { type: 'pcm'; samples: Float32Array } | { type: 'clear' };

/** Loudspeaker to line: totals of samples that were heard, and that the buffer left out to catch up. */
export interface Report {
  type: 'played' | 'cleared';
  samples: number;
  skipped: number;
}

/** Page to loudspeaker: how long the system holds sound back, in seconds. */
export interface Latency {
  type: 'latency';
  seconds: number;
}

/** Worklets to page: 20 ms, how loud. */
export interface CaptureLevel {
  db: number;
}

export interface PlayoutLevel {
  /** When it was computed, in seconds of the audio clock. */
  at: number;
  db: number;
  state: PlayoutState;
}
