import type { Ledger } from './ledger.ts'
import type { Settings } from './settings/options.ts'

/** The state of one emulator. Routes read it, and change only the ledger. */
export interface EmulatorState extends Settings {
  readonly ledger: Ledger
  /** The host and port that the emulator listens on. @throws Error before it listens */
  readonly host: () => string
}
