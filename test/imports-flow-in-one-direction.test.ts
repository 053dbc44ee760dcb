import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import t from 'tap'

/** What each room may import; types included, for a type is knowledge too. Files at the top of lib/ are a room each. */
const MAY_IMPORT: Record<string, string[]> = {
  index: ['plugin', 'diagnostics', 'errors', 'options', 'access', 'sentinel', 'store'],
  plugin: ['options', 'login', 'access', 'session', 'tokens', 'logins', 'store', 'sentinel', 'liveperson', 'http', 'clock', 'errors'],
  login: ['access', 'session', 'tokens', 'logins', 'store', 'sentinel', 'liveperson', 'options', 'http', 'diagnostics', 'errors'],
  access: ['session', 'tokens', 'logins', 'sentinel', 'liveperson', 'options', 'http', 'clock', 'diagnostics', 'errors'],
  session: ['logins', 'store', 'options', 'clock', 'errors'],
  options: ['liveperson', 'sentinel', 'store', 'http', 'clock', 'errors'],
  tokens: ['logins', 'store', 'sentinel', 'clock', 'diagnostics', 'errors'],
  logins: ['store', 'sentinel', 'clock', 'errors'],
  sentinel: ['http', 'errors'],
  liveperson: ['http', 'errors'],
  store: ['clock', 'errors'],
  http: ['clock'],
  emulator: [],
  diagnostics: ['errors'],
  errors: [],
  clock: []
}
/** What handles requests. The rest would work behind another server. */
const KNOWS_FASTIFY = ['plugin', 'login', 'access', 'session', 'options', 'http', 'emulator']

const lib = join(import.meta.dirname, '../lib')

interface Import { file: string, room: string, from: string }

function imports (): Import[] {
  return readdirSync(lib, { recursive: true, encoding: 'utf8' }).filter(file => /(?<!\.d)\.ts$/.test(file)).flatMap(file => {
    const source = readFileSync(join(lib, file), 'utf8')
    return [...source.matchAll(/(?:^|\n)(?:import|export)[^'\n]*?(?:from )?'([^']+)'/g)].map(([, from]) => ({ file, room: roomOf(file), from: from! }))
  })
}

function roomOf (file: string): string {
  return file.split('/')[0]!.replace(/\.[tj]s$/, '')
}

t.test('each room imports only what stands below it', async t => {
  const all = imports().filter(({ from }) => from.startsWith('.'))
  t.ok(all.length > 100)
  for (const { file, room, from } of all) {
    const target = roomOf(relative(lib, join(lib, dirname(file), from)))
    t.ok(target === room || MAY_IMPORT[room]?.includes(target), `${file} imports ${from}`)
  }
})

t.test('every room is in the list, and the list has no circle', async t => {
  for (const { file, room } of imports()) t.ok(MAY_IMPORT[room], `${file} is in no known room`)
  const visit = (room: string, path: string[]): void => {
    if (path.includes(room)) { t.fail(`circle: ${[...path, room].join(' → ')}`); return }
    for (const next of MAY_IMPORT[room]!) visit(next, [...path, room])
  }
  for (const room of Object.keys(MAY_IMPORT)) visit(room, [])
})

t.test('tokens, logins, store and what stands below them know nothing of fastify', async t => {
  for (const { file, room, from } of imports()) {
    if (/^(fastify|@fastify\/(?!error))/.test(from)) t.ok(KNOWS_FASTIFY.includes(room), `${file} imports ${from}`)
  }
})
