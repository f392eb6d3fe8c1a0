// Whether the user asked the system for less motion.
const query = window.matchMedia('(prefers-reduced-motion: reduce)');

export const isStill = (): boolean => query.matches;

export function onMotionChange(changed: () => void): void {
  query.addEventListener('change', changed);
}
