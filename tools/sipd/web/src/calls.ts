// The page of calls: a list that keeps itself up to date, and the call that was chosen. The address names it, so a call
// can be linked to.
import '@fontsource-variable/geist/wght.css';
import '@fontsource-variable/geist-mono/wght.css';
import './styles/base.css';
import './styles/captions.css';
import './styles/calls.css';
import * as api from './calls/api.js';
import { History } from './calls/history.js';
import { ListView } from './calls/list_view.js';
import { LiveView } from './calls/live_view.js';
import { PastView } from './calls/past_view.js';
import { authorised } from './net/access.js';
import { Announcer } from './ui/announcer.js';
import { byId, h } from './ui/dom.js';
import { themeButton } from './ui/theme.js';

const LIVE_MS = 1000;
const AWAY_MS = 4000;
const WRITTEN_MS = 500;
const WRITTEN_TRIES = 20;

class Calls {
  private readonly announcer = new Announcer(byId('announcer'));
  private readonly detail = byId('detail');
  private readonly list = new ListView({
    choose: (id) => this.choose(id),
    query: () => void this.reload(),
    more: () => void this.more(),
  });
  private readonly history = new History(api.history);
  private chosen = '';
  private view: LiveView | PastView | undefined;

  constructor() {
    byId('list').replaceChildren(this.list.root);
    themeButton(byId('theme'), () => this.view?.redraw());
    this.empty('Choose a call to see what was said and how it sounded.');
    window.addEventListener('hashchange', () => this.choose(location.hash.slice(1)));
    // The events cannot ask for a token; by then the list has.
    void this.reload().then(() => this.follow());
    void this.poll();
    if (location.hash.length > 1) this.choose(location.hash.slice(1));
  }

  /** For tests and the curious. */
  inspect(): object {
    return { calls: this.history.calls.length, total: this.history.total, chosen: this.chosen, view: this.view?.constructor === PastView ? 'past' : this.view ? 'live' : 'none' };
  }

  private reload(): Promise<void> {
    return this.shown(this.history.reload(this.list.query));
  }

  private refresh(): Promise<void> {
    return this.shown(this.history.refresh(this.list.query));
  }

  private more(): Promise<void> {
    return this.shown(this.history.more());
  }

  private async shown(asked: Promise<boolean>): Promise<void> {
    try {
      if (await asked) this.list.showPast(this.history.calls, this.history.total, this.history.hasMore);
    } catch (error) {
      this.list.problem(problem(error));
    }
  }

  // What begins and ends is told by events; how a call that is looked at goes on is asked for every second.
  private follow(): void {
    const events = new EventSource(authorised('/api/v1/sip/events'));
    const active = (): void => void this.showActive();
    for (const type of ['call.incoming', 'call.start', 'call.hold', 'call.resume']) events.addEventListener(type, active);
    events.addEventListener('call.end', (event) => {
      active();
      void this.ended(event as MessageEvent<string>);
    });
    events.addEventListener('call.refused', () => void this.refresh());
    events.addEventListener('missed', active);
  }

  private async ended(event: MessageEvent<string>): Promise<void> {
    const id = (JSON.parse(event.data) as { call?: string }).call;
    if (id === undefined) return;
    if (id === this.chosen && this.view instanceof LiveView) {
      this.announcer.say('The call has ended.');
      this.choose(id, true);
    }
    // It is written to the database a moment later.
    for (let attempt = 0; attempt < WRITTEN_TRIES; attempt++) {
      await this.refresh();
      if (this.history.has(id)) return;
      await new Promise((resolve) => setTimeout(resolve, WRITTEN_MS));
    }
  }

  private async showActive(): Promise<boolean> {
    try {
      this.list.showActive(await api.active());
      return true;
    } catch {
      this.list.showActive([]);
      return false;
    }
  }

  private async poll(): Promise<void> {
    for (;;) {
      const there = await this.showActive();
      if (there && this.view instanceof LiveView) await this.refreshLive(this.view, this.chosen);
      await new Promise((resolve) => setTimeout(resolve, there ? LIVE_MS : AWAY_MS));
      while (document.hidden) await new Promise((resolve) => setTimeout(resolve, LIVE_MS));
    }
  }

  private async refreshLive(view: LiveView, id: string): Promise<void> {
    try {
      const call = await api.activeCall(id);
      if (this.view === view) view.update(call);
    } catch (error) {
      if (error instanceof api.ApiError && error.status === 404 && this.view === view) this.choose(id, true);
    }
  }

  private choose(id: string, again = false): void {
    if (id === '' || (id === this.chosen && !again)) return;
    this.chosen = id;
    this.list.choose(id);
    // On a phone the call stands above the list, out of sight of who has scrolled down in that.
    if (!again) window.scrollTo(0, 0);
    void this.open(id);
  }

  private async open(id: string): Promise<void> {
    for (let attempt = 0; attempt < WRITTEN_TRIES && this.chosen === id; attempt++) {
      try {
        const { call, said } = await api.past(id);
        const journal = await api.journal(id);
        if (this.chosen === id) this.show(new PastView(call, said, journal));
        return;
      } catch (error) {
        if (!(error instanceof api.ApiError) || error.status !== 404) {
          this.empty(problem(error));
          return;
        }
      }
      try {
        const call = await api.activeCall(id);
        if (this.chosen === id) this.show(new LiveView(call, (text) => this.announcer.say(text)));
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, WRITTEN_MS));
      }
    }
    if (this.chosen === id) this.empty('There is no such call any more.');
  }

  private show(view: LiveView | PastView): void {
    this.view?.close();
    this.view = view;
    this.detail.replaceChildren(view.root);
    this.detail.scrollTop = 0;
    document.body.classList.add('chosen');
  }

  private empty(text: string): void {
    this.view?.close();
    this.view = undefined;
    this.detail.replaceChildren(h('p', { class: 'nothing' }, text));
  }
}

function problem(error: unknown): string {
  if (error instanceof api.ApiError) return `talky-sipd says: ${error.message}`;
  return 'talky-sipd does not answer. Is it running?';
}

const calls = new Calls();
Object.defineProperty(window, 'talky', { value: { inspect: () => calls.inspect() } });
