// Where the milliseconds between the caller's last word and the agent's first went.
import type { Stages } from './protocol.js';

export interface Step {
  stage: keyof Stages;
  label: string;
  explanation: string;
  ms: number;
  /** Shares of the whole, 0 to 1. */
  begin: number;
  width: number;
}

const STAGES: readonly { stage: keyof Stages; label: string; explanation: string }[] = [
  { stage: 'endpoint', label: 'Listen', explanation: 'until it was clear that you had finished' },
  { stage: 'stt', label: 'Recognise', explanation: 'speech to text' },
  { stage: 'dialogue', label: 'Think', explanation: 'finding an answer' },
  { stage: 'tts', label: 'Speak', explanation: 'text to speech' },
  { stage: 'out', label: 'Hand over', explanation: 'until the agent sent the first sample' },
  { stage: 'send', label: 'Send', explanation: 'until talky-sipd sent it on' },
];

/** One step after the other; they need not add up to `response`, what is left over is nobody's. */
export function waterfall(stages: Stages, response: number): Step[] {
  const sum = STAGES.reduce((total, { stage }) => total + Math.max(0, stages[stage]), 0);
  const whole = Math.max(response, sum);
  let at = 0;
  return STAGES.map(({ stage, label, explanation }) => {
    const ms = Math.max(0, stages[stage]);
    const step: Step = {
      stage,
      label,
      explanation,
      ms,
      begin: whole > 0 ? at / whole : 0,
      width: whole > 0 ? ms / whole : 0,
    };
    at += ms;
    return step;
  });
}

/** The middle one; of an even number the mean of the two. undefined of none. */
export function median(values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
