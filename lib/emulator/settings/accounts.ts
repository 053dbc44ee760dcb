/** A user of an account, as an option. Ids are unique only within their account. */
export interface UserData {
  /** The `sub` of the id_token: opaque, but numeric in LivePerson's examples. */
  readonly id: string
  /** The user name on the login page. Compared exactly. */
  readonly loginName: string
  /** The password on the login page, which also shows it. */
  readonly password: string
  readonly fullName: string
  readonly email: string
  /** @default the first word of `fullName` */
  readonly nickname?: string
  /** The `is_admin` of the id_token. @default false */
  readonly isAdmin?: boolean
  /** The `is_lpa` of the id_token: a member of LivePerson's staff. @default false */
  readonly isLpa?: boolean
  /** Whether the user can log in and use tokens. @default true */
  readonly enabled?: boolean
}

/** An application that is installed in an account, as an option. */
export interface ApplicationData {
  /** LivePerson's "installation id", which is a UUID there. */
  readonly clientId: string
  readonly clientSecret: string
  /** Shown on the login page. */
  readonly clientName: string
  /** Absolute http(s) URLs without a fragment, of at most 128 characters. Compared exactly. */
  readonly redirectUris: readonly string[]
  /** A disabled application is treated as unknown. @default true */
  readonly enabled?: boolean
}

/** A LivePerson account, as an option. */
export interface AccountData {
  /** Eight digits in most cases. Test accounts begin with letters. */
  readonly accountId: string
  readonly applications: readonly ApplicationData[]
  readonly users: readonly UserData[]
}

/** A {@link UserData} with all defaults. May be changed. */
export type User = Mutable<Required<UserData>>

/** An {@link ApplicationData} with all defaults. May be changed. */
export type Application = Mutable<Required<Omit<ApplicationData, 'redirectUris'>>> & {
  redirectUris: string[]
}

/** An {@link AccountData} with all defaults. May be changed. */
export interface Account {
  accountId: string
  applications: Application[]
  users: User[]
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** A copy of an account, with all defaults. */
export function accountFrom(data: AccountData): Account {
  return {
    accountId: data.accountId,
    applications: data.applications.map(applicationFrom),
    users: data.users.map(userFrom)
  }
}

function applicationFrom(data: ApplicationData): Application {
  return { enabled: true, ...data, redirectUris: [...data.redirectUris] }
}

function userFrom(data: UserData): User {
  const nickname = data.fullName.replace(/\s.*/s, '')
  return { nickname, isAdmin: false, isLpa: false, enabled: true, ...data }
}

/** The account with this id, if there is one. */
export function findAccount(accounts: readonly Account[], accountId: string): Account | undefined {
  return accounts.find(account => account.accountId === accountId)
}

/** The enabled application with this id, if there is one. */
export function findApplication(
  { applications }: Account,
  clientId: string | undefined
): Application | undefined {
  return applications.find(application => application.clientId === clientId && application.enabled)
}

/** The enabled user with this id, if there is one. */
export function findEnabledUser(account: Account, userId: string): User | undefined {
  return account.users.find(user => user.id === userId && user.enabled)
}
