import { createTheme, type MantineColorsTuple } from '@mantine/core';

const lagoon: MantineColorsTuple = [
  '#e6f7f4',
  '#d0ece7',
  '#a2dad0',
  '#70c7b9',
  '#49b7a5',
  '#30ad99',
  '#1f9a88',
  '#0f766e',
  '#0b665f',
  '#07544f',
];

const SYSTEM_FONTS = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';

export const theme = createTheme({
  primaryColor: 'lagoon',
  primaryShade: 7,
  colors: { lagoon },
  fontFamily: SYSTEM_FONTS,
  headings: { fontFamily: SYSTEM_FONTS },
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
});
