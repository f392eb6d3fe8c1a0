// Elements without a framework: h('button', { class: 'round', onclick }, 'Call').

type Child = Node | string | undefined | false;

export interface Attributes {
  class?: string;
  onclick?: (event: MouseEvent) => void;
  [name: string]: unknown;
}

export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (typeof value === 'function') element.addEventListener(name.slice(2), value as EventListener);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children.filter((child): child is Node | string => child !== undefined && child !== false));
  return element;
}

export function byId<T extends HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element as T;
}

/** Custom properties are set by script: a strict policy allows no style attributes. */
export function vary<T extends HTMLElement>(element: T, properties: Record<string, string>): T {
  for (const [name, value] of Object.entries(properties)) element.style.setProperty(name, value);
  return element;
}
