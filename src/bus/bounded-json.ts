const UTF8 = new TextDecoder('utf-8', { fatal: true });

/**
 * JSON from somebody else: the parsed value, or undefined when the bytes are not UTF-8, not JSON, or nested
 * deeper than `depthMaximum` objects and arrays. It never throws.
 */
export function parseBoundedJson(bytes: Uint8Array, depthMaximum: number): unknown {
  try {
    const text = UTF8.decode(bytes);
    return isDeeper(text, depthMaximum) ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** Told from the text, before anything is built from it. */
function isDeeper(text: string, depthMaximum: number): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const character = text.charCodeAt(i);
    if (inString) {
      if (character === BACKSLASH) i++;
      else if (character === QUOTE) inString = false;
    } else if (character === QUOTE) {
      inString = true;
    } else if (character === OPEN_BRACE || character === OPEN_BRACKET) {
      depth++;
      if (depth > depthMaximum) return true;
    } else if (character === CLOSE_BRACE || character === CLOSE_BRACKET) {
      depth--;
    }
  }
  return false;
}
