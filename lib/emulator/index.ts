export { startSentinelEmulator, sentinelEmulator } from './emulator.ts'
export { EMULATOR_DEFAULTS } from './settings/defaults.ts'

export type { EmulatorDefaults } from './settings/defaults.ts'
export type { StartSentinelEmulatorOptions } from './emulator.ts'
export type { SentinelEmulator } from './sentinel.ts'
export type { SentinelEmulatorOptions } from './settings/options.ts'
export type {
  Account,
  AccountData,
  Application,
  ApplicationData,
  User,
  UserData
} from './settings/accounts.ts'
export type { Behaviour } from './settings/behaviour.ts'
export type { Lifetimes } from './settings/lifetimes.ts'
export type {
  Change,
  CutOff,
  Delay,
  Drip,
  Endpoint,
  Fault,
  Hang,
  Replacement
} from './faults/faults.ts'
export type { ReceivedRequest } from './request-log.ts'
