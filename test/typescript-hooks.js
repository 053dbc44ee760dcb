import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, extname, join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { threadId } from 'node:worker_threads'

// Module hooks that run TypeScript. Each file is compiled once and kept until it changes, so that
// only one of a hundred processes compiles it. Node 20 cannot strip types itself, and only the
// compiler's own source maps give true coverage.

const root = join(import.meta.dirname, '..')
const kept = join(root, '.tap/compiled')
const config = readFileSync(join(root, 'tsconfig.json'), 'utf8')
const { compilerOptions } = JSON.parse(config)
const compiler = readFileSync(join(root, 'node_modules/typescript/package.json'), 'utf8')

/** Resolves the package's own name to its sources. */
export async function resolve(specifier, context, nextResolve) {
  const own = compilerOptions.paths[specifier]
  if (own !== undefined) return nextResolve(pathToFileURL(join(root, own[0])).href, context)
  return nextResolve(specifier, context)
}

export async function load(url, context, nextLoad) {
  if (!url.startsWith('file:') || extname(new URL(url).pathname) !== '.ts') {
    return nextLoad(url, context)
  }
  return { format: 'module', shortCircuit: true, source: await compiled(fileURLToPath(url)) }
}

async function compiled(file) {
  const source = readFileSync(file, 'utf8')
  const mark = `//# compiled-from=${createHash('sha256')
    .update(compiler + config + source)
    .digest('hex')}`
  const path = join(kept, `${relative(root, file)}.js`)
  const before = existsSync(path) ? readFileSync(path, 'utf8') : ''
  return before.endsWith(mark) ? before : keep(path, `${await compile(file, source)}\n${mark}`)
}

async function compile(fileName, source) {
  const { default: ts } = await import('typescript')
  const { options } = ts.convertCompilerOptionsFromJson(compilerOptions, root)
  const forNode = {
    ...options,
    module: ts.ModuleKind.ESNext,
    noEmit: false,
    rewriteRelativeImportExtensions: false,
    declaration: false,
    inlineSourceMap: true,
    inlineSources: true
  }
  return ts.transpileModule(source, { fileName, compilerOptions: forNode }).outputText
}

/** Writes at once or not at all: several processes may do it together. */
function keep(path, code) {
  const own = `${path}.${process.pid}-${threadId}`
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(own, code)
  renameSync(own, path)
  return code
}
