// What the two worklets and the page tell each other.
import type { PlayoutState } from './playout_buffer.js';

/** From the capture worklet: 20 ms of the microphone as they go on the wire, and how loud they are. */
export interface CapturedFrame {
  pcm: ArrayBuffer;
  db: number;
}

export type ToPlayout = { type: 'pcm'; samples: Float32Array } | { type: 'clear' };

export type FromPlayout =
  | { type: 'cleared'; played: number }
  | { type: 'frame'; at: number; db: number; state: PlayoutState }; // 20 ms have been rendered at `at` (audio clock, s)
