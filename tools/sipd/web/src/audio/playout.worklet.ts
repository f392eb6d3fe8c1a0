// The loudspeaker, on the audio thread: plays what the line hands over and tells it what was heard; the page learns 50
// times a second how loud that was.
import { levelDb } from './level.js';
import type { Joined, Latency, PlayoutLevel, Report, ToPlayout } from './messages.js';
import { Framer } from './pcm.js';
import { PlayedReporter } from './played_reporter.js';
import { PlayoutBuffer } from './playout_buffer.js';

class Playout extends AudioWorkletProcessor {
  private readonly buffer = new PlayoutBuffer(sampleRate);
  private readonly meter = new Framer(Math.round(sampleRate / 50));
  private readonly reporter = new PlayedReporter();
  private line: MessagePort | undefined;
  private latency = 0;

  constructor() {
    super();
    this.port.onmessage = (event: MessageEvent<Joined | Latency>) => {
      if (event.data.type === 'latency') this.latency = event.data.seconds;
      else this.join(event.data.port);
    };
  }

  process(_inputs: Float32Array[][], outputs: Float32Array[][]): boolean {
    const channels = outputs[0];
    const first = channels?.[0];
    if (!channels || !first) return true;
    this.buffer.render(first);
    for (const channel of channels) if (channel !== first) channel.set(first);
    this.meter.push(first, (frame) => this.rendered(levelDb(frame)));
    return true;
  }

  private join(line: MessagePort): void {
    this.line = line;
    line.onmessage = (event: MessageEvent<ToPlayout>) => {
      if (event.data.type === 'pcm') {
        this.buffer.push(event.data.samples);
      } else {
        const heard = this.buffer.clear();
        this.reporter.cleared(heard);
        this.report('cleared', heard);
      }
    };
  }

  private rendered(db: number): void {
    const { state } = this.buffer;
    this.reporter.note(currentTime, state);
    const heard = this.reporter.due(currentTime, this.latency, state.depthMs === 0);
    if (heard) this.report('played', heard);
    const level: PlayoutLevel = { at: currentTime, db, state };
    this.port.postMessage(level);
  }

  private report(type: Report['type'], { played, skipped }: { played: number; skipped: number }): void {
    const report: Report = { type, samples: played, skipped };
    this.line?.postMessage(report);
  }
}

registerProcessor('talky-playout', Playout);
