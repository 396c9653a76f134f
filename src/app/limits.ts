/** Every limit of the use cases in one place, each with its unit. */
export const LIMITS = {
  /** an answer webhook is answered by then, with a neutral sentence if need be */
  answerDeadlineMs: 400,
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
  providerTimeoutMs: 10_000,
  profileTimeoutMs: 3_000,
  /** after this much silence beyond its limit, a call is closed by us */
  callOverdueSeconds: 120,
  messageCharacters: 1_600,
} as const;
