// Line icons, 24 by 24, drawn with the colour of the text.

const PATHS = {
  microphone: ['M12 3a3 3 0 0 0-3 3v6a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3Z', 'M5 11.5a7 7 0 0 0 14 0', 'M12 18.5V22'],
  muted: ['M9 9.5V12a3 3 0 0 0 4.6 2.5M15 11V6a3 3 0 0 0-5.8-1.1', 'M5 11.5a7 7 0 0 0 10.7 6M19 11.5c0 .9-.2 1.700-.5 2.500', 'M12 18.5V22', 'M4 3l16 18'],
  hangup: ['M3.400 14.600c-1-1-1-2.600 0-3.600 4.800-4.400 12.400-4.400 17.200 0 1 1 1 2.600 0 3.600l-1 1a1.200 1.200 0 0 1-1.600.1l-2.400-1.800a1.200 1.200 0 0 1-.4-1.200l.3-1.500a11.500 11.500 0 0 0-7 0l.3 1.500c.1.500 0 .900-.4 1.200L6 15.700a1.200 1.200 0 0 1-1.600-.1Z'],
  phone: ['M6.500 3.500h2.300c.5 0 .9.300 1 .8l.9 3.300c.1.400 0 .8-.3 1l-1.700 1.500a12.500 12.500 0 0 0 5.200 5.200l1.500-1.700c.300-.300.700-.400 1-.300l3.300.9c.5.100.8.500.8 1v2.300c0 1.100-.9 2-2 2A15.500 15.500 0 0 1 4.500 5.500c0-1.100.900-2 2-2Z'],
  keypad: ['M6 5h.01M12 5h.01M18 5h.01M6 11h.01M12 11h.01M18 11h.01M6 17h.01M12 17h.01M18 17h.01'],
  play: ['M8 5.500v13l10.500-6.500Z'],
  pause: ['M8.500 5.500v13M15.500 5.500v13'],
  stop: ['M7 7h10v10H7Z'],
  left: ['M14.500 5.500 8 12l6.500 6.500'],
  right: ['M9.500 5.500 16 12l-6.500 6.500'],
  check: ['M5 12.500l4.500 4.500L19 7.500'],
  download: ['M12 4v11M7 10.500l5 5 5-5', 'M5 20h14'],
  moon: ['M19.500 14.500A8 8 0 0 1 9.500 4.500a8 8 0 1 0 10 10Z'],
  sun: ['M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8Z', 'M12 2.500v2M12 19.500v2M2.500 12h2M19.500 12h2M5.300 5.300l1.400 1.400M17.300 17.300l1.400 1.400M5.300 18.700l1.400-1.400M17.300 6.700l1.400-1.400'],
  warning: ['M12 4 2.800 19.500h18.400Z', 'M12 10v4.500M12 17.200v.01'],
  listen: ['M4 14v-2a8 8 0 0 1 16 0v2', 'M4 14.500a1.500 1.500 0 0 1 3 0v4a1.500 1.500 0 0 1-3 0ZM17 14.500a1.500 1.500 0 0 1 3 0v4a1.500 1.500 0 0 1-3 0Z'],
  search: ['M10.500 4a6.500 6.500 0 1 0 0 13 6.500 6.500 0 0 0 0-13Z', 'M15.500 15.500 20 20'],
} as const;

export type IconName = keyof typeof PATHS;

const SVG = 'http://www.w3.org/2000/svg';

export function icon(name: IconName): SVGSVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('class', `icon icon-${name}`);
  svg.setAttribute('aria-hidden', 'true');
  for (const d of PATHS[name]) {
    const path = document.createElementNS(SVG, 'path');
    path.setAttribute('d', d);
    svg.append(path);
  }
  return svg;
}
