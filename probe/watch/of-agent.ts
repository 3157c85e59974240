/** Whether a socket is connected by an HTTP agent: by the first argument of `connect`, also as Node's own calls hand it on. */
export function isOfAgent(given: unknown): boolean {
  const options = Array.isArray(given) ? given[0] : given;
  return (options as { _agentKey?: unknown } | null | undefined)?._agentKey !== undefined;
}
