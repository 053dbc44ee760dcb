import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

const root = join(import.meta.dirname, '..')
const attacks = join(root, 'test/attacks')

t.test('docs/security.md promises what the attacks test, and nothing else', async t => {
  const promised = [...readFileSync(join(root, 'docs/security.md'), 'utf8').matchAll(/^\| ([A-Z]{2}\d+) \| \S/gm)].map(([, id]) => id!)
  const tests = readdirSync(attacks).filter(file => file.endsWith('.test.ts')).map(file => readFileSync(join(attacks, file), 'utf8'))
  // Whatever a file calls its replay, its first argument is the row; or the row begins an entry of a table of replays.
  const replayed = tests.flatMap(text => [...text.matchAll(/(?:^|\n) *(?:\w+\(|\[)'([A-Z]{2}\d{1,2})', /g)].map(([, id]) => id!))
  t.ok(promised.length > 100)
  t.same([...promised].sort(), [...new Set(replayed)].sort())
  t.equal(new Set(promised).size, promised.length, 'each once')
})

t.test('its links lead somewhere', async t => {
  for (const [, file] of readFileSync(join(root, 'docs/security.md'), 'utf8').matchAll(/\]\((\.\.?\/[^)]+)\)/g)) t.doesNotThrow(() => readFileSync(join(root, 'docs', file!)), file!)
})
