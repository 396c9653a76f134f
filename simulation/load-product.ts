import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { type Mutant, plant } from './mutants/mutant.ts';

const ROOT = new URL('../', import.meta.url).href;
const SOURCES = `${ROOT}src/`;
const MARK = '?mutant=';

let planted: ReadonlyMap<string, Mutant> | null = null;

/**
 * Loads the run of a seed, and with it the whole product, with this defect planted in the sources as they are
 * read. Each mutant has its own copy of every module of ours, told apart by the query of its URL; packages are
 * shared. Nothing of this is in a production build: the sources themselves never change.
 */
export async function loadProduct(mutant: Mutant | null): Promise<typeof import('./product.ts')> {
  if (mutant === null) return import('./product.ts');
  planted ??= hook();
  (planted as Map<string, Mutant>).set(mutant.name, mutant);
  return import(`./product.ts${MARK}${mutant.name}`) as Promise<typeof import('./product.ts')>;
}

function hook(): Map<string, Mutant> {
  const mutants = new Map<string, Mutant>();
  registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context);
      const name = markOf(context.parentURL);
      const isOurs = resolved.url.startsWith(ROOT) && !resolved.url.includes('/node_modules/');
      if (name === null || !isOurs || resolved.url.includes(MARK)) return resolved;
      return { ...resolved, url: `${resolved.url}${MARK}${name}` };
    },
    load(url, context, next) {
      const loaded = next(url, context);
      const mutant = mutants.get(markOf(url) ?? '');
      const file = url.startsWith(SOURCES) ? url.slice(SOURCES.length).split('?')[0] : undefined;
      if (!mutant || file === undefined || !mutant.edits.some((edit) => edit.file === file)) return loaded;
      const source =
        typeof loaded.source === 'string'
          ? loaded.source
          : new TextDecoder().decode(loaded.source ?? undefined);
      return { ...loaded, source: plant(mutant, file, source) };
    },
  });
  return mutants;
}

function markOf(url: string | undefined): string | null {
  const at = url?.indexOf(MARK) ?? -1;
  return url === undefined || at < 0 ? null : url.slice(at + MARK.length);
}

/** Where the sources of a mutant are. */
export function sourcePath(file: string): string {
  return fileURLToPath(new URL(file, SOURCES));
}
