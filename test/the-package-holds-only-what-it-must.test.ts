import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

const root = join(import.meta.dirname, '..')
const read = (file: string): any => JSON.parse(readFileSync(join(root, file), 'utf8'))

t.test('The tarball has the built code, its types, and the documents.', async t => {
  const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore']
  })
  const { files } = [JSON.parse(output)].flatMap(packed =>
    Array.isArray(packed) ? packed : Object.values(packed)
  )[0] as { files: Array<{ path: string }> }
  const paths = files.map(({ path }) => path)
  t.same(paths.filter(path => !/^dist\/[\w/-]+\.(js|d\.ts)$/.test(path)).sort(), [
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'SECURITY.md',
    'package.json'
  ])
  for (const { types, default: code } of Object.values(read('package.json').exports).filter(
    entry => typeof entry === 'object'
  ) as Array<Record<string, string>>) {
    t.ok(paths.includes(types!.slice(2)) && paths.includes(code!.slice(2)), code!)
  }
})

t.test('Nothing that users install runs a script.', async t => {
  const { scripts } = read('package.json')
  t.same(
    Object.keys(scripts).filter(name => /install$/.test(name)),
    []
  )
  const packages = Object.entries(read('package-lock.json').packages) as Array<
    [string, Record<string, unknown>]
  >
  const installed = packages.filter(
    ([name, { dev, devOptional, peer }]) =>
      name !== '' && dev !== true && devOptional !== true && peer !== true
  )
  t.ok(installed.length > 5)
  t.same(
    installed.filter(([, { hasInstallScript }]) => hasInstallScript === true).map(([name]) => name),
    []
  )
})

t.test('The lock file names no host.', async t => {
  t.notMatch(readFileSync(join(root, 'package-lock.json'), 'utf8'), /"resolved"/)
})
