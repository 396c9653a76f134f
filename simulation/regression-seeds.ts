/** Runs that once found something, and what. They are kept for as long as their history still leads there. */
export const REGRESSION_SEEDS: readonly {
  readonly seed: number;
  readonly steps: number;
  readonly without: readonly string[];
  readonly found: string;
}[] = [
  {
    seed: 5,
    steps: 100,
    without: ['further actions'],
    found: 'a number that had vanished was bought again and never used',
  },
  {
    seed: 3,
    steps: 100,
    without: ['further actions'],
    found: 'an end without grace held only where clocks agreed',
  },
  {
    seed: 15,
    steps: 100,
    without: ['further actions'],
    found:
      'a call whose record was written twice over counted as told twice, and was connected after a refusal',
  },
  {
    seed: 35,
    steps: 100,
    without: ['further actions'],
    found: 'a decision that came too late stayed when the connection broke while it was taken back',
  },
  {
    seed: 15,
    steps: 100,
    without: ['call behind the end'],
    found: 'a replica that stood still while it bought went on although another had bought meanwhile',
  },
  {
    seed: 533,
    steps: 100,
    without: ['further actions'],
    found: 'a number that was sold, unheard of, and gone again before it was listed left the budget',
  },
  {
    seed: 754,
    steps: 100,
    without: ['further actions'],
    found: 'a question that was refused without a record was connected when it was asked again',
  },
];
