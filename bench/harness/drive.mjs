import { fileURLToPath } from 'node:url'
import { run } from './processes.mjs'

const DRIVER = fileURLToPath(new URL('../logins/driver.mjs', import.meta.url))
/** For one run of the driver, in ms. */
const WITHIN = 150_000

/** Sends logins from a process of its own, for `seconds` or until there were `count`; returns how many there were. */
export async function drive (options) {
  const { done } = JSON.parse(await run(process.execPath, [DRIVER, JSON.stringify({ atOnce: 20, ...options })], WITHIN))
  if (options.count !== undefined && done < options.count) throw new Error(`only ${done} of ${options.count} logins in time`)
  return done
}
