// A call that is over: how it went, how it sounded, what was said.
import { authorised } from '../net/access.js';
import { h } from '../ui/dom.js';
import { recordingUrl } from '../ui/downloads.js';
import { icon } from '../ui/icons.js';
import { milliseconds } from '../ui/waterfall_view.js';
import { bytes, duration, party } from './format.js';
import type { Journal } from './journal.js';
import { parties } from './parties.js';
import { Player } from './player.js';
import { qualityView } from './quality_view.js';
import type { PastCall, Utterance } from './records.js';
import { TranscriptView } from './transcript_view.js';

const FILES: Record<string, { label: string; query: string; extension: string }> = {
  wav: { label: 'Recording', query: '', extension: 'wav' },
  journal: { label: 'Journal', query: '?part=journal', extension: 'jsonl' },
  pcap: { label: 'Packets', query: '?part=pcap', extension: 'pcap' },
};

const CAUSES: Record<string, string> = {
  hangup: 'hung up',
  cancelled: 'cancelled before the answer',
  rejected: 'not taken',
  no_answer: 'nobody answered',
  no_ack: 'the answer was not confirmed',
  rtp_timeout: 'no sound came any more',
  session_timer: 'the session timer ran out',
  lost: 'the connection was lost',
  media_failed: 'the sound failed',
  transferred: 'transferred',
  shutdown: 'talky-sipd was stopped',
  interrupted: 'talky-sipd was killed in the call',
};

const BY: Record<string, string> = { caller: 'the caller', callee: 'the callee', agent: 'the agent', system: 'talky-sipd' };

function ending(call: PastCall): string {
  const cause = CAUSES[call.cause] ?? call.cause;
  const by = BY[call.endedBy];
  return call.cause === 'hangup' && by ? `${by} ${cause}` : cause;
}

function fact(name: string, value: string): HTMLElement {
  return h('div', {}, h('dt', {}, name), h('dd', {}, value));
}

export class PastView {
  readonly root: HTMLElement;
  private readonly player: Player | undefined;

  constructor(call: PastCall, said: Utterance[], journal: Journal) {
    const recorded = call.files.some((file) => file.kind === 'wav');
    const transcript = new TranscriptView(recorded ? (seconds) => this.player?.seek(seconds, true) : undefined);
    transcript.show(said, journal);
    this.player = recorded ? new Player(recordingUrl(call.id), (seconds) => transcript.at(seconds)) : undefined;
    const answered = call.answeredMs !== null;
    const began = new Date(call.invitedMs);
    this.root = h(
      'article',
      {},
      h('p', { class: 'overline' }, began.toLocaleString('en-GB', { dateStyle: 'full', timeStyle: 'short' })),
      h('h2', { class: 'title' }, ...parties(party(call.from), call.to)),
      h('p', { class: 'lead' }, `${answered ? `${duration(call.durationMs)}, ` : ''}${ending(call)}${call.reason ? ` (${call.reason})` : ''}`),
      this.player?.root,
      this.player ? undefined : h('p', { class: 'note' }, 'There is no recording of this call.'),
      answered && h(
        'dl',
        { class: 'figures' },
        fact('Answers after', call.responseP50Ms === null ? '–' : milliseconds(call.responseP50Ms)),
        fact('Slowest', call.responseMaxMs === null ? '–' : milliseconds(call.responseMaxMs)),
        fact('Turns', String(call.turns)),
        fact('Interruptions', String(call.bargeIns)),
        fact('Codec', call.codec || '–'),
        fact('Target', call.route || '–'),
      ),
      answered && qualityView(
        { mos: call.inMos, lost: call.inLost, packets: call.inPackets, jitterMs: call.inJitterMs },
        { mos: call.outMos, lost: call.outLost, packets: call.outPackets, jitterMs: call.outJitterMs },
        call.rttMs,
      ),
      (answered || said.length > 0) && h(
        'section',
        { 'aria-label': 'Transcript' },
        h('h3', {}, 'What was said'),
        said.length > 0 ? transcript.root : h('p', { class: 'note' }, 'No transcript was kept.'),
      ),
      h('div', { class: 'downloads' }, ...call.files.map((file) => this.file(call, file.kind, file.bytes, file.repaired))),
    );
  }

  redraw(): void {
    this.player?.redraw();
  }

  close(): void {
    this.player?.close();
  }

  private file(call: PastCall, kind: string, size: number, repaired: boolean): HTMLElement | undefined {
    const known = FILES[kind];
    if (!known) return undefined;
    return h(
      'a',
      { class: 'quiet', href: authorised(recordingUrl(call.id, known.query)), download: `talky-${call.id}.${known.extension}` },
      icon('download'),
      known.label,
      h('small', {}, repaired ? `${bytes(size)}, repaired` : bytes(size)),
    );
  }
}
