/** What {@link bounded} gives to an `LRUCache`. */
interface Bound {
  maxSize: number
  sizeCalculation: () => number
  perf: { now: () => number }
  ttlResolution: number
}

/**
 * The settings of an `LRUCache` with at most `count` entries; the least recently used one is
 * dropped first. `max` would reserve memory for all of them at the start, which takes longer than
 * the rest of the plugin.
 *
 * @param now the clock, in ms
 */
export function bounded(count: number, now: () => number = Date.now): Bound {
  // Without a resolution of 0, a timer would be created for each look-up.
  return { maxSize: count, sizeCalculation: () => 1, perf: { now }, ttlResolution: 0 }
}
