import { Command } from 'commander';
import { readDevConfig } from '../config.ts';
import type { Development } from '../dev.ts';
import { createLog } from '../observe/log.ts';
import { onStopSignals } from '../stop-signals.ts';

const HELP = `
Environment (defaults):
  MASKLINE_PORT 8080, SIMULATOR_PORT 8081, DELIVERY_PORT 8082, MASKLINE_HOST 127.0.0.1
  MASKLINE_DATA_DIR .maskline       databases, keys and tokens; survives a restart
  MASKLINE_DEV_API_KEY              made once and kept in the data directory
  DATABASE_URL, KAFKA_BROKERS       replace the embedded database and bus
  MASKLINE_LOG_LEVEL warn           debug, info, warn, error or silent`;

export function devCommand(): Command {
  return new Command('dev')
    .description('run everything on embedded parts: service, simulator, delivery company with its pages')
    .addHelpText('after', HELP)
    .action(async () => {
      const config = readDevConfig(process.env);
      // Loaded when it is needed: the other commands would wait for all of it.
      const { startDevelopment } = await import('../dev.ts');
      const log = createLog({ level: config.logLevel, destination: process.stderr });
      const running = await startDevelopment(config, log);
      onStopSignals(log, () => running.stop());
      process.stdout.write(banner(running));
      await running.pagesReady.then(
        () => process.stdout.write('  The pages are ready.\n\n'),
        () =>
          process.stdout.write(
            '  The pages could not be built; the log says why. Everything else works.\n\n',
          ),
      );
    });
}

function banner(running: Development): string {
  return `
  Maskline is running.

    Demo       ${running.deliveryUrl}/          the delivery company: dispatcher, two apps, two phones
    API        ${running.masklineUrl}/docs      the reference of the REST API
    Simulator  ${running.simulatorUrl}/         a telecom operator with phones that exist only there

    Development API key: ${running.apiKey}
    Data: ${running.dataDirectory}

  Ctrl-C stops it in order; a second Ctrl-C at once.

`;
}
