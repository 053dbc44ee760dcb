// Logins, many at once: node driver.mjs '{"server":…,"kind":"whole","atOnce":20,"seconds":5}', or "count" instead of "seconds".
// "abandoned" ones end after /login. Prints how many there were; the first that fails ends it.
import { Browser } from './browser.mjs'
import { begin, logIn } from './log-in.mjs'

const { server, kind, atOnce, seconds = 120, count = 100_000 } = JSON.parse(process.argv[2])
/** One whole login in so many is asked for its user. */
const LOOKED_AT = 50

const browser = new Browser(atOnce)
const end = performance.now() + seconds * 1000
let begun = 0
let done = 0

async function oneAfterAnother () {
  while (begun < count && performance.now() < end) {
    begun += 1
    await login(begun)
    done += 1
  }
}

async function login (number) {
  if (kind === 'abandoned') return begin(browser, server)
  const jar = await logIn(browser, server)
  if (number % LOOKED_AT === 0) await expectUser(jar)
}

async function expectUser (jar) {
  const { status, body } = await browser.open(`${server}/private`, jar)
  if (status !== 200 || !body.includes('user-')) throw new Error(`/private answered ${status} after a login`)
}

await Promise.all(Array.from({ length: atOnce }, oneAfterAnother))
await browser.close()
console.log(JSON.stringify({ done }))
