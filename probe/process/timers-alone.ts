/** What Node has besides whenever a program listens or watches, though nothing is under way. */
const IDLE = new Set([
  'Immediate',
  'TTYWrap',
  'PipeWrap',
  'TCPServerWrap',
  'PipeServerWrap',
  'FSEventWrap',
  'StatWatcher',
]);

/** How many timers hold the event loop, where nothing else is under way: no socket, request, child or thread; else null. */
export function timersAlone(): number | null {
  const types = process.getActiveResourcesInfo?.() ?? [''];
  const timers = types.filter((type) => type === 'Timeout').length;
  return types.every((type) => type === 'Timeout' || IDLE.has(type)) ? timers : null;
}
