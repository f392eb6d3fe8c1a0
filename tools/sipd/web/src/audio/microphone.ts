// The microphone of a call: asks for it, and leads its frames to the line.
import captureUrl from './capture.worklet.ts?worker&url';
import type { CaptureLevel, Joined } from './messages.js';
import type { MicrophoneProblem } from './microphone_problem.js';

export class MicrophoneError extends Error {
  constructor(readonly problem: MicrophoneProblem) {
    super(problem);
  }
}

function problemOf(error: unknown): MicrophoneProblem {
  switch (error instanceof DOMException ? error.name : '') {
    case 'NotAllowedError':
    case 'SecurityError':
      return 'denied';
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'none';
    case 'NotReadableError':
    case 'AbortError':
      return 'busy';
    default:
      return 'unsupported';
  }
}

/** Whether the browser takes what its loudspeaker plays out of the microphone's sound: what was asked for need not be had. */
export function cancelsEcho(stream: MediaStream): boolean {
  return stream.getAudioTracks()[0]?.getSettings().echoCancellation === true;
}

export class Microphone {
  private constructor(
    private readonly stream: MediaStream,
    private readonly source: MediaStreamAudioSourceNode,
    private readonly node: AudioWorkletNode,
  ) {}

  /** The user's answer to the browser's question; rejects with a MicrophoneError. */
  static async ask(): Promise<MediaStream> {
    if (!window.isSecureContext) throw new MicrophoneError('insecure');
    if (!('mediaDevices' in navigator) || !('AudioWorkletNode' in window)) throw new MicrophoneError('unsupported');
    try {
      return await navigator.mediaDevices.getUserMedia({
        audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 },
      });
    } catch (error) {
      throw new MicrophoneError(problemOf(error));
    }
  }

  /** `line` takes the frames, `level` is told how loud each is; `lost` comes once if the device goes away. */
  static async open(
    context: AudioContext,
    stream: MediaStream,
    line: MessagePort,
    level: (db: number) => void,
    lost: () => void,
  ): Promise<Microphone> {
    await context.audioWorklet.addModule(captureUrl);
    const source = context.createMediaStreamSource(stream);
    const node = new AudioWorkletNode(context, 'talky-capture', { numberOfOutputs: 1, outputChannelCount: [1] });
    node.port.onmessage = (event: MessageEvent<CaptureLevel>) => level(event.data.db);
    const joined: Joined = { type: 'line', port: line };
    node.port.postMessage(joined, [line]);
    source.connect(node);
    node.connect(context.destination); // it writes nothing there; some browsers run only what leads somewhere
    stream.getAudioTracks()[0]?.addEventListener('ended', lost, { once: true });
    return new Microphone(stream, source, node);
  }

  /** Muted, the frames go on and hold silence. */
  mute(muted: boolean): void {
    for (const track of this.stream.getAudioTracks()) track.enabled = !muted;
  }

  close(): void {
    this.node.port.onmessage = null;
    this.source.disconnect();
    this.node.disconnect();
    for (const track of this.stream.getTracks()) track.stop();
  }
}
