// How loud something is, and how tall that makes a bar. Nothing is invented: silence is 0.

export const SILENCE_DB = -100;

/** Root mean square of the samples in dB of full scale, SILENCE_DB at least. */
export function levelDb(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  if (samples.length === 0 || sum === 0) return SILENCE_DB;
  return Math.max(SILENCE_DB, 10 * Math.log10(sum / samples.length));
}

/** 0 up to `floor`, 1 from `full` on; in between it grows faster towards the top, so that syllables stand out. */
export function heightOf(db: number, floor: number, full: number): number {
  return Math.min(1, Math.max(0, (db - floor) / (full - floor))) ** 1.9;
}

const QUIETEST = -75;
const LOUDEST_NOISE = -42;
const ABOVE_NOISE_DB = 9;
const RANGE_DB = 42;
const WINDOW = 100; // levels of 20 ms: people pause more often than every two seconds

/**
 * The height of a microphone's level above the noise of its room: the quietest level of the last two to four seconds is
 * the noise, and what stands less than 9 dB above it is silence.
 */
export class RoomMeter {
  private minimum = 0;
  private before = -60;
  private seen = 0;

  get noise(): number {
    return Math.min(LOUDEST_NOISE, Math.max(QUIETEST, Math.min(this.before, this.minimum)));
  }

  height(db: number): number {
    this.minimum = Math.min(this.minimum, db);
    if (++this.seen === WINDOW) {
      this.before = this.minimum;
      this.minimum = 0;
      this.seen = 0;
    }
    const floor = Math.max(this.noise + ABOVE_NOISE_DB, -58);
    return heightOf(db, floor, Math.min(-10, floor + RANGE_DB));
  }
}

/** The height of the agent's level: digital silence lies between the words, so the scale is fixed. */
export function agentHeight(db: number): number {
  return heightOf(db, -56, -11);
}
