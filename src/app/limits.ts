/** Every limit of the use cases in one place, each with its unit. */
export const LIMITS = {
  /**
   * A question is decided by then since it arrived here, or refused. Whoever asks has the answer by 400 ms: the 50 ms that
   * are left go to the grid of refusals (up to 20), a timer that fires late while the processor is busy, rendering and
   * writing. Measured at 400 ms, with other work on the machine, the answers were out after 421 (median) to 432 ms (p99).
   */
  decisionDeadlineMs: 350,
  /** how long after the first prompt a PIN may be keyed in */
  pinPatienceSeconds: 120,
  /** an announced call may come for so long */
  callIntentSeconds: 60,
  /** the same question gets the same answer for so long, and none afterwards */
  answerReplaySeconds: 60,
  /** how often allocation chooses again after somebody else was quicker */
  allocationAttempts: 200,
  /** pending sessions that are tried in one go */
  pendingBatch: 100,
  expiryBatch: 100,
  /** an order that was placed counts as coming demand for so long */
  demandSeconds: 30 * 60,
  /** numbers bought in one round for one pool */
  provisionBatch: 50,
  provisionConcurrency: 5,
  intentBatch: 1_000,
  /** a purchase that the provider does not list after so long was not made */
  intentPatienceSeconds: 60,
  /** the same where orders take their time */
  intentPatienceAsynchronousSeconds: 15 * 60,
  /** what an account may buy, and buy and give back, in 30 days, unless its own budget says otherwise */
  monthlyPurchases: 5_000,
  monthlyChurn: 10_000,
  providerTimeoutMs: 10_000,
  /** for a list of every number held, which can be many pages */
  providerListTimeoutMs: 60_000,
  /** for a provider that wants a pause and does not say how long */
  providerPauseSeconds: 30,
  /** at most this share of an account's numbers, and so many beyond it, are withdrawn at once */
  vanishedShare: 0.2,
  vanishedExtra: 5,
  numberPage: 500,
  /** draining numbers given back in one look */
  drainBatch: 50,
  profileTimeoutMs: 3_000,
  /** after this much silence beyond its limit, a call is closed by us */
  callOverdueSeconds: 120,
  /** a call that nobody reports on is asked about this often */
  callQuietSeconds: 240,
  /** calls that are asked about in one look, and how many at a time of one account */
  callCheckBatch: 100,
  callCheckConcurrency: 5,
  /** how much longer we wait for a provider that cannot say now how a call has ended */
  callEndPatienceSeconds: 300,
} as const;
