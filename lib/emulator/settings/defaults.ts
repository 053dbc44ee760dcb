import type { AccountData, ApplicationData, UserData } from './accounts.ts'

type DefaultUser = 'agent' | 'administrator' | 'lpa' | 'disabled' | 'other'

/** The data of an emulator without options, for examples and tests. */
export interface EmulatorDefaults {
  /** The account that has most of the users. */
  readonly accountId: string
  /** A smaller account with the same application, to try several accounts. */
  readonly secondAccountId: string
  readonly clientId: string
  readonly clientSecret: string
  /** `http://localhost:3000/callback` and `http://127.0.0.1:3000/callback`. */
  readonly redirectUris: readonly [string, string]
  /** The password of every user. */
  readonly password: string
  /** The users to log in as. `other` belongs to the second account, the others to the first. */
  readonly loginNames: Readonly<Record<DefaultUser, string>>
}

/** The data of an emulator without options. It is public: nothing in it is secret. */
export const EMULATOR_DEFAULTS: EmulatorDefaults = Object.freeze({
  accountId: '12345678',
  secondAccountId: 'le87654321',
  clientId: '6f9a3c1e-5d42-4b7a-9e08-2c71d4a85b36',
  clientSecret: 'not-a-secret-9c5e1f7a2b',
  redirectUris: Object.freeze([
    'http://localhost:3000/callback',
    'http://127.0.0.1:3000/callback'
  ] as const),
  password: 'liveperson',
  loginNames: Object.freeze({
    agent: 'maya.osei',
    administrator: 'henrik.dahl',
    lpa: 'priya.raman',
    disabled: 'tom.keller',
    other: 'ines.moreau'
  })
})

/** The `accounts` of an emulator without options. */
export function defaultAccounts(): AccountData[] {
  const { accountId, secondAccountId, loginNames } = EMULATOR_DEFAULTS
  return [
    {
      accountId,
      applications: [application()],
      users: [
        user('3562186410', 'Maya Osei', { loginName: loginNames.agent }),
        user('3562186411', 'Henrik Dahl', { loginName: loginNames.administrator, isAdmin: true }),
        user('3562186412', 'Priya Raman', {
          loginName: loginNames.lpa,
          isAdmin: true,
          isLpa: true
        }),
        user('3562186413', 'Tom Keller', { loginName: loginNames.disabled, enabled: false }),
        user('3562186414', 'Sofía Castellanos', { loginName: 'sofia.castellanos' }),
        user('3562186415', 'Daniel Okafor', { loginName: 'daniel.okafor' }),
        user('3562186416', 'Aiko Tanabe', { loginName: 'aiko.tanabe' }),
        user('3562186417', 'Liam O’Brien', { loginName: 'liam.obrien' })
      ]
    },
    {
      accountId: secondAccountId,
      applications: [application()],
      users: [
        user('8812004730', 'Inès Moreau', { loginName: loginNames.other }),
        user('8812004731', 'Jonas Weber', { loginName: 'jonas.weber', isAdmin: true })
      ]
    }
  ]
}

function application(): ApplicationData {
  const { clientId, clientSecret, redirectUris } = EMULATOR_DEFAULTS
  return { clientId, clientSecret, clientName: 'Support Desk', redirectUris }
}

function user(
  id: string,
  fullName: string,
  more: Partial<UserData> & { loginName: string }
): UserData {
  const { password } = EMULATOR_DEFAULTS
  return { id, fullName, email: `${more.loginName}@example.com`, password, ...more }
}
