/**
 * How many inputs each property of a fuzzer gets: a few in CI, and as many as MASKLINE_FUZZ_RUNS says for the long form,
 * which docs/security.md has the figures of. MASKLINE_FUZZ_SEED makes portions of it differ.
 */
export function fuzzRuns(inCi: number): { readonly numRuns: number; readonly seed: number } {
  const numRuns = Number(process.env.MASKLINE_FUZZ_RUNS ?? inCi);
  const seed = Number(process.env.MASKLINE_FUZZ_SEED ?? 20_260_101);
  return { numRuns, seed };
}
