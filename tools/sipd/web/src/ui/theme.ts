// Dark or light: as the system has it, or as the user chose with the button.
import { icon } from './icons.js';

const KEY = 'talky.theme';
const system = window.matchMedia('(prefers-color-scheme: dark)');

function chosen(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // a browser that stores nothing
  }
}

export function isDark(): boolean {
  const theme = document.documentElement.dataset['theme'];
  return theme ? theme === 'dark' : system.matches;
}

/** `changed` is called whenever the colours are other ones. */
export function themeButton(button: HTMLButtonElement, changed: () => void): void {
  const stored = chosen();
  if (stored === 'dark' || stored === 'light') document.documentElement.dataset['theme'] = stored;
  const paint = (): void => {
    button.replaceChildren(icon(isDark() ? 'sun' : 'moon'));
    button.setAttribute('aria-label', isDark() ? 'Light colours' : 'Dark colours');
    button.title = isDark() ? 'Light colours' : 'Dark colours';
  };
  button.addEventListener('click', () => {
    const theme = isDark() ? 'light' : 'dark';
    document.documentElement.dataset['theme'] = theme;
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // It holds for this visit.
    }
    paint();
    changed();
  });
  system.addEventListener('change', () => {
    paint();
    changed();
  });
  paint();
}
