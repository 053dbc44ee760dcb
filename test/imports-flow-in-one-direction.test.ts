import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import t from 'tap'

/**
 * What each room may import, types included. Files at the top of lib/ are a room each. The rooms of
 * the emulator are below.
 */
const MAY_IMPORT: Record<string, string[]> = {
  index: ['plugin', 'diagnostics', 'errors', 'options', 'access', 'sentinel', 'store', 'http'],
  plugin: [
    'options',
    'login',
    'access',
    'session',
    'tokens',
    'logins',
    'store',
    'sentinel',
    'liveperson',
    'http'
  ],
  login: [
    'access',
    'session',
    'tokens',
    'logins',
    'store',
    'sentinel',
    'liveperson',
    'options',
    'http',
    'diagnostics',
    'clock',
    'errors'
  ],
  access: [
    'session',
    'tokens',
    'logins',
    'sentinel',
    'liveperson',
    'options',
    'http',
    'clock',
    'diagnostics',
    'errors'
  ],
  session: ['logins', 'store', 'options', 'clock', 'errors'],
  options: ['liveperson', 'sentinel', 'store', 'http', 'clock', 'errors'],
  tokens: ['logins', 'store', 'sentinel', 'clock', 'diagnostics', 'errors'],
  logins: ['store', 'sentinel', 'clock', 'diagnostics', 'errors'],
  sentinel: ['http', 'errors'],
  liveperson: ['http', 'errors'],
  store: ['clock', 'errors'],
  http: ['clock', 'errors'],
  emulator: ['http', 'options'],
  diagnostics: ['errors'],
  errors: [],
  clock: []
}
/** What handles requests. The rest would work with another server. */
const KNOWS_FASTIFY = ['plugin', 'login', 'access', 'session', 'options', 'http', 'emulator']

const root = join(import.meta.dirname, '..')

interface Import {
  file: string
  room: string
  from: string
}

/** The imports of all modules below a folder. */
function importsOf(folder: string): Import[] {
  const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).filter(
    file => /(?<!\.d)\.(ts|mjs)$/.test(file) && !file.startsWith('.')
  )
  return files.flatMap(file => {
    const source = readFileSync(join(root, folder, file), 'utf8')
    const found = source.matchAll(/(?:^|\n)(?:import|export)\b[^'"]*?(?:from )?'([^']+)'/g)
    return [...found].map(([, from]) => ({ file, room: roomOf(file), from: from! }))
  })
}

function roomOf(file: string): string {
  return file.split('/')[0]!.replace(/\.[tj]s$/, '')
}

function targetOf({ file, from }: Import): string {
  return relative('.', join(dirname(file), from))
}

/** A way from a module back to itself; `null` if there is none. */
function circleIn(imports: Import[]): string[] | null {
  const local = imports.filter(({ from }) => from.startsWith('.'))
  const done = new Set<string>()
  const visit = (file: string, path: string[]): string[] | null => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file]
    if (done.has(file)) return null
    for (const found of local.filter(found => found.file === file)) {
      const circle = visit(targetOf(found), [...path, file])
      if (circle !== null) return circle
    }
    done.add(file)
    return null
  }
  for (const { file } of local) {
    const circle = visit(file, [])
    if (circle !== null) return circle
  }
  return null
}

t.test('Each room of lib/ imports only the rooms below it.', async t => {
  const local = importsOf('lib').filter(({ from }) => from.startsWith('.'))
  t.ok(local.length > 200)
  for (const found of local) {
    const target = roomOf(targetOf(found))
    const isAllowed = target === found.room || MAY_IMPORT[found.room]?.includes(target)
    t.ok(isAllowed, `${found.file} imports ${found.from}`)
  }
})

t.test('The list of rooms is complete, and no room is below itself.', async t => {
  for (const { file, room } of importsOf('lib')) {
    t.ok(MAY_IMPORT[room], `${file} is in no known room`)
  }
  const visit = (room: string, path: string[]): void => {
    if (path.includes(room)) {
      t.fail(`circle: ${[...path, room].join(' → ')}`)
      return
    }
    for (const next of MAY_IMPORT[room]!) visit(next, [...path, room])
  }
  for (const room of Object.keys(MAY_IMPORT)) visit(room, [])
})

for (const folder of ['lib', 'example-app', 'bench']) {
  t.test(`No module of ${folder}/ imports itself by a detour, types included.`, async t => {
    t.equal(circleIn(importsOf(folder))?.join(' → '), undefined)
  })
}

t.test(
  'The rooms below access/ know nothing of Fastify, except those that handle requests.',
  async t => {
    for (const { file, room, from } of importsOf('lib')) {
      if (/^(@fastify\/|fastify(-plugin)?$)/.test(from)) {
        t.ok(KNOWS_FASTIFY.includes(room), `${file} imports ${from}`)
      }
    }
  }
)

t.test('lib/ has five files of its own at most. The others are in a room.', async t => {
  const files = readdirSync(join(root, 'lib')).filter(file => file.endsWith('.ts'))
  t.ok(files.length <= 5, files.join())
})
