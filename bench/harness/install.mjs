// Packs the project as it is published, and installs it with the other contestants' packages in a
// separate folder.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync
} from 'node:fs'
import { readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

const path = relative => fileURLToPath(new URL(relative, import.meta.url))
const PROJECT = path('../..')
const CONTESTANTS = path('../contestants')
/** Contestants run here, so that Node finds their packages. */
export const INSTALLED = path('../.installs')
const TARBALL = `${INSTALLED}/fastify-le-auth.tgz`
const STAMP = `${INSTALLED}/node_modules/.stamp`

/** Builds, packs and installs. Installs nothing if the packages are unchanged. */
export async function install(log) {
  mkdirSync(INSTALLED, { recursive: true })
  log('build and pack fastify-le-auth')
  await pack()
  copyContestants()
  const stamp = hashOf(TARBALL, `${INSTALLED}/package.json`)
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === stamp) return
  log("install the contestants' packages")
  rmSync(`${INSTALLED}/node_modules`, { recursive: true, force: true })
  npm(
    [
      'install',
      '--omit=dev',
      '--no-audit',
      '--no-fund',
      '--no-package-lock',
      '--ignore-scripts',
      '--loglevel=error'
    ],
    INSTALLED
  )
  writeFileSync(STAMP, stamp)
}

/** `npm pack` also builds, through the project's prepack script. */
async function pack() {
  const folder = `${INSTALLED}/packed`
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
  npm(['pack', '--pack-destination', folder, '--loglevel=error'], PROJECT)
  const [name] = await readdir(folder)
  renameSync(`${folder}/${name}`, TARBALL)
}

function copyContestants() {
  cpSync(CONTESTANTS, INSTALLED, { recursive: true })
  const manifest = JSON.parse(readFileSync(`${CONTESTANTS}/package.json`, 'utf8'))
  manifest.dependencies['fastify-le-auth'] = 'file:fastify-le-auth.tgz'
  writeFileSync(`${INSTALLED}/package.json`, JSON.stringify(manifest, null, 2))
}

function npm(args, cwd) {
  const { status, stderr } = spawnSync('npm', args, { cwd, encoding: 'utf8', timeout: 300_000 })
  if (status !== 0) throw new Error(`npm ${args[0]} failed: ${stderr}`)
}

function hashOf(...files) {
  const hash = createHash('sha256')
  for (const file of files) hash.update(readFileSync(file))
  return hash.digest('hex')
}
