import { OptionReader } from '../../options/option-reader.ts'
import { accountProblems } from './account-problems.ts'
import { accountFrom, type Account, type AccountData } from './accounts.ts'
import { readBehaviour, type Behaviour } from './behaviour.ts'
import { defaultAccounts } from './defaults.ts'
import { readLifetimes, type Lifetimes } from './lifetimes.ts'

/** The emulator's data and clock. Every option has a default. */
export interface SentinelEmulatorOptions {
  /**
   * The accounts with their applications and users. The emulator copies them, so you may change
   * `sentinel.accounts` freely.
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
  /**
   * Also responds to other machines, and `startSentinelEmulator` listens on all addresses. For
   * a container: the browser outside it looks like another machine. Publish the port on 127.0.0.1
   * only, because whoever reaches the emulator knows its passwords.
   * @default false
   */
  readonly inContainer?: boolean
}

/** The checked options, copied, with all defaults. */
export interface Settings {
  readonly accounts: Account[]
  readonly lifetimes: Lifetimes
  readonly behaviour: Behaviour
  readonly now: () => number
  readonly inContainer: boolean
}

const NAMES = ['accounts', 'lifetimes', 'behaviour', 'now', 'inContainer']

/**
 * Checks the options and adds the defaults.
 * @throws TypeError if an option is wrong; the message names every wrong option
 */
export function resolveOptions(options: SentinelEmulatorOptions): Settings {
  const { accounts = defaultAccounts() } = options
  const read = new OptionReader(options, { owner: 'the emulator' })
  read.known('', NAMES)
  read.problems.push(...accountProblems(accounts))
  const lifetimes = readLifetimes(read)
  const behaviour = readBehaviour(read)
  const now = read.hook<() => number>('now') ?? Date.now
  const inContainer = read.boolean('inContainer', false)
  throwProblems(read)
  return { accounts: accounts.map(accountFrom), lifetimes, behaviour, now, inContainer }
}

/** @throws TypeError if a reader has found a wrong option; the message names every one */
export function throwProblems({ problems }: OptionReader): void {
  if (problems.length > 0) throw new TypeError(`Sentinel emulator: ${problems.join('; ')}`)
}
