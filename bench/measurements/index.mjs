// One measurement: `name`, `title`, `columns`, `baselines` and `ratioOf` for its table, `rounds` and `sample` to take it,
// `suits` says who can be measured, and `server` how it is started. `timed: false`: other work on the machine does not change it.
import { wholeLogins } from './logins.mjs'
import { abandonedLogins, keptLogins } from './memory.mjs'
import { loginPage, protectedRoute, publicPage } from './rates.mjs'
import { firstAnswer } from './start.mjs'
import { storeCalls } from './store-calls.mjs'

export const measurements = [protectedRoute, publicPage, loginPage, wholeLogins, abandonedLogins, keptLogins, firstAnswer, storeCalls]
