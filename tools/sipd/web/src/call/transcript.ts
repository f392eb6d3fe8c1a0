// Who said what in a call, and how much of it was heard.
import type { FromServer, Stages } from './protocol.js';

export interface Word {
  text: string;
  /** Only of the agent: false once it is known that the caller did not hear it. */
  heard: boolean;
}

export interface Sentence {
  sentence: number;
  text: string;
  words: Word[];
  /** speaking: not known yet what was heard of it; cut: interrupted. */
  state: 'speaking' | 'whole' | 'cut';
}

export type Line =
  | { side: 'caller'; key: string; turn: number; text: string }
  | { side: 'agent'; key: string; turn: number; sentences: Sentence[]; latency?: TurnLatency };

export interface TurnLatency {
  turn: number;
  stages: Stages;
  response: number;
}

/** Letters and digits only, so that "nine." is the same word as "nine". */
const bare = (word: string): string => word.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');

const split = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');

/**
 * The words of `text`, of which `heard` is the beginning. Where a word stands otherwise in it (numbers written out, a
 * word cut in the middle), the length of what was heard decides.
 */
export function markHeard(text: string, heard: string): Word[] {
  const words = split(text);
  const known = split(heard);
  let count = 0;
  while (count < known.length && count < words.length && bare(words[count]!) === bare(known[count]!)) count++;
  if (count < known.length) count = Math.min(known.length, words.length);
  return words.map((word, i) => ({ text: word, heard: i < count }));
}

export class Transcript {
  private lines_: Line[] = [];
  private opened = 0;
  private readonly early = new Map<number, TurnLatency>();

  get lines(): readonly Line[] {
    return this.lines_;
  }

  /** The agent's latest response time, in ms. */
  get responses(): number[] {
    return this.lines_.flatMap((line) => (line.side === 'agent' && line.latency ? [line.latency.response] : []));
  }

  /** True if something changed. */
  receive(message: FromServer): boolean {
    switch (message.type) {
      case 'caption':
        return message.side === 'caller' ? this.caller(message) : this.agent(message);
      case 'heard':
        return this.heard(message.turn, message.sentence, message.text, message.whole);
      case 'turn':
        return this.latency({ turn: message.turn, stages: message.stages, response: message.response });
      default:
        return false;
    }
  }

  private caller(message: { turn: number; text: string }): boolean {
    const at = this.lines_.findIndex((line) => line.side === 'caller' && line.turn === message.turn);
    if (message.text.trim() === '') {
      if (at < 0) return false;
      this.lines_.splice(at, 1);
      return true;
    }
    if (at < 0) {
      this.lines_.push({ side: 'caller', key: `c${++this.opened}`, turn: message.turn, text: message.text });
    } else {
      const line = this.lines_[at]!;
      if (line.side === 'caller') line.text = message.text;
    }
    return true;
  }

  private agent(message: { turn: number; sentence: number; text: string }): boolean {
    const words = split(message.text).map((text) => ({ text, heard: true }));
    const sentence: Sentence = { sentence: message.sentence, text: message.text, words, state: 'speaking' };
    const last = this.lines_[this.lines_.length - 1];
    if (last?.side === 'agent' && last.turn === message.turn) {
      const at = last.sentences.findIndex((other) => other.sentence === message.sentence && other.state === 'speaking');
      if (at >= 0) last.sentences[at] = sentence;
      else last.sentences.push(sentence);
      return true;
    }
    const line: Line = { side: 'agent', key: `a${++this.opened}`, turn: message.turn, sentences: [sentence] };
    const latency = this.early.get(message.turn);
    if (latency) {
      line.latency = latency;
      this.early.delete(message.turn);
    }
    this.lines_.push(line);
    return true;
  }

  private heard(turn: number, number: number, text: string, whole: boolean): boolean {
    for (let i = this.lines_.length - 1; i >= 0; i--) {
      const line = this.lines_[i]!;
      if (line.side !== 'agent' || line.turn !== turn) continue;
      const sentence = line.sentences.find((one) => one.sentence === number);
      if (!sentence) continue;
      sentence.state = whole ? 'whole' : 'cut';
      sentence.words = whole ? sentence.words.map((w) => ({ ...w, heard: true })) : markHeard(sentence.text, text);
      return true;
    }
    return false;
  }

  // A turn's figures may come before the first sentence of its answer does. Turn 0, the greeting, answers nobody.
  private latency(latency: TurnLatency): boolean {
    if (latency.turn === 0) return false;
    for (let i = this.lines_.length - 1; i >= 0; i--) {
      const line = this.lines_[i]!;
      if (line.side === 'agent' && line.turn === latency.turn && !line.latency) {
        line.latency = latency;
        return true;
      }
    }
    this.early.set(latency.turn, latency);
    return false;
  }
}
