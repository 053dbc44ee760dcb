import { register } from 'node:module'

// For `node --import ./test/typescript.js`, as .taprc and the tests that start processes do.
register('./typescript-hooks.js', import.meta.url)
