import { readdirSync } from 'node:fs'

const lib = readdirSync(new URL('../lib', import.meta.url), { recursive: true, encoding: 'utf8' })
  .filter(file => file.endsWith('.ts'))
  .map(file => `lib/${file}`)

/** What the tests must cover: lib/, and not the example app or their own helpers. */
export default () => lib
