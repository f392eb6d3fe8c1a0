// Who called whom. Either name may be written from right to left, and neither may turn the other or the arrow around.
import { h } from '../ui/dom.js';

export function parties(from: string, to: string): HTMLElement[] {
  const names = [h('bdi', {}, from)];
  if (to !== '') names.push(h('span', { class: 'to' }, ' → ', h('bdi', {}, to)));
  return names;
}
