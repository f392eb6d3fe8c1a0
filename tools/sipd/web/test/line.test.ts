import { describe, expect, it } from 'vitest';
import type { Report } from '../src/audio/messages.js';
import { Line, type FromLine, type Port, type Socket } from '../src/call/line.js';

class FakeSocket {
  readyState = 1;
  bufferedAmount = 0;
  binaryType: BinaryType = 'blob';
  readonly sent: unknown[] = [];
  code: number | undefined;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  send(data: unknown): void {
    this.sent.push(data);
  }
  close(code: number): void {
    this.code = code;
  }
}

class FakePort {
  readonly sent: unknown[] = [];
  onmessage: ((event: { data: unknown }) => void) | null = null;
  postMessage(message: unknown): void {
    this.sent.push(message);
  }
}

function setUp() {
  const socket = new FakeSocket();
  const microphone = new FakePort();
  const speaker = new FakePort();
  const told: FromLine[] = [];
  const line = new Line(
    socket as unknown as Socket,
    microphone as unknown as Port,
    speaker as unknown as Port,
    (message) => told.push(message),
  );
  const frame = (): void => microphone.onmessage?.({ data: new ArrayBuffer(640) });
  const serve = (message: object): void => socket.onmessage?.({ data: JSON.stringify(message) });
  return { socket, speaker, told, line, frame, serve };
}

const ANSWERED = { type: 'call', id: '1', state: 'answered' };

describe('the line', () => {
  it('sends the microphone from the answer on, and leaves the newest out where the connection stalls', () => {
    const { socket, frame, serve, told } = setUp();
    socket.onopen?.();
    frame();
    serve({ type: 'call', id: '1', state: 'ringing' });
    frame();
    expect(socket.sent).toHaveLength(0);
    serve(ANSWERED);
    frame();
    expect(socket.sent).toHaveLength(1);
    socket.bufferedAmount = 40000;
    frame();
    socket.bufferedAmount = 0;
    frame();
    expect(socket.sent).toHaveLength(2);
    serve({ type: 'hold', held: true });
    expect(told[told.length - 1]).toMatchObject({ sent: 2, leftOut: 1 });
  });

  it('sends nothing of the microphone after the goodbye', () => {
    const { socket, line, frame, serve } = setUp();
    serve(ANSWERED);
    frame();
    line.say({ type: 'hangup' });
    frame();
    expect(socket.sent).toHaveLength(2);
  });

  it('hands sound and clear to the loudspeaker in the order in which they came, without the page', () => {
    const { socket, speaker, serve, told } = setUp();
    serve(ANSWERED);
    const pcm = new Int16Array([0, 16384, -32768]).buffer;
    socket.onmessage?.({ data: pcm });
    serve({ type: 'clear' });
    socket.onmessage?.({ data: pcm });
    expect(speaker.sent.map((message) => (message as { type: string }).type)).toEqual(['pcm', 'clear', 'pcm']);
    expect((speaker.sent[0] as { samples: Float32Array }).samples).toEqual(new Float32Array([0, 0.5, -1]));
    // The page is told of the clear, for its captions, and of no sound.
    expect(told.map((one) => one.type === 'message' && one.message.type)).toEqual(['call', 'clear']);
  });

  it('passes on what was heard; what was left out is a figure of its own', () => {
    const { socket, speaker } = setUp();
    const say = (report: Report): void => speaker.onmessage?.({ data: report });
    say({ type: 'played', samples: 1600, skipped: 0 });
    say({ type: 'cleared', samples: 1600, skipped: 320 });
    expect(socket.sent.map((text) => JSON.parse(text as string))).toEqual([
      { type: 'played', samples: 1600 },
      { type: 'cleared', samples: 1600, skipped: 320 },
    ]);
  });

  it('is over with the end, and says once that it broke', () => {
    const ended = setUp();
    ended.serve(ANSWERED);
    ended.serve({ type: 'end', cause: 'hangup', by: 'agent', reason: '', status: 200, seconds: 1 });
    expect(ended.socket.code).toBe(1000);
    ended.socket.onclose?.();
    expect(ended.told.filter((one) => one.type === 'closed')).toHaveLength(0);
    ended.serve({ type: 'clear' });
    expect(ended.speaker.sent).toHaveLength(0);

    const broken = setUp();
    broken.socket.onopen?.();
    broken.socket.onclose?.();
    broken.socket.onclose?.();
    expect(broken.told).toEqual([{ type: 'closed', opened: true }]);

    const refused = setUp();
    refused.socket.onclose?.();
    expect(refused.told).toEqual([{ type: 'closed', opened: false }]);
  });

  it('drops what is no message, and says nothing into a connection that is not open', () => {
    const { socket, told, line, frame, serve } = setUp();
    socket.onmessage?.({ data: 'no JSON' });
    serve({ type: 'of a later version' });
    expect(told).toHaveLength(0);
    serve(ANSWERED);
    socket.readyState = 2;
    frame();
    line.say({ type: 'hangup' });
    expect(socket.sent).toHaveLength(0);
  });
});
