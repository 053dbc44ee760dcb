// Runs many logins at once:
//   node driver.mjs '{"server":…,"kind":"whole","atOnce":20,"seconds":5}'
// or "count" instead of "seconds". The kind "abandoned" stops after /login. Prints the number of
// logins, and ends with an error if one fails.
import { Browser } from './browser.mjs'
import { begin, logIn } from './log-in.mjs'

const { server, kind, atOnce, seconds = 120, count = 100_000 } = JSON.parse(process.argv[2])
/** The user is checked after every 50th login. */
const CHECK_EVERY = 50

const browser = new Browser(atOnce)
const end = performance.now() + seconds * 1000
let started = 0
let done = 0

async function oneAfterAnother() {
  while (started < count && performance.now() < end) {
    started += 1
    await login(started)
    done += 1
  }
}

async function login(number) {
  if (kind === 'abandoned') return begin(browser, server)
  const jar = await logIn(browser, server)
  if (number % CHECK_EVERY === 0) await expectUser(jar)
}

async function expectUser(jar) {
  const { status, body } = await browser.open(`${server}/private`, jar)
  if (status !== 200 || !body.includes('user-')) {
    throw new Error(`/private responded ${status} after a login`)
  }
}

await Promise.all(Array.from({ length: atOnce }, oneAfterAnother))
await browser.close()
console.log(JSON.stringify({ done }))
