// A measurement has:
//
//   name, title, columns, baselines, ratioOf   its table
//   rounds, sample                             how often and how a sample is taken
//   appliesTo                                  which contestants can be measured; default: all
//   server                                     how the server is started, see withServer
//   timed: false                               other programs on the machine do not change it
import { wholeLogins } from './logins.mjs'
import { abandonedLogins, keptLogins } from './memory.mjs'
import { loginPage, protectedRoute, publicPage } from './rates.mjs'
import { startUp } from './start.mjs'
import { storeCalls } from './store-calls.mjs'

export const measurements = [
  protectedRoute,
  publicPage,
  loginPage,
  wholeLogins,
  abandonedLogins,
  keptLogins,
  startUp,
  storeCalls
]
