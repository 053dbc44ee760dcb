const PREFIX_HINT = ': register it inside a scope that has the prefix, or set routes'

type Rule = RegExp | ((value: string) => boolean)

interface ReaderSettings {
  /** What the options belong to, for messages. @default 'fastify-le-auth' */
  owner?: string
  /** The environment variables that options fall back to. @default none */
  env?: NodeJS.ProcessEnv
  /** Options of earlier drafts, each with the one that replaced it. @default none */
  renamed?: Readonly<Record<string, string>>
}

/**
 * Reads raw options one by one, gives each its type, and collects what is wrong with them. In place
 * of a wrong value it returns a harmless one, so that reading goes on and finds all problems.
 */
export class OptionReader {
  readonly problems: string[] = []
  readonly #raw: Record<string, unknown>
  readonly #owner: string
  readonly #env: NodeJS.ProcessEnv
  readonly #renamed: Readonly<Record<string, string>>

  constructor(raw: object, settings: ReaderSettings = {}) {
    const { owner = 'fastify-le-auth', env = {}, renamed = {} } = settings
    this.#raw = raw as Record<string, unknown>
    this.#owner = owner
    this.#env = env
    this.#renamed = renamed
  }

  /** Notes a problem, and returns what to continue with. */
  refuse<T>(problem: string, fallback: T): T {
    this.problems.push(problem)
    return fallback
  }

  /** The raw value of a name such as `cookie.domain`. */
  value(name: string): unknown {
    return name
      .split('.')
      .reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), this.#raw)
  }

  /** Refuses a group that is not an object, and names in it that are not options. */
  known(group: string, names: string[]): void {
    const value = group === '' ? this.#raw : this.value(group)
    if (value === undefined) return
    if (!isObject(value)) return this.refuse(`${group} must be an object`, undefined)
    const prefix = group === '' ? '' : `${group}.`
    for (const name of Object.keys(value)) {
      if (!names.includes(name)) this.refuse(this.#unknown(prefix + name), undefined)
    }
  }

  #unknown(name: string): string {
    if (Object.hasOwn(this.#renamed, name)) {
      return `${name} was renamed: use ${this.#renamed[name]}`
    }
    const hint = name === 'prefix' ? PREFIX_HINT : ''
    return `${name} is not an option of ${this.#owner}${hint}`
  }

  /** A text that must be there, as an option or as an environment variable. */
  required(name: string, variable: string, rule: RegExp, explanation: string): string {
    const value = this.value(name) ?? this.#env[variable]
    if (value === undefined || value === '') return this.refuse(missing(name, variable), '')
    if (typeof value === 'string' && rule.test(value)) return value
    return this.refuse(`${name} ${explanation}`, '')
  }

  /** A secret that LivePerson issued: its value never appears in a problem. */
  secretText(name: string, variable: string): string {
    return this.required(
      name,
      variable,
      /^[\x21-\x7e]+$/,
      'must be the secret that LivePerson issued, without spaces or line breaks'
    )
  }

  /** One secret or several, each with at least `length` characters. */
  secrets(name: string, variable: string, length: number): string[] {
    const value = this.value(name) ?? this.#env[variable]
    const secrets: unknown[] = Array.isArray(value) ? value : [value]
    if (secrets[0] === undefined || secrets[0] === '') {
      return this.refuse(missing(name, variable), [])
    }
    for (const secret of secrets) {
      if (typeof secret !== 'string') {
        this.refuse(`${name} must be a string, or an array of strings`, null)
      } else if (secret.length < length) {
        this.refuse(
          `${name} must have ${length} characters or more, but one has ${secret.length}. ` +
            'Make a new secret with openssl rand -base64 32',
          null
        )
      }
    }
    return secrets as string[]
  }

  /** A text that may be left out. */
  text<Fallback extends string | undefined>(
    name: string,
    fallback: Fallback,
    rule: RegExp,
    explanation: string
  ): string | Fallback {
    const value = this.value(name)
    if (value === undefined) return fallback
    if (typeof value === 'string' && rule.test(value)) return value
    return this.refuse(`${name} ${explanation}`, fallback)
  }

  oneOf<Choice extends string | boolean>(
    name: string,
    choices: readonly Choice[],
    fallback: Choice
  ): Choice {
    const value = this.value(name)
    if (value === undefined) return fallback
    const quoted = choices.map(choice => JSON.stringify(choice))
    return (
      choices.find(choice => choice === value) ??
      this.refuse(`${name} must be ${quoted.join(' or ')}`, fallback)
    )
  }

  boolean(name: string, fallback: boolean): boolean {
    return this.oneOf(name, [true, false], fallback)
  }

  /** A time in ms, within bounds. */
  time(name: string, fallback: number, least: number, most: number): number {
    return this.wholeNumber(name, fallback, least, most, 'a time in ms: a whole number')
  }

  /** A whole number within bounds. `what` describes it in the error message. */
  wholeNumber(
    name: string,
    fallback: number,
    least: number,
    most: number,
    what = 'a whole number'
  ): number {
    const value = this.value(name)
    if (value === undefined) return fallback
    const fits = Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most
    if (fits) return value as number
    return this.refuse(`${name} must be ${what} from ${least} to ${most}`, fallback)
  }

  /** An array of strings. `explanation` describes its entries in the error message. */
  list(name: string, rule: Rule, explanation: string): string[] {
    const value = this.value(name)
    if (value === undefined) return []
    const obeys = typeof rule === 'function' ? rule : (text: string) => rule.test(text)
    const fits = (entry: unknown): boolean => typeof entry === 'string' && obeys(entry)
    if (Array.isArray(value) && value.every(fits)) return value
    return this.refuse(`${name} must be an array of ${explanation}`, [])
  }

  /** A function, or nothing. */
  hook<Hook extends (...args: never[]) => unknown>(name: string): Hook | undefined {
    const value = this.value(name)
    if (value === undefined || typeof value === 'function') return value as Hook | undefined
    return this.refuse(`${name} must be a function`, undefined)
  }

  /** An object of another library's class, recognized by its methods. */
  withMethods<Kind extends object>(
    name: string,
    methods: Array<keyof Kind & string>,
    what: string
  ): Kind | undefined {
    const value = this.value(name)
    if (value === undefined) return undefined
    if (isObject(value) && methods.every(method => typeof value[method] === 'function')) {
      return value as Kind
    }
    return this.refuse(`${name} must be ${what}`, undefined)
  }

  /** An entry for the resolved options, only if there is a value (exactOptionalPropertyTypes). */
  optional<Name extends string, Value>(
    name: Name,
    value: Value
  ): Partial<Record<Name, NonNullable<Value>>> {
    return value === undefined ? {} : ({ [name]: value } as Record<Name, NonNullable<Value>>)
  }
}

function missing(name: string, variable: string): string {
  return `${name} is missing: set the option or ${variable}`
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
