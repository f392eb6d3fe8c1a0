// The calls that are up, then those that are over.
import { h } from '../ui/dom.js';
import { milliseconds } from '../ui/waterfall_view.js';
import type { Query } from './api.js';
import { parties } from './parties.js';
import { duration, party, when } from './format.js';
import type { LiveCall, PastCall } from './records.js';

export interface ListEvents {
  choose(id: string): void;
  query(query: Query): void;
  more(): void;
}

const SORTS: readonly [string, string, 'asc' | 'desc'][] = [
  ['Newest first', 'invited', 'desc'],
  ['Oldest first', 'invited', 'asc'],
  ['Longest first', 'duration', 'desc'],
  ['Slowest answers first', 'response', 'desc'],
  ['Worst line first', 'mos', 'asc'],
];
const TYPING_MS = 250;

export class ListView {
  readonly root: HTMLElement;
  private readonly search = h('input', { type: 'search', placeholder: 'Who, what was said …', 'aria-label': 'Search calls' });
  private readonly sort = h('select', { 'aria-label': 'Order of calls' }, ...SORTS.map(([label]) => h('option', {}, label)));
  private readonly answered = h('input', { type: 'checkbox' });
  private readonly now = h('ul', { class: 'rows' });
  private readonly nowPart = h('div', { hidden: true }, h('h2', { class: 'small' }, 'Now'), this.now);
  private readonly past = h('ul', { class: 'rows' });
  private readonly count = h('h2', { class: 'small' }, 'Past calls');
  private readonly nothing = h('p', { class: 'note', role: 'status' });
  private readonly more: HTMLButtonElement;
  private chosen = '';
  private typing: number | undefined;

  constructor(private readonly events: ListEvents) {
    this.more = h('button', { type: 'button', class: 'quiet', hidden: true, onclick: () => events.more() }, 'More');
    this.search.addEventListener('input', () => {
      window.clearTimeout(this.typing);
      this.typing = window.setTimeout(() => this.ask(), TYPING_MS);
    });
    this.sort.addEventListener('change', () => this.ask());
    this.answered.addEventListener('change', () => this.ask());
    this.root = h(
      'div',
      { class: 'list' },
      h('h1', {}, 'Calls'),
      h(
        'div',
        { class: 'filters', role: 'search' },
        this.search,
        this.sort,
        h('label', {}, this.answered, 'Answered only'),
      ),
      this.nowPart,
      h('div', {}, this.count, this.past, this.nothing, this.more),
    );
  }

  get query(): Query {
    const [, sort, order] = SORTS[this.sort.selectedIndex] ?? SORTS[0]!;
    return { text: this.search.value.trim(), sort, order, answered: this.answered.checked };
  }

  showActive(calls: readonly LiveCall[]): void {
    this.nowPart.hidden = calls.length === 0;
    this.update(this.now, calls.map((call) => this.activeRow(call)));
  }

  showPast(calls: readonly PastCall[], total: number | null, more: boolean): void {
    this.count.textContent = total === null ? 'Past calls' : total === 1 ? '1 past call' : `${total} past calls`;
    this.nothing.textContent = calls.length > 0 ? '' : 'No call yet. Make one on the page Talk, or with a softphone.';
    if (calls.length === 0 && (this.query.text || this.query.answered)) this.nothing.textContent = 'No call is like that.';
    this.more.hidden = !more;
    const now = Date.now();
    this.update(this.past, calls.map((call) => this.pastRow(call, now)));
  }

  problem(text: string): void {
    this.nothing.textContent = text;
  }

  choose(id: string): void {
    this.chosen = id;
    for (const row of this.root.querySelectorAll<HTMLElement>('.row')) this.mark(row);
  }

  private ask(): void {
    this.events.query(this.query);
  }

  // Rows that are still the same stay what they are: a keyboard's focus is not lost by a refresh.
  private update(parent: HTMLElement, rows: HTMLElement[]): void {
    const before = new Map([...parent.children].map((row) => [(row as HTMLElement).dataset['key'], row]));
    const next = rows.map((row) => {
      const old = before.get(row.dataset['key']);
      return old && old.textContent === row.textContent ? old : row;
    });
    if (next.length === parent.children.length && next.every((row, i) => parent.children[i] === row)) return;
    const focused = document.activeElement?.closest<HTMLElement>('.rows > li')?.dataset['key'];
    parent.replaceChildren(...next);
    if (focused !== undefined) {
      parent.querySelector<HTMLElement>(`[data-key="${CSS.escape(focused)}"] .row`)?.focus();
    }
  }

  private activeRow(call: LiveCall): HTMLElement {
    const since = call.answeredMs ?? call.startedMs;
    const state = call.state === 'ringing' ? 'ringing' : call.state === 'held' ? 'on hold' : `since ${when(since, Date.now())}`;
    return this.row(call.id, 'up', party(call.from), call.to, state, '', h('i', { class: 'live', 'aria-hidden': 'true' }));
  }

  private pastRow(call: PastCall, now: number): HTMLElement {
    const answered = call.answeredMs !== null;
    const facts = answered ? duration(call.durationMs) : call.cause.replaceAll('_', ' ') || 'not answered';
    const speed = call.responseP50Ms === null ? '' : milliseconds(call.responseP50Ms);
    return this.row(call.id, answered ? '' : 'missed', party(call.from), call.to, when(call.invitedMs, now), `${facts}${speed ? ` · ${speed}` : ''}`);
  }

  private row(id: string, look: string, from: string, to: string, time: string, facts: string, sign?: HTMLElement): HTMLElement {
    const row = h(
      'a',
      { class: `row ${look}`, href: `#${id}`, 'data-id': id, onclick: () => this.events.choose(id) },
      h('span', { class: 'who' }, sign, ...parties(from, to)),
      h('span', { class: 'facts' }, facts),
      h('span', { class: 'time' }, time),
    );
    this.mark(row);
    return h('li', { 'data-key': id }, row);
  }

  private mark(row: HTMLElement): void {
    if (row.dataset['id'] === this.chosen) row.setAttribute('aria-current', 'true');
    else row.removeAttribute('aria-current');
  }
}
