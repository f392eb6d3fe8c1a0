// Asks for the token that talky-sipd wants; "" where the user would rather not say. `again`: there was one, and it was
// not taken.
import { h } from './dom.js';
import { icon } from './icons.js';

export function askForToken(again: boolean): Promise<string> {
  const input = h('input', {
    type: 'password',
    id: 'token',
    required: true,
    autofocus: true,
    autocomplete: 'off',
    spellcheck: 'false',
    'aria-describedby': again ? 'token-problem' : undefined,
    'aria-invalid': again ? 'true' : undefined,
  });
  const dialog = h(
    'dialog',
    { 'aria-labelledby': 'token-title' },
    h(
      'form',
      { method: 'dialog' },
      h('h2', { id: 'token-title' }, 'This talky-sipd wants a token'),
      h('label', { for: 'token' }, 'A line of the file that --http-tokens names, without "read:" or "operate:"'),
      input,
      again && h('p', { class: 'warning', id: 'token-problem' }, icon('warning'), 'That token was not taken.'),
      h(
        'div',
        { class: 'downloads' },
        h('button', { class: 'quiet strong', value: 'ok' }, 'Go on'),
        h('button', { class: 'quiet', value: 'cancel', formnovalidate: true }, 'Not now'),
      ),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      const given = dialog.returnValue === 'ok' ? input.value : '';
      dialog.remove();
      resolve(given);
    });
  });
}
