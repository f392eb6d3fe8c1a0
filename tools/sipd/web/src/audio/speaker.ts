// The loudspeaker of a call: takes the agent's messages, tells what was heard of them.
import type { FromPlayout, ToPlayout } from './messages.js';
import { fromWire } from './pcm.js';
import { PlayedReporter } from './played_reporter.js';
import playoutUrl from './playout.worklet.ts?worker&url';
import type { PlayoutState } from './playout_buffer.js';

export interface SpeakerEvents {
  played(samples: number): void;
  cleared(samples: number): void;
  /** 20 ms were rendered, this loud. */
  frame(db: number, state: PlayoutState): void;
}

export class Speaker {
  private readonly reporter = new PlayedReporter();

  private constructor(
    private readonly context: AudioContext,
    private readonly node: AudioWorkletNode,
    private readonly events: SpeakerEvents,
  ) {
    node.port.onmessage = (event: MessageEvent<FromPlayout>) => this.receive(event.data);
  }

  static async open(context: AudioContext, events: SpeakerEvents): Promise<Speaker> {
    await context.audioWorklet.addModule(playoutUrl);
    const node = new AudioWorkletNode(context, 'talky-playout', { numberOfInputs: 0, outputChannelCount: [1] });
    node.connect(context.destination);
    return new Speaker(context, node, events);
  }

  push(pcm: ArrayBuffer): void {
    const samples = fromWire(pcm);
    this.tell({ type: 'pcm', samples }, [samples.buffer]);
  }

  clear(): void {
    this.tell({ type: 'clear' }, []);
  }

  close(): void {
    this.node.port.onmessage = null;
    this.node.disconnect();
  }

  private receive(message: FromPlayout): void {
    if (message.type === 'cleared') {
      this.reporter.cleared(message.played);
      this.events.cleared(message.played);
      return;
    }
    this.reporter.note(message.at, message.state.played);
    const latency = this.context.outputLatency || this.context.baseLatency || 0;
    const heard = this.reporter.due(this.context.currentTime, latency, message.state.depthMs === 0);
    if (heard !== undefined) this.events.played(heard);
    this.events.frame(message.db, message.state);
  }

  private tell(message: ToPlayout, transfer: Transferable[]): void {
    this.node.port.postMessage(message, transfer);
  }
}
