import type { ReactElement } from 'react';

interface IconProps {
  /** edge length in pixels */
  readonly size?: number;
}

// Outlines on a grid of 24, drawn with the text's colour. They decorate a label and are hidden from readers.
const PATHS = {
  phone: 'M5 4h4l2 5-2.5 1.5a11 11 0 0 0 5 5L15 13l5 2v4a2 2 0 0 1-2 2A16 16 0 0 1 3 6a2 2 0 0 1 2-2z',
  message: 'M4 5h16v11H9l-5 4z',
  recents: 'M12 7v5l3 2M3.5 12a8.5 8.5 0 1 0 2.6-6.1M6 3v3.4h3.4',
  keypad: 'M6 6h.01M12 6h.01M18 6h.01M6 12h.01M12 12h.01M18 12h.01M6 18h.01M12 18h.01M18 18h.01',
  back: 'M15 5l-7 7 7 7',
  erase: 'M8 6h12v12H8l-5-6zM12 10l4 4M16 10l-4 4',
  send: 'M5 12h14M13 6l6 6-6 6',
  incoming: 'M18 6L7 17M7 9v8h8',
  outgoing: 'M6 18L17 7M9 7h8v8',
  missed: 'M18 6L7 17M7 9v8h8M17 15l4 4M21 15l-4 4',
  refused: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM5.7 5.7l12.6 12.6',
  speaker: 'M4 9.5v5h3.5L12 18V6L7.500 9.500zM15.500 9a4.200 4.200 0 0 1 0 6M18 6.500a8 8 0 0 1 0 11',
  swap: 'M4 8h15M15 4l4 4-4 4M20 16H5M9 12l-4 4 4 4',
  close: 'M6 6l12 12M18 6L6 18',
  check: 'M5 12.500l4.500 4.500L19 7.500',
  sun: 'M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.400 1.400M17.600 17.600L19 19M5 19l1.400-1.400M17.600 6.400L19 5',
  moon: 'M20 14.500A8.500 8.500 0 0 1 9.500 4 8.500 8.500 0 1 0 20 14.500z',
  open: 'M14 4h6v6M20 4l-9 9M18 14v5a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V7a1 1 0 0 1 1-1h5',
  box: 'M12 3l8 4.500v9L12 21l-8-4.500v-9zM4 7.500l8 4.500 8-4.500M12 12v9',
} as const;
export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 18 }: IconProps & { readonly name: IconName }): ReactElement {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth={name === 'keypad' ? 3.4 : 1.9}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}

/** The receiver turned down, as every phone shows the end of a call. */
export function HangUpIcon({ size = 22 }: IconProps): ReactElement {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path
        fill="currentColor"
        d="M12 8.500c-3.500 0-6.700.9-9 2.600-.9.700-1.300 1.900-.9 3l.5 1.500c.3.800 1.100 1.300 2 1.100l2.600-.5c.8-.2 1.400-.8 1.500-1.600l.2-1.800a11 11 0 0 1 6.200 0l.2 1.800c.1.800.700 1.400 1.500 1.600l2.600.5c.9.200 1.700-.3 2-1.100l.5-1.500c.4-1.100 0-2.300-.9-3-2.300-1.700-5.500-2.600-9-2.600z"
      />
    </svg>
  );
}

/** Two arcs that pass each other: the two sides of a call, neither of which touches the other. */
export function LogoMark({ size = 30 }: IconProps): ReactElement {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="9" fill="#0f766e" />
      <g fill="none" strokeWidth="3" strokeLinecap="round">
        <path d="M9.500 20.500a6.500 6.500 0 0 1 0-9.200 6.500 6.500 0 0 1 9.200 0" stroke="#fff" />
        <path d="M22.500 11.500a6.500 6.500 0 0 1 0 9.200 6.500 6.500 0 0 1-9.200 0" stroke="#ffb454" />
      </g>
    </svg>
  );
}
