/** What the soak and its preload agree on. */

export const PACKAGE = 'why-is-node-running';
/** Environment variable: the folder where it is asked, and answers. */
export const FOLDER = 'OUTLIVE_WHY';
/** A file: the question. */
export const ASKED = 'asked';
/** `<pid>.why`: what it said. */
export const ANSWER = '.why';
