/** `undefined` leaves the attribute out. */
export type XmlAttributes = Readonly<Record<string, string | number | boolean | undefined>>;

export interface XmlElement {
  readonly name: string;
  readonly attributes: XmlAttributes;
  readonly children: readonly (XmlElement | string)[];
}

export function element(
  name: string,
  attributes: XmlAttributes = {},
  ...children: readonly (XmlElement | string)[]
): XmlElement {
  return { name, attributes, children };
}

/**
 * Writes an XML 1.0 document in UTF-8. Every text is escaped, whoever wrote it: the body of a text message is a
 * stranger's. Characters that XML 1.0 cannot carry at all (section 2.2) become U+FFFD.
 */
export function toXmlDocument(root: XmlElement): string {
  return `<?xml version="1.0" encoding="UTF-8"?>${toXml(root)}`;
}

function toXml({ name, attributes, children }: XmlElement): string {
  let start = `<${name}`;
  for (const key in attributes) {
    const value = attributes[key];
    if (value !== undefined) start += ` ${key}="${escapeAttribute(String(value))}"`;
  }
  if (children.length === 0) return `${start}/>`;
  let inner = '';
  for (const child of children) inner += typeof child === 'string' ? escapeText(child) : toXml(child);
  return `${start}>${inner}</${name}>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};

/** Printable ASCII but for what is escaped: most of what is written, numbers and URLs, needs no more than this look. */
const PLAIN = /^[ !#-%'-;=?-~]*$/;

function escapeText(text: string): string {
  if (PLAIN.test(text)) return text;
  // A reader turns a bare carriage return into a line feed, so it is written as a reference.
  return carriable(text).replace(/[&<>\r]/g, (character) => ENTITIES[character] ?? character);
}

function escapeAttribute(text: string): string {
  if (PLAIN.test(text)) return text;
  // In an attribute a reader turns every bare white space into a blank.
  return carriable(text).replace(/[&<>"\t\n\r]/g, (character) => ENTITIES[character] ?? character);
}

function carriable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that must not be written.
  return text.toWellFormed().replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd');
}
