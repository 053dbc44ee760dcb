import type { Ledger } from './ledger.js'
import type { Settings } from './settings/options.js'
import type { SigningKey } from './token/signing-key.js'

/** All that an emulator knows; the routes read it and change the ledger. */
export interface EmulatorState extends Settings {
  readonly ledger: Ledger
  readonly signingKey: SigningKey
  /** Host and port the emulator listens on, known only then. */
  readonly host: () => string
}
