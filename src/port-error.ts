/** Why a server cannot listen is the commonest reason for not starting; it deserves a sentence that says what to set. */
export function portError(error: unknown, setting: string, port: number): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  const sentence = sentenceOn(code, setting, port);
  return sentence === null ? error : new Error(sentence, { cause: error });
}

function sentenceOn(code: unknown, setting: string, port: number): string | null {
  switch (code) {
    case 'EADDRINUSE':
      return `Port ${port} is in use by another program. Stop that one, or set ${setting} to a free port.`;
    case 'EACCES':
      return `Port ${port} may not be opened by this user. Set ${setting} to one above 1023.`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EADDRNOTAVAIL':
      return 'MASKLINE_HOST is no address of this machine. Set it to one, such as 127.0.0.1, or to 0.0.0.0 for all of them.';
    default:
      return null;
  }
}
