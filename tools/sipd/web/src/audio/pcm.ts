// PCM as it travels between the page and talky-sipd: signed 16 bit little-endian, mono, 16 kHz, 20 ms a message.

export const WIRE_RATE = 16000;
export const FRAME_SAMPLES = 320;

/** Full scale is 1; what is beyond it is clipped. */
export function toInt16(sample: number): number {
  const scaled = Math.round(sample * 32768);
  return scaled > 32767 ? 32767 : scaled < -32768 ? -32768 : scaled;
}

/** Samples of a message; an odd last byte, which talky-sipd never sends, is left out. */
export function fromWire(bytes: ArrayBuffer): Float32Array {
  const view = new DataView(bytes);
  const samples = new Float32Array(bytes.byteLength >> 1);
  for (let i = 0; i < samples.length; i++) samples[i] = view.getInt16(2 * i, true) / 32768;
  return samples;
}

export function toWire(samples: Float32Array): ArrayBuffer {
  const bytes = new ArrayBuffer(2 * samples.length);
  const view = new DataView(bytes);
  for (let i = 0; i < samples.length; i++) view.setInt16(2 * i, toInt16(samples[i] ?? 0), true);
  return bytes;
}

/** Cuts a stream into frames of one size; what is left waits for the next samples. */
export class Framer {
  private readonly frame: Float32Array;
  private filled = 0;

  constructor(readonly size: number = FRAME_SAMPLES) {
    this.frame = new Float32Array(size);
  }

  /** `take` must be done with the frame when it returns: its memory is used again. */
  push(samples: Float32Array, take: (frame: Float32Array) => void): void {
    let at = 0;
    while (at < samples.length) {
      const count = Math.min(this.size - this.filled, samples.length - at);
      this.frame.set(samples.subarray(at, at + count), this.filled);
      this.filled += count;
      at += count;
      if (this.filled === this.size) {
        this.filled = 0;
        take(this.frame);
      }
    }
  }
}
