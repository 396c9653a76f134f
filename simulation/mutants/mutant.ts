/** One planted defect: a piece of the product's source, and what stands there instead. */
export interface Mutant {
  readonly name: string;
  /** what somebody might have got wrong */
  readonly defect: string;
  readonly edits: readonly Edit[];
  /** SQL that is run as the owner on the empty database, for defects of the schema */
  readonly schema?: string;
}

export interface Edit {
  /** below src/ */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** @throws Error when the source has moved on, so that a defect can never be planted without effect */
export function plant(mutant: Mutant, file: string, source: string): string {
  let text = source;
  for (const edit of mutant.edits.filter((one) => one.file === file)) {
    const pieces = text.split(edit.find);
    if (pieces.length !== 2) {
      throw new Error(
        `Mutant ${mutant.name} does not fit ${file} any more: “${edit.find}” stands there ${pieces.length - 1} times.`,
      );
    }
    text = pieces.join(edit.replace);
  }
  return text;
}
