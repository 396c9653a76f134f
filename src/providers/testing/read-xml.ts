import { SaxesParser } from 'saxes';

export interface ReadElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly elements: readonly ReadElement[];
  /** the text between its tags, without that of its elements */
  readonly text: string;
}

/** Reads a document as a strict provider would: it throws on whatever XML 1.0 does not allow. */
export function readXml(document: string): ReadElement {
  const parser = new SaxesParser();
  const open: { name: string; attributes: Record<string, string>; elements: ReadElement[]; text: string }[] =
    [];
  let root: ReadElement | undefined;
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ name, attributes }) => {
    open.push({ name, attributes: { ...attributes }, elements: [], text: '' });
  });
  parser.on('text', (text) => {
    const current = open.at(-1);
    if (current) current.text += text;
  });
  parser.on('closetag', () => {
    const closed = open.pop();
    const parent = open.at(-1);
    if (closed && parent) parent.elements.push(closed);
    else root = closed;
  });
  parser.write(document).close();
  if (!root) throw new Error('The document has no element.');
  return root;
}
