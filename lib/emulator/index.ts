export { startSentinelEmulator, sentinelEmulator } from './emulator.js'
export { EMULATOR_DEFAULTS } from './settings/defaults.js'

export type { EmulatorDefaults } from './settings/defaults.js'
export type { StartSentinelEmulatorOptions } from './emulator.js'
export type { SentinelEmulator } from './sentinel.js'
export type { SentinelEmulatorOptions } from './settings/options.js'
export type {
  Account, AccountData, Application, ApplicationData, User, UserData
} from './settings/accounts.js'
export type { Behaviour } from './settings/behaviour.js'
export type { Lifetimes } from './settings/lifetimes.js'
export type {
  Change, CutOff, Delay, Drip, Endpoint, Fault, Hang, Replacement
} from './faults/faults.js'
export type { ReceivedRequest } from './request-log.js'
