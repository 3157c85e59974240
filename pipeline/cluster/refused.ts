/** What the job manager will not do, and why: what the API answers with. */
export class Refused extends Error {
  override name = 'Refused';
  readonly status: number;
  /** For programs. */
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}
