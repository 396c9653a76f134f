import { type Command, Help } from 'commander';

const USUAL = new Help();

/**
 * After a command line that cannot be read, says where the help for just that command is; and in the help itself, which
 * options have to be given.
 */
export function pointToHelp(command: Command, before: readonly string[] = []): void {
  const words = [...before, command.name()];
  command.showHelpAfterError(`Run \`${words.join(' ')} --help\` for what there is.`);
  command.configureHelp({
    optionDescription: (option) =>
      option.mandatory ? `${USUAL.optionDescription(option)} (required)` : USUAL.optionDescription(option),
  });
  for (const each of command.commands) pointToHelp(each, words);
}
