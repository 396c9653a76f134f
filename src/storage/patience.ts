/**
 * Whether somebody waits on the line for a statement. Who is `patient` never has all connections, and lets others go
 * first, so that a call is decided meanwhile.
 */
export type Patience = 'prompt' | 'patient';
