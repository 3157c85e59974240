/** What the user can put right: the message is one clear sentence, shown without a stack, exit code 2. */
export class UserError extends Error {
  override name = 'UserError';
}
