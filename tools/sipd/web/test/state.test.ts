import { describe, expect, it } from 'vitest';
import { next, type Event, type State } from '../src/call/state.js';

const run = (state: State, ...events: Event[]): State => events.reduce(next, state);
const browse: State = { name: 'browse', voice: 0 };
const ending = { cause: 'hangup', by: 'agent', reason: '', status: 0, seconds: 12 };
const calling: Event[] = [{ type: 'show', voice: 2 }, { type: 'choose' }, { type: 'start' }, { type: 'granted' }];
const talking: Event[] = [...calling, { type: 'ringing', id: 'a' }, { type: 'answered', id: 'a', now: 5 }];

describe('the states of the page', () => {
  it('go from the voices through a call to its end, and on to another one', () => {
    expect(run(browse, ...calling)).toEqual({ name: 'calling', voice: 2 });
    expect(run(browse, ...talking)).toEqual({ name: 'talking', voice: 2, id: 'a', since: 5, muted: false, held: false });
    const over = run(browse, ...talking, { type: 'ended', ending });
    expect(over).toEqual({ name: 'over', voice: 2, id: 'a', ending });
    expect(next(over, { type: 'start' }).name).toBe('asking');
    expect(next(over, { type: 'back' })).toEqual({ name: 'browse', voice: 2 });
  });

  it('keep the voice of a call: two phases', () => {
    const chosen = run(browse, { type: 'choose' });
    expect(next(chosen, { type: 'show', voice: 1 })).toBe(chosen);
    const call = run(browse, ...talking);
    expect(run(call, { type: 'back' }, { type: 'show', voice: 1 }, { type: 'start' })).toBe(call);
  });

  it('tell the ways to fail apart', () => {
    expect(run(browse, { type: 'choose' }, { type: 'start' }, { type: 'no-microphone', problem: 'denied' })).toEqual({
      name: 'failed',
      voice: 0,
      why: 'microphone-denied',
      detail: '',
    });
    const refused = { ...ending, by: 'system', cause: 'rejected', reason: 'busy', status: 486 };
    expect(run(browse, ...calling, { type: 'ended', ending: refused })).toMatchObject({ why: 'refused', detail: 'busy' });
    expect(run(browse, ...calling, { type: 'ended', ending: { ...refused, status: 503 } })).toMatchObject({ why: 'full' });
    expect(run(browse, ...talking, { type: 'broken', why: 'lost', detail: '' })).toMatchObject({ why: 'lost', id: 'a' });
    expect(run(browse, ...calling, { type: 'broken', why: 'unreachable', detail: '' })).toMatchObject({ why: 'unreachable' });
  });

  it('go back to the chosen voice where the caller gave up before the answer', () => {
    const mine = { ...ending, by: 'caller' };
    expect(run(browse, ...calling, { type: 'ended', ending: mine })).toEqual({ name: 'chosen', voice: 2 });
    expect(run(browse, { type: 'choose' }, { type: 'start' }, { type: 'ended', ending: mine }).name).toBe('chosen');
  });

  it('are the same object where nothing changes', () => {
    const call = run(browse, ...talking);
    for (const event of [
      { type: 'mute', muted: false },
      { type: 'hold', held: false },
      { type: 'granted' },
      { type: 'choose' },
      { type: 'ringing', id: 'b' },
    ] as Event[]) {
      expect(next(call, event)).toBe(call);
    }
    expect(next(call, { type: 'mute', muted: true })).toMatchObject({ muted: true });
  });
});
