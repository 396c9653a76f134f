import { expect, test } from 'vitest';
import { createOpenApiDocument } from './openapi-document.ts';

interface Described {
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { responses: Readonly<Record<string, Answer>> }>>>
  >;
  readonly components: {
    readonly examples: Readonly<Record<string, { readonly value: { readonly status: number } }>>;
  };
}
interface Answer {
  readonly content?: Readonly<
    Record<string, { readonly examples?: Readonly<Record<string, { readonly $ref: string }>> }>
  >;
}

test('each refusal is shown by an example of its own code and status', async () => {
  const { paths, components } = (await createOpenApiDocument('1.0.0')) as unknown as Described;
  let shown = 0;
  for (const [url, methods] of Object.entries(paths)) {
    for (const [method, { responses }] of Object.entries(methods)) {
      for (const [status, { content }] of Object.entries(responses)) {
        const problem = content?.['application/problem+json'];
        if (!problem) continue;
        const examples = Object.entries(problem.examples ?? {});
        expect(examples.length, `${method} ${url} ${status}`).toBeGreaterThan(0);
        for (const [code, { $ref }] of examples) {
          expect($ref).toBe(`#/components/examples/${code}`);
          expect(components.examples[code]?.value).toMatchObject({ code, status: Number(status) });
          shown++;
        }
      }
    }
  }
  expect(shown).toBeGreaterThan(100);
});
