import type { Command } from 'commander';

/** After a command line that cannot be read, says where the help for just that command is. */
export function pointToHelp(command: Command, before: readonly string[] = []): void {
  const words = [...before, command.name()];
  command.showHelpAfterError(`Run \`${words.join(' ')} --help\` for what there is.`);
  for (const each of command.commands) pointToHelp(each, words);
}
