// The microphone, on the audio thread: any rate and number of channels in, frames of 20 ms at 16 kHz out.
import { levelDb } from './level.js';
import type { CaptureLevel, Joined } from './messages.js';
import { Framer, toWire, WIRE_RATE } from './pcm.js';
import { Resampler } from './resampler.js';

class Capture extends AudioWorkletProcessor {
  private readonly resampler = new Resampler(sampleRate, WIRE_RATE);
  private readonly framer = new Framer();
  private line: MessagePort | undefined;

  constructor() {
    super();
    this.port.onmessage = (event: MessageEvent<Joined>) => (this.line = event.data.port);
  }

  process(inputs: Float32Array[][]): boolean {
    const channels = inputs[0];
    const first = channels?.[0];
    if (!channels || !first) return true;
    let mono = first;
    if (channels.length > 1) {
      mono = first.map((_, i) => channels.reduce((sum, channel) => sum + (channel[i] ?? 0), 0) / channels.length);
    }
    this.framer.push(this.resampler.process(mono), (frame) => {
      const pcm = toWire(frame);
      this.line?.postMessage(pcm, [pcm]);
      const level: CaptureLevel = { db: levelDb(frame) };
      this.port.postMessage(level);
    });
    return true;
  }
}

registerProcessor('talky-capture', Capture);
