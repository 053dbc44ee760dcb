import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import ts from 'typescript'
import { LE_AUTH_CHANNELS, LE_AUTH_ERROR_STATUS } from '../lib/index.ts'
import { OPTION_NAMES } from '../lib/options/resolve-options.ts'

const root = join(import.meta.dirname, '..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')

t.test('The README has the same table of errors as the code, both ways.', async t => {
  const table = Object.fromEntries(
    [...readme.matchAll(/^\| `(LE_AUTH_\w+)` \| (\d+) \| \S/gm)].map(([, code, status]) => [
      code,
      Number(status)
    ])
  )
  t.same(table, LE_AUTH_ERROR_STATUS)
})

t.test('The README has the same table of options as the code, both ways.', async t => {
  const options = readme.slice(readme.indexOf('## Options'), readme.indexOf('## Errors'))
  const table = [...options.matchAll(/^\| `([\w.]+)` \|/gm)].map(([, name]) => name!)
  const groups = Object.keys(OPTION_NAMES)
  const names = Object.entries(OPTION_NAMES).flatMap(([group, names]) =>
    names.map(name => (group === '' ? name : `${group}.${name}`))
  )
  t.same(table.sort(), names.filter(name => !groups.includes(name)).sort())
})

t.test('The README has the same table of channels as the code, both ways.', async t => {
  t.same(
    [...readme.matchAll(/^\| `(fastify-le-auth:[\w:]+)` \|/gm)].map(([, name]) => name),
    LE_AUTH_CHANNELS
  )
})

t.test('The code in the README compiles.', async t => {
  const folder = mkdtempSync(join(root, 'test/readme-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const blocks = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code!)
  t.ok(blocks.length >= 4)
  const files = blocks.map((code, index) => {
    const file = join(folder, `${index}.ts`)
    // A block that creates no app continues the smallest app.
    const start = code.includes('= Fastify(')
      ? ''
      : 'declare const app: import("fastify").FastifyInstance\n'
    writeFileSync(file, `import 'fastify-le-auth'\n${start}${code}\nexport {}\n`)
    return file
  })
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
  const program = ts.createProgram(files, options)
  const problems = ts
    .getPreEmitDiagnostics(program)
    .filter(({ file }) => file?.fileName.startsWith(folder))
  t.same(
    problems.map(
      ({ messageText, file, start }) =>
        `${file?.fileName} ${start} ${ts.flattenDiagnosticMessageText(messageText, ' ')}`
    ),
    []
  )
})

t.test('The login without a browser in the README works.', async t => {
  const folder = mkdtempSync(join(root, 'test/readme-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const code = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)]
    .map(([, code]) => code!)
    .find(code => code.includes('sentinel.signIn'))
  writeFileSync(join(folder, 'login.ts'), `${code}\nexport const response = me\n`)
  const { response } = await import(join(folder, 'login.ts'))
  t.equal(response.statusCode, 200)
  t.equal(response.json().id, '3562186410')
})

t.test('Every link in the README leads to an existing target.', async t => {
  const anchors = [...readme.matchAll(/^#+ (.+)$/gm)].map(
    ([, title]) =>
      `#${title!
        .toLowerCase()
        .replace(/[^\w -]/g, '')
        .replaceAll(' ', '-')}`
  )
  for (const [, anchor] of readme.matchAll(/\]\((#[^)]+)\)/g)) {
    t.ok(anchors.includes(anchor!), anchor!)
  }
  for (const [, file] of readme.matchAll(/\]\(((?!https?:|#)[^)]+)\)/g)) {
    t.doesNotThrow(() => readFileSync(join(root, file!)), file!)
  }
})
