// The shape of a recording, while it is being downloaded: the loudest sample of each piece of each channel.

export interface WavFormat {
  channels: number;
  rate: number;
  /** Where the samples begin. */
  offset: number;
}

/** undefined: more bytes are needed. Throws where it is no PCM of 16 bits. */
export function parseWavHeader(bytes: Uint8Array): WavFormat | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tag = (at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));
  if (bytes.length < 12) return undefined;
  if (tag(0) !== 'RIFF' || tag(8) !== 'WAVE') throw new Error('not a WAV file');
  let at = 12;
  let format: { channels: number; rate: number } | undefined;
  while (at + 8 <= bytes.length) {
    const size = view.getUint32(at + 4, true);
    if (tag(at) === 'data') {
      if (!format) throw new Error('a WAV file without format');
      return { ...format, offset: at + 8 };
    }
    if (tag(at) === 'fmt ') {
      if (at + 24 > bytes.length) return undefined;
      if (view.getUint16(at + 22, true) !== 16) throw new Error('not 16 bits a sample');
      format = { channels: view.getUint16(at + 10, true), rate: view.getUint32(at + 12, true) };
      if (format.channels < 1 || format.rate < 1) throw new Error('not a sound');
    }
    at += 8 + size + (size % 2);
  }
  return undefined;
}

const MOST_HEADER = 65536;

export class WavShape {
  format: WavFormat | undefined;
  /** For each channel, the loudest sample (0 to 1) of each piece. */
  readonly peaks: number[][] = [];
  frames = 0;
  private head = new Uint8Array(0);
  private rest = new Uint8Array(0);

  constructor(private readonly piecesPerSecond = 50) {}

  get seconds(): number {
    return this.format ? this.frames / this.format.rate : 0;
  }

  push(bytes: Uint8Array): void {
    if (this.format) {
      this.samples(bytes, this.format);
      return;
    }
    const joined = new Uint8Array(this.head.length + bytes.length);
    joined.set(this.head);
    joined.set(bytes, this.head.length);
    const format = parseWavHeader(joined);
    if (!format) {
      if (joined.length > MOST_HEADER) throw new Error('a WAV file without samples');
      this.head = joined;
      return;
    }
    this.format = format;
    for (let i = 0; i < format.channels; i++) this.peaks.push([]);
    this.samples(joined.subarray(format.offset), format);
  }

  private samples(bytes: Uint8Array, format: WavFormat): void {
    let data = bytes;
    if (this.rest.length > 0) {
      data = new Uint8Array(this.rest.length + bytes.length);
      data.set(this.rest);
      data.set(bytes, this.rest.length);
    }
    const size = 2 * format.channels;
    const frames = Math.floor(data.length / size);
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    const perPiece = Math.max(1, Math.round(format.rate / this.piecesPerSecond));
    for (let i = 0; i < frames; i++) {
      const piece = Math.floor((this.frames + i) / perPiece);
      for (let channel = 0; channel < format.channels; channel++) {
        const peaks = this.peaks[channel]!;
        const level = Math.abs(view.getInt16(i * size + 2 * channel, true)) / 32768;
        if (level > (peaks[piece] ?? -1)) peaks[piece] = level;
      }
    }
    this.frames += frames;
    this.rest = data.slice(frames * size);
  }
}

/** As many bars as there is room for; each is the loudest of what it stands for. */
export function condense(peaks: readonly number[], bars: number): number[] {
  if (bars <= 0) return [];
  const result = new Array<number>(bars).fill(0);
  for (let i = 0; i < bars; i++) {
    const begin = Math.floor((i * peaks.length) / bars);
    const end = Math.max(begin + 1, Math.floor(((i + 1) * peaks.length) / bars));
    for (let j = begin; j < end && j < peaks.length; j++) result[i] = Math.max(result[i]!, peaks[j]!);
  }
  return result;
}
