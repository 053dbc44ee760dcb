/** Nobody logs in with more tabs at once, and each one costs a cookie on every request. */
const MAX_PENDING = 5
/** Servers and proxies begin to refuse a Cookie header at 4 KB, and other cookies need room. */
const MAX_BYTES = 3500

/** A pending transaction's cookie. */
export interface PendingTransaction {
  name: string
  size: number
}

/**
 * The pending transactions that a browser drops for a new one: the oldest, until number and size
 * fit.
 *
 * @param pending in the order of the Cookie header: browsers send the oldest first (RFC 6265 §5.4)
 * @param newSize name and value of the new one, in bytes
 */
export function droppedTransactions(pending: PendingTransaction[], newSize: number): string[] {
  let count = pending.length + 1
  let bytes = pending.reduce((sum, { size }) => sum + size, newSize)
  const dropped: string[] = []
  for (const { name, size } of pending) {
    if (count <= MAX_PENDING && bytes <= MAX_BYTES) break
    dropped.push(name)
    count -= 1
    bytes -= size
  }
  return dropped
}
