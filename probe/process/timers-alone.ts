/** What Node has besides whenever a program listens, watches or writes, though nothing is under way. */
const IDLE = new Set([
  'Immediate',
  'TTYWrap',
  'PipeWrap',
  'TCPServerWrap',
  'PipeServerWrap',
  'FSEventWrap',
  'StatWatcher',
]);

interface Handle {
  _handle?: { reading?: boolean } | null;
}

/**
 * How many timers hold the event loop, where nothing else is under way: no socket, request, child or thread, and nothing
 * comes from the parent; else null.
 */
export function timersAlone(): number | null {
  const types = process.getActiveResourcesInfo?.() ?? [''];
  if (!types.every((type) => type === 'Timeout' || IDLE.has(type))) return null;
  const { _getActiveHandles } = process as unknown as { _getActiveHandles?(): Handle[] };
  if (_getActiveHandles?.call(process).some(isHeard)) return null;
  return types.filter((type) => type === 'Timeout').length;
}

/** Standard input that is read, or the channel to the parent. */
function isHeard(handle: Handle): boolean {
  return handle._handle?.reading === true || handle.constructor?.name === 'Pipe';
}
