// A turn's milliseconds: a number and a strip, which open to the waterfall.
import type { Stages } from '../call/protocol.js';
import { waterfall } from '../call/waterfall.js';
import { h, vary } from './dom.js';

export const milliseconds = (ms: number): string =>
  ms >= 10000 ? `${(ms / 1000).toFixed(1)}\u00a0s` : `${Math.round(ms)}\u00a0ms`;

export function waterfallView(stages: Stages, response: number): HTMLElement {
  const steps = waterfall(stages, response);
  const strip = h(
    'span',
    { class: 'strip', 'aria-hidden': 'true' },
    ...steps.map((step) => vary(h('i', { class: `stage-${step.stage}` }), { '--width': step.width.toFixed(4) })),
  );
  const rows = steps.map((step) =>
    h(
      'div',
      { class: 'step', title: step.explanation },
      h('dt', {}, step.label),
      h(
        'dd',
        {},
        vary(h('i', { class: `stage-${step.stage}`, 'aria-hidden': 'true' }), {
          '--begin': step.begin.toFixed(4),
          '--width': step.width.toFixed(4),
        }),
        h('span', {}, milliseconds(step.ms)),
      ),
    ),
  );
  return h(
    'details',
    { class: 'waterfall' },
    h('summary', {}, h('span', { class: 'unseen' }, 'Answered after '), h('b', {}, milliseconds(response)), strip),
    h('dl', {}, ...rows),
  );
}
