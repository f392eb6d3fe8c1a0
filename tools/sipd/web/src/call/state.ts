// The life of the demo page: which of its faces is shown, and what may happen next. No DOM, no network: what happened
// goes in, the next state comes out.
import type { MicrophoneProblem } from '../audio/microphone_problem.js';

export const VOICES = ['Sophia', 'Emma', 'Alex'] as const;

export type Failure =
  | `microphone-${MicrophoneProblem}`
  | 'unreachable' // talky-sipd does not answer
  | 'full' // it takes no more calls
  | 'refused'
  | 'forbidden' // the token may only look
  | 'lost'; // the connection broke in the call

export interface Ending {
  cause: string;
  by: string;
  reason: string;
  /** The SIP status of a call that was not taken, else 0. */
  status: number;
  seconds: number;
}

export type State =
  | { name: 'browse'; voice: number }
  | { name: 'chosen'; voice: number }
  | { name: 'asking'; voice: number }
  | { name: 'calling'; voice: number; id?: string }
  | { name: 'talking'; voice: number; id: string; since: number; muted: boolean; held: boolean }
  | { name: 'over'; voice: number; id: string; ending: Ending }
  | { name: 'failed'; voice: number; why: Failure; detail: string; id?: string };

export type Event =
  | { type: 'show'; voice: number }
  | { type: 'choose' }
  | { type: 'back' }
  | { type: 'start' }
  | { type: 'granted' }
  | { type: 'no-microphone'; problem: MicrophoneProblem }
  | { type: 'ringing'; id: string }
  | { type: 'answered'; id: string; now: number }
  | { type: 'mute'; muted: boolean }
  | { type: 'hold'; held: boolean }
  | { type: 'ended'; ending: Ending }
  | { type: 'broken'; why: Exclude<Failure, `microphone-${MicrophoneProblem}`>; detail: string };

export const isCall = (state: State): boolean =>
  state.name === 'asking' || state.name === 'calling' || state.name === 'talking';

function fail(state: State, why: Failure, detail: string): State {
  const id = 'id' in state ? state.id : undefined;
  return id === undefined
    ? { name: 'failed', voice: state.voice, why, detail }
    : { name: 'failed', voice: state.voice, why, detail, id };
}

/** What does not fit the state changes nothing: the same object comes back. */
export function next(state: State, event: Event): State {
  switch (event.type) {
    case 'show':
      return state.name === 'browse' && event.voice !== state.voice ? { name: 'browse', voice: event.voice } : state;
    case 'choose':
      return state.name === 'browse' ? { name: 'chosen', voice: state.voice } : state;
    case 'back':
      return isCall(state) || state.name === 'browse' ? state : { name: 'browse', voice: state.voice };
    case 'start':
      return state.name === 'chosen' || state.name === 'over' || state.name === 'failed'
        ? { name: 'asking', voice: state.voice }
        : state;
    case 'granted':
      return state.name === 'asking' ? { name: 'calling', voice: state.voice } : state;
    case 'no-microphone':
      return isCall(state) ? fail(state, `microphone-${event.problem}`, '') : state;
    case 'ringing':
      return state.name === 'calling' ? { name: 'calling', voice: state.voice, id: event.id } : state;
    case 'answered':
      if (state.name !== 'calling') return state;
      return { name: 'talking', voice: state.voice, id: event.id, since: event.now, muted: false, held: false };
    case 'mute':
      return state.name === 'talking' && state.muted !== event.muted ? { ...state, muted: event.muted } : state;
    case 'hold':
      return state.name === 'talking' && state.held !== event.held ? { ...state, held: event.held } : state;
    case 'ended':
      return ended(state, event.ending);
    case 'broken':
      return isCall(state) ? fail(state, event.why, event.detail) : state;
  }
}

function ended(state: State, ending: Ending): State {
  if (state.name === 'talking') {
    return ending.cause === 'lost' && ending.by !== 'caller'
      ? fail(state, 'lost', ending.reason)
      : { name: 'over', voice: state.voice, id: state.id, ending };
  }
  if (state.name === 'calling') {
    if (ending.by === 'caller') return { name: 'chosen', voice: state.voice };
    return fail(state, ending.status === 503 ? 'full' : 'refused', ending.reason);
  }
  return state.name === 'asking' ? { name: 'chosen', voice: state.voice } : state;
}
