// The loudspeaker of a call, as the page sees it: what it plays comes from the line.
import type { Joined, Latency, PlayoutLevel } from './messages.js';
import playoutUrl from './playout.worklet.ts?worker&url';

const NOTABLE_S = 0.001;

export class Speaker {
  private latency = 0;

  private constructor(
    private readonly context: AudioContext,
    private readonly node: AudioWorkletNode,
    private readonly level: (level: PlayoutLevel) => void,
  ) {
    node.port.onmessage = (event: MessageEvent<PlayoutLevel>) => this.receive(event.data);
  }

  /** `line` is the loudspeaker's end of the way to whoever has the sound; `level` comes every 20 ms. */
  static async open(context: AudioContext, line: MessagePort, level: (level: PlayoutLevel) => void): Promise<Speaker> {
    await context.audioWorklet.addModule(playoutUrl);
    const node = new AudioWorkletNode(context, 'talky-playout', { numberOfInputs: 0, outputChannelCount: [1] });
    const joined: Joined = { type: 'line', port: line };
    node.port.postMessage(joined, [line]);
    node.connect(context.destination);
    return new Speaker(context, node, level);
  }

  close(): void {
    this.node.port.onmessage = null;
    this.node.disconnect();
  }

  private receive(level: PlayoutLevel): void {
    // The worklet cannot ask for it, and it changes with the device.
    const seconds = this.context.outputLatency || this.context.baseLatency || 0;
    if (Math.abs(seconds - this.latency) > NOTABLE_S) {
      this.latency = seconds;
      const message: Latency = { type: 'latency', seconds };
      this.node.port.postMessage(message);
    }
    this.level(level);
  }
}
