// Asks for the token that talky-sipd wants; "" where the user would rather not say.
import { h } from './dom.js';

export function askForToken(): Promise<string> {
  const input = h('input', { type: 'password', id: 'token', required: true, autocomplete: 'off' });
  const dialog = h(
    'dialog',
    { 'aria-labelledby': 'token-title' },
    h(
      'form',
      { method: 'dialog' },
      h('h2', { id: 'token-title' }, 'This talky-sipd wants a token'),
      h('label', { for: 'token' }, 'A line of the file that --http-tokens names, without "read:" or "operate:"'),
      input,
      h('div', { class: 'downloads' }, h('button', { class: 'quiet', value: 'ok' }, 'Go on')),
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
