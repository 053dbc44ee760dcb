import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

const root = join(import.meta.dirname, '..')
const attacks = join(root, 'test/attacks')

t.test('docs/security.md promises what the attacks test, and nothing else.', async t => {
  const promised = [
    ...readFileSync(join(root, 'docs/security.md'), 'utf8').matchAll(/^\| ([A-Z]{2}\d+) +\| \S/gm)
  ].map(([, id]) => id!)
  const tests = readdirSync(attacks)
    .filter(file => file.endsWith('.test.ts'))
    .map(file => readFileSync(join(attacks, file), 'utf8'))
  // The row is the first argument of a replay, whatever its name, or the first item of an entry in
  // a table of replays.
  const replayed = tests.flatMap(text =>
    [...text.matchAll(/(?:^|\n) *(?:\w+\(|\[)\s*'([A-Z]{2}\d{1,2})',\s/g)].map(([, id]) => id!)
  )
  t.ok(promised.length > 100)
  t.same([...promised].sort(), [...new Set(replayed)].sort())
  t.equal(new Set(promised).size, promised.length, 'each promise once')
})

t.test('The links in docs/security.md lead to existing files.', async t => {
  for (const [, file] of readFileSync(join(root, 'docs/security.md'), 'utf8').matchAll(
    /\]\((\.\.?\/[^)]+)\)/g
  )) {
    t.doesNotThrow(() => readFileSync(join(root, 'docs', file!)), file!)
  }
})
