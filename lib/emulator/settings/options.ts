import { accountProblems } from './account-problems.js'
import { accountFrom, type Account, type AccountData } from './accounts.js'
import { behaviourFrom, behaviourProblems, type Behaviour } from './behaviour.js'
import { defaultAccounts } from './defaults.js'
import { lifetimeProblems, lifetimesFrom, type Lifetimes } from './lifetimes.js'

/** The emulator's data and clock. Every option has a default. */
export interface SentinelEmulatorOptions {
  /**
   * The accounts with their applications and users. The emulator copies them, so its own may be
   * changed freely.
   * @default two accounts, see `EMULATOR_DEFAULTS`
   */
  readonly accounts?: readonly AccountData[]
  /** How long things are valid, in ms. @default see {@link Lifetimes} */
  readonly lifetimes?: Partial<Lifetimes>
  /** The readings of LivePerson's documents to start with. @default see {@link Behaviour} */
  readonly behaviour?: Partial<Behaviour>
  /**
   * The clock: ms since 1970. Faults that delay use real time instead.
   * @default Date.now
   */
  readonly now?: () => number
}

/** The checked options, copied, with all defaults. */
export interface Settings {
  readonly accounts: Account[]
  readonly lifetimes: Lifetimes
  readonly behaviour: Behaviour
  readonly now: () => number
}

const NAMES = ['accounts', 'lifetimes', 'behaviour', 'now']

/**
 * Checks the options and adds the defaults.
 * @throws TypeError if an option is wrong; the message names every wrong option
 */
export function resolveOptions (options: SentinelEmulatorOptions): Settings {
  const { accounts = defaultAccounts(), lifetimes = {}, behaviour = {}, now = Date.now } = options
  const problems = [
    ...unknownNames(options),
    ...accountProblems(accounts),
    ...lifetimeProblems(lifetimes),
    ...behaviourProblems(behaviour),
    ...typeof now === 'function' ? [] : ['now must be a function']
  ]
  if (problems.length > 0) throw new TypeError(`Sentinel emulator: ${problems.join('; ')}`)
  return {
    accounts: accounts.map(accountFrom),
    lifetimes: lifetimesFrom(lifetimes),
    behaviour: behaviourFrom(behaviour),
    now
  }
}

function * unknownNames (options: SentinelEmulatorOptions): Generator<string> {
  for (const name of Object.keys(options)) {
    if (!NAMES.includes(name)) yield `${name} is not an option`
  }
}
