import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import type { BenchRow } from './bench-row.ts';

const WIDTH = 560;
const BAR_HEIGHT = 28;
const COLOURS = {
  'what nothing here can beat': '#c5cdd8',
  Maskline: '#1c7ed6',
  'the obvious way': '#f59f00',
};

/** One picture for each row: the value beside its limit and its rival, in the unit of the row. Returns SVG text. */
export async function plotRow(row: BenchRow): Promise<string> {
  const bars = [
    { who: 'what nothing here can beat', value: row.limit },
    { who: 'Maskline', value: row.value },
    { who: 'the obvious way', value: row.rival },
  ].filter((bar): bar is { who: keyof typeof COLOURS; value: number } => bar.value !== null);
  const y = { field: 'who', type: 'nominal', sort: null, title: null } as const;
  const layer: unknown[] = [
    {
      mark: { type: 'bar', cornerRadiusEnd: 2 },
      encoding: {
        color: {
          field: 'who',
          legend: null,
          scale: { domain: Object.keys(COLOURS), range: Object.values(COLOURS) },
        },
      },
    },
    {
      mark: { type: 'text', align: 'left', dx: 4 },
      encoding: { text: { field: 'value', type: 'quantitative', format: ',.4~r' } },
    },
  ];
  if (row.spread) {
    layer.push({
      data: { values: [{ who: 'Maskline', low: row.spread.low, high: row.spread.high }] },
      mark: { type: 'rule', strokeWidth: 2, color: '#0b3d66' },
      encoding: {
        x: { field: 'low', type: 'quantitative' },
        x2: { field: 'high' },
      },
    });
  }
  return render({
    data: { values: bars },
    title: { text: `${row.id}  ${row.title}`, subtitle: subtitle(row), anchor: 'start', limit: WIDTH + 240 },
    width: WIDTH,
    height: { step: BAR_HEIGHT },
    encoding: {
      y,
      x: { field: 'value', type: 'quantitative', title: row.unit, scale: { zero: true, padding: 40 } },
    },
    layer,
  });
}

function subtitle({ ratio, aim, met }: BenchRow): string {
  const verdict = met === null ? '' : met ? ', met' : ', missed';
  return `${ratio === null ? '' : `ratio ${ratio.toPrecision(3)}; `}aim ${aim}${verdict}`;
}

async function render(spec: object): Promise<string> {
  const { spec: compiled } = compile({
    ...spec,
    background: 'white',
    padding: 12,
    config: { font: 'system-ui, sans-serif', view: { stroke: null } },
  } as TopLevelSpec);
  const view = new View(parse(compiled), { renderer: 'none' });
  try {
    return `${await view.toSVG()}\n`;
  } finally {
    view.finalize();
  }
}
