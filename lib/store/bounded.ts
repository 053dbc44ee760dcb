/** What {@link bounded} gives to an `LRUCache`. */
interface Bound {
  maxSize: number
  sizeCalculation: () => number
  perf: { now: () => number }
  ttlResolution: number
}

/**
 * The settings of an `LRUCache` for so many entries. Said as a size and not as `max`, no room is reserved for all of them at the
 * start, which would take longer than the rest of the plugin.
 *
 * @param count how many entries to keep; the least recently used one goes first
 * @param now the clock, in ms
 */
export function bounded (count: number, now: () => number = Date.now): Bound {
  // Without a resolution no timer is made for each look.
  return { maxSize: count, sizeCalculation: () => 1, perf: { now }, ttlResolution: 0 }
}
