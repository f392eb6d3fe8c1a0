// What went wrong, and what to do about it.
import type { Failure } from '../call/state.js';

interface Explanation {
  title: string;
  text: string;
}

const TEXTS: Record<Failure, Explanation> = {
  'microphone-denied': {
    title: 'The microphone is blocked',
    text: 'Allow it for this page: the sign beside the address opens the permissions. Then try again.',
  },
  'microphone-none': {
    title: 'There is no microphone',
    text: 'Plug one in, or a headset, and try again.',
  },
  'microphone-busy': {
    title: 'The microphone is in use',
    text: 'Another program holds it. Close that one and try again.',
  },
  'microphone-insecure': {
    title: 'This address is not safe enough',
    text: 'Browsers give the microphone only to pages on localhost or behind https. Open the page as http://localhost.',
  },
  'microphone-unsupported': {
    title: 'This browser cannot carry the call',
    text: 'It has no AudioWorklet or no microphone access. A current Firefox, Chrome, Edge or Safari can.',
  },
  'microphone-gone': {
    title: 'The microphone went away',
    text: 'It was unplugged or switched off in the call. Plug it in and call again.',
  },
  unreachable: {
    title: 'talky-sipd does not answer',
    text: 'Is it still running? Start it with scripts/run, then try again.',
  },
  full: {
    title: 'All lines are taken',
    text: 'talky-sipd takes no further call right now. Try again in a moment.',
  },
  refused: {
    title: 'The call was not taken',
    text: 'The agent behind this number did not answer. The log of talky-sipd says why.',
  },
  forbidden: {
    title: 'This token may only look',
    text: 'A call needs a token with the role operate; this one has the role read.',
  },
  lost: {
    title: 'The connection was lost',
    text: 'talky-sipd or the network went away in the middle of the call. What was said until then is below.',
  },
};

export function explain(why: Failure, detail: string): Explanation {
  const { title, text } = TEXTS[why];
  return { title, text: detail ? `${text} (${detail})` : text };
}

const CAUSES: Record<string, string> = {
  caller: 'You hung up.',
  agent: 'The agent hung up.',
  system: 'The call was ended by talky-sipd.',
};

export const endingText = (by: string): string => CAUSES[by] ?? 'The call has ended.';
