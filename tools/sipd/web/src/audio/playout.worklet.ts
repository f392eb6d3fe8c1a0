// The loudspeaker, on the audio thread: plays what the page hands over, and tells 50 times a second what it played.
import { levelDb } from './level.js';
import type { FromPlayout, ToPlayout } from './messages.js';
import { Framer } from './pcm.js';
import { PlayoutBuffer } from './playout_buffer.js';

class Playout extends AudioWorkletProcessor {
  private readonly buffer = new PlayoutBuffer(sampleRate);
  private readonly meter = new Framer(Math.round(sampleRate / 50));

  constructor() {
    super();
    this.port.onmessage = (event: MessageEvent<ToPlayout>) => {
      if (event.data.type === 'pcm') {
        this.buffer.push(event.data.samples);
      } else {
        this.tell({ type: 'cleared', played: this.buffer.clear() });
      }
    };
  }

  process(_inputs: Float32Array[][], outputs: Float32Array[][]): boolean {
    const channels = outputs[0];
    const first = channels?.[0];
    if (!channels || !first) return true;
    this.buffer.render(first);
    for (const channel of channels) if (channel !== first) channel.set(first);
    this.meter.push(first, (frame) => {
      this.tell({ type: 'frame', at: currentTime, db: levelDb(frame), state: this.buffer.state });
    });
    return true;
  }

  private tell(message: FromPlayout): void {
    this.port.postMessage(message);
  }
}

registerProcessor('talky-playout', Playout);
