import { fileURLToPath } from 'node:url'
import { run } from './processes.mjs'

const DRIVER = fileURLToPath(new URL('../logins/driver.mjs', import.meta.url))
/** Time limit for one run of the driver, in ms. */
const TIMEOUT = 150_000

/** Runs logins from a separate process, for `seconds` or until `count`; returns their number. */
export async function drive(options) {
  const { done } = JSON.parse(
    await run(process.execPath, [DRIVER, JSON.stringify({ atOnce: 20, ...options })], TIMEOUT)
  )
  if (options.count !== undefined && done < options.count) {
    throw new Error(`only ${done} of ${options.count} logins finished in time`)
  }
  return done
}
