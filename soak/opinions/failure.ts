/** Why another tool gave no opinion, in words. */
export function failureWords(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.name === 'AbortError' ? 'the soak was interrupted.' : error.message;
}
