import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'

/** Bun is tried where it is installed, as in CI. */
const bun = process.env['BUN_PATH'] ?? 'bun'
const { error } = spawnSync(bun, ['--version'])

t.test(
  'A login, a call, a refresh and a logout work under Bun, and the app closes.',
  { skip: error === undefined ? false : 'no bun in PATH or BUN_PATH' },
  async t => {
    const program = join(import.meta.dirname, '../support/bun-app.ts')
    const env = { PATH: process.env['PATH'], HOME: process.env['HOME'] }
    const { stdout, stderr } = spawnSync(bun, [program], { encoding: 'utf8', env })
    t.same(JSON.parse(stdout || 'null'), { statuses: [302, 303, 200, 204], closed: true }, stderr)
  }
)
