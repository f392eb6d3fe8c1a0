// How a call sounded, both ways: what the phone sent us, and what it says of what we sent.
import { h, vary } from '../ui/dom.js';
import { decimals, percent } from './format.js';

export interface Way {
  mos: number | null;
  lost: number | null;
  packets: number | null;
  jitterMs: number | null;
}

const BEST_MOS = 4.5;

function verdict(mos: number | null): string {
  if (mos === null || mos <= 0) return 'not measured';
  if (mos >= 4) return 'good';
  return mos >= 3.4 ? 'fair' : 'poor';
}

function wayView(title: string, way: Way): HTMLElement {
  const known = way.mos !== null && way.mos > 0;
  const fact = (name: string, value: string): HTMLElement => h('div', {}, h('dt', {}, name), h('dd', {}, value));
  return h(
    'div',
    { class: 'way' },
    h('h3', {}, title),
    h('p', { class: 'mos' }, h('b', {}, known ? decimals(way.mos, 1) : '–'), ` MOS · ${verdict(way.mos)}`),
    vary(h('div', { class: 'gauge', 'aria-hidden': 'true' }, h('i')), {
      '--share': String(known ? Math.max(0, ((way.mos ?? 1) - 1) / (BEST_MOS - 1)) : 0),
    }),
    h(
      'dl',
      {},
      fact('Lost', way.packets && way.lost !== null ? percent(way.lost, way.packets + way.lost) : '–'),
      fact('Jitter', decimals(way.jitterMs, 1, ' ms')),
      fact('Packets', way.packets === null ? '–' : way.packets.toLocaleString('en')),
    ),
  );
}

export function qualityView(inbound: Way, outbound: Way, rttMs: number | null): HTMLElement {
  return h(
    'section',
    { class: 'quality', 'aria-label': 'Quality' },
    wayView('From the caller', inbound),
    wayView('To the caller', outbound),
    h('p', { class: 'note' }, rttMs === null ? 'No round trip measured' : `Round trip ${decimals(rttMs, 0, ' ms')}`),
  );
}
