// What the page takes from the journal of a call (talky-journal(5)): the milliseconds of each turn, and the sentences
// as they were meant, of which the transcript has only what was heard.
import { markHeard, type Word } from '../call/transcript.js';
import type { Stages } from '../call/protocol.js';
import type { Utterance } from './records.js';

export interface JournalTurn {
  turn: number;
  atMs: number;
  stages: Stages;
  response: number;
}

export interface Journal {
  turns: JournalTurn[];
  sentences: string[];
}

const PER_MS = 16; // positions in the journal are samples at 16 kHz
const MOST_APART_MS = 1500;

export function parseJournal(text: string): Journal {
  const journal: Journal = { turns: [], sentences: [] };
  for (const line of text.split('\n')) {
    if (line === '') continue;
    let entry: Record<string, unknown>;
    try {
      entry = JSON.parse(line) as Record<string, unknown>;
    } catch {
      continue; // the last line of a call that is up, or of one that was killed, may be half
    }
    const ms = (name: string): number => (typeof entry[name] === 'number' ? (entry[name] as number) / PER_MS : 0);
    if (entry['type'] === 'latency' && typeof entry['turn'] === 'number' && entry['turn'] > 0) {
      journal.turns.push({
        turn: entry['turn'],
        atMs: ms('at'),
        stages: {
          endpoint: ms('endpoint'),
          stt: ms('stt'),
          dialogue: ms('dialogue'),
          tts: ms('tts'),
          out: ms('out'),
          send: 0,
        },
        response: ms('total'),
      });
    } else if (entry['type'] === 'sentence_start' && typeof entry['text'] === 'string') {
      journal.sentences.push(entry['text']);
    }
  }
  return journal;
}

/** The turn whose answer begins with this utterance of the agent's: the one that is nearest in time. */
export function turnOf(journal: Journal, said: readonly Utterance[], index: number): JournalTurn | undefined {
  for (const turn of journal.turns) {
    let best = -1;
    let distance = MOST_APART_MS;
    said.forEach((one, i) => {
      const apart = Math.abs(one.beginMs - turn.atMs);
      if (one.who === 'agent' && apart < distance) {
        best = i;
        distance = apart;
      }
    });
    if (best === index) return turn;
  }
  return undefined;
}

/** An interrupted utterance with the words that were meant but not heard, as far as the journal knows them. */
export function meant(journal: Journal, utterance: Utterance): Word[] {
  const heard = utterance.text.trim();
  if (!utterance.cut) return markHeard(heard, heard);
  const start = heard.replace(/[\s.…-]+$/, '');
  const whole = journal.sentences.find((sentence) => sentence.startsWith(start) && sentence.length > start.length);
  return markHeard(whole ?? heard, heard);
}
