import { isInstalled } from './cores.mjs'
import { INSTALLED } from './install.mjs'
import { run } from './processes.mjs'

const CONNECTIONS = 50
/** How much longer than planned a load generator may run, in ms. */
const GRACE = 15_000

export const generator = isInstalled('wrk') ? 'wrk' : 'autocannon'

/** Repeats one GET request over keep-alive connections. @throws at a status of 400 or more */
export function load(url, cookie, seconds) {
  return generator === 'wrk' ? wrk(url, cookie, seconds) : autocannon(url, cookie, seconds)
}

async function wrk(url, cookie, seconds) {
  const header = cookie ? ['-H', `Cookie: ${cookie}`] : []
  const output = await run(
    'wrk',
    ['-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, ...header, url],
    seconds * 1000 + GRACE
  )
  const failed = /Non-2xx or 3xx responses: .*|Socket errors: .*/.exec(output)
  if (failed) throw new Error(`${url}: ${failed[0]}`)
  return {
    perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(output)[1]),
    requests: Number(/(\d+) requests in/.exec(output)[1])
  }
}

async function autocannon(url, cookie, seconds) {
  const script = `${INSTALLED}/node_modules/autocannon/autocannon.js`
  const header = cookie ? ['-H', `Cookie=${cookie}`] : []
  const output = await run(
    process.execPath,
    [script, '--json', '-c', CONNECTIONS, '-d', seconds, ...header, url],
    seconds * 1000 + GRACE
  )
  const {
    '4xx': clientErrors,
    '5xx': serverErrors,
    errors,
    duration,
    requests: { total }
  } = JSON.parse(output)
  if (clientErrors + serverErrors + errors > 0) {
    throw new Error(`${url}: ${clientErrors + serverErrors} refused, ${errors} errors`)
  }
  return { perSecond: total / duration, requests: total }
}
