/** Errors that are told one inside the other; more means that they go in circles. */
const DEPTH_MAXIMUM = 10;

/** What could not be done, and why in the end: the client wraps the one into several layers of the other. */
export function kafkaReason(error: unknown): string {
  let [outer, inner] = ['', ''];
  let at: unknown = error;
  for (let depth = 0; depth < DEPTH_MAXIMUM && at instanceof Error; depth++) {
    if (at.message !== '') [outer, inner] = [outer || at.message, at.message];
    at = at instanceof AggregateError ? (at.errors[0] ?? at.cause) : at.cause;
  }
  if (outer === '') return String(error);
  return outer === inner ? outer : `${outer.replace(/\.$/, '')}: ${inner}`;
}

/** @throws Error that says what to look at, when the cluster cannot be asked or refuses */
export async function askKafka<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new Error(
      `${kafkaReason(error)}. Check KAFKA_BROKERS and its TLS and SASL settings; \`maskline doctor\` looks at them.`,
      { cause: error },
    );
  }
}
