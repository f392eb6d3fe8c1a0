// The text messages of /api/v1/web/call. What does not have the form that is written down is refused as a whole; types
// that this page does not know are left alone, so that a newer talky-sipd can serve it.

export type Side = 'caller' | 'agent';

export interface Stages {
  endpoint: number;
  stt: number;
  dialogue: number;
  tts: number;
  out: number;
  /** talky-sipd's own part; older ones do not tell it. */
  send: number;
}

export type FromServer =
  | { type: 'call'; id: string; state: 'ringing' | 'answered' }
  | { type: 'hold'; held: boolean }
  | { type: 'speech'; active: boolean }
  | { type: 'caption'; side: 'caller'; turn: number; text: string; final: boolean }
  | { type: 'caption'; side: 'agent'; turn: number; sentence: number; text: string }
  | { type: 'heard'; turn: number; sentence: number; text: string; whole: boolean }
  | { type: 'clear' }
  | { type: 'turn'; turn: number; stages: Stages; response: number }
  | { type: 'dropped'; samples: number }
  | { type: 'end'; cause: string; by: string; reason: string; status: number; seconds: number };

export type ToServer =
  | { type: 'hangup' }
  | { type: 'dtmf'; digit: string }
  /** Totals of the agent's samples: heard, and left out by the playout buffer to catch up. */
  | { type: 'played' | 'cleared'; samples: number; skipped?: number };

type Members = Record<string, unknown>;

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const isText = (value: unknown): value is string => typeof value === 'string';

function stagesOf(value: unknown): Stages | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { endpoint, stt, dialogue, tts, out, send = 0 } = value as Members;
  if (!isTime(endpoint) || !isTime(stt) || !isTime(dialogue) || !isTime(tts)) return undefined;
  if (!isTime(out) || !isTime(send)) return undefined;
  return { endpoint, stt, dialogue, tts, out, send };
}

function captionOf(m: Members): FromServer | undefined {
  const { side, turn, sentence, text } = m;
  if (!isCount(turn) || !isText(text)) return undefined;
  if (side === 'caller') return { type: 'caption', side, turn, text, final: m['final'] !== false };
  if (side === 'agent' && isCount(sentence)) return { type: 'caption', side, turn, sentence, text };
  return undefined;
}

/** undefined: not a message, or one of a type that is not known here. */
export function parseMessage(text: string): FromServer | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const m = value as Members;
  switch (m['type']) {
    case 'call': {
      const { id, state } = m;
      return isText(id) && (state === 'ringing' || state === 'answered') ? { type: 'call', id, state } : undefined;
    }
    case 'hold':
      return typeof m['held'] === 'boolean' ? { type: 'hold', held: m['held'] } : undefined;
    case 'speech':
      return typeof m['active'] === 'boolean' ? { type: 'speech', active: m['active'] } : undefined;
    case 'caption':
      return captionOf(m);
    case 'heard': {
      const { turn, sentence, text: heard, whole } = m;
      if (!isCount(turn) || !isCount(sentence) || !isText(heard) || typeof whole !== 'boolean') return undefined;
      return { type: 'heard', turn, sentence, text: heard, whole };
    }
    case 'clear':
      return { type: 'clear' };
    case 'turn': {
      const stages = stagesOf(m['stages']);
      const { turn, response } = m;
      return isCount(turn) && isTime(response) && stages ? { type: 'turn', turn, stages, response } : undefined;
    }
    case 'dropped':
      return isCount(m['samples']) ? { type: 'dropped', samples: m['samples'] } : undefined;
    case 'end': {
      const { cause, by, reason, status, seconds } = m;
      return {
        type: 'end',
        cause: isText(cause) ? cause : 'lost',
        by: isText(by) ? by : 'system',
        reason: isText(reason) ? reason : '',
        status: isCount(status) ? status : 0,
        seconds: isTime(seconds) ? seconds : 0,
      };
    }
    default:
      return undefined;
  }
}
