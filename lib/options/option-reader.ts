/** What to do instead. */
const HINTS: Record<string, string> = { prefix: ': register it inside a scope that has the prefix, or set routes' }

type Rule = RegExp | ((value: string) => boolean)

/**
 * Reads raw options one by one, gives each its type, and collects what is wrong with them.
 * A value that is refused comes back as something harmless, so that reading goes on and all problems are told at once.
 */
export class OptionReader {
  readonly problems: string[] = []
  readonly #raw: Record<string, unknown>
  readonly #env: NodeJS.ProcessEnv

  constructor (raw: object, env: NodeJS.ProcessEnv) {
    this.#raw = raw as Record<string, unknown>
    this.#env = env
  }

  /** Notes a problem and hands on what to continue with. */
  refuse<T> (problem: string, fallback: T): T {
    this.problems.push(problem)
    return fallback
  }

  /** The raw value behind a name such as `session.cookie.domain`. */
  value (name: string): unknown {
    return name.split('.').reduce<unknown>((value, key) => isObject(value) ? value[key] : undefined, this.#raw)
  }

  /** Refuses a group that is not an object, and names in it that are no options: a misspelt option must not go unnoticed. */
  known (group: string, names: string[]): void {
    const value = group === '' ? this.#raw : this.value(group)
    if (value === undefined) return
    if (!isObject(value)) return this.refuse(`${group} must be an object`, undefined)
    for (const name of Object.keys(value)) {
      if (!names.includes(name)) this.refuse(`${group === '' ? '' : `${group}.`}${name} is not an option of fastify-le-auth${HINTS[name] ?? ''}`, undefined)
    }
  }

  /** A text that must be there, as an option or as a variable. */
  required (name: string, variable: string, rule: RegExp, explanation: string): string {
    const value = this.value(name) ?? this.#env[variable]
    if (value === undefined || value === '') return this.refuse(`${name} is missing: set the option or ${variable}`, '')
    if (typeof value !== 'string' || !rule.test(value)) return this.refuse(`${name} ${explanation}`, '')
    return value
  }

  /** A secret that LivePerson gave: its value never appears in a problem. */
  secretText (name: string, variable: string): string {
    return this.required(name, variable, /^[\x21-\x7e]+$/, 'must be the secret that LivePerson gave, without spaces or line breaks')
  }

  /** One secret or several, of at least so many characters each. */
  secrets (name: string, variable: string, length: number): string[] {
    const value = this.value(name) ?? this.#env[variable]
    const secrets: unknown[] = Array.isArray(value) ? value : [value]
    if (secrets.length === 0 || secrets[0] === undefined || secrets[0] === '') return this.refuse(`${name} is missing: set the option or ${variable}`, [])
    for (const secret of secrets) {
      if (typeof secret !== 'string') this.refuse(`${name} must be a string, or an array of strings`, null)
      else if (secret.length < length) this.refuse(`${name} must have ${length} characters or more, this one has ${secret.length}: make one with openssl rand -base64 32`, null)
    }
    return secrets as string[]
  }

  /** A text that may be left out. */
  text<Fallback extends string | undefined> (name: string, fallback: Fallback, rule: RegExp, explanation: string): string | Fallback {
    const value = this.value(name)
    if (value === undefined) return fallback
    if (typeof value !== 'string' || !rule.test(value)) return this.refuse(`${name} ${explanation}`, fallback)
    return value
  }

  oneOf<Choice extends string> (name: string, choices: Choice[], fallback: Choice): Choice {
    const value = this.value(name)
    if (value === undefined) return fallback
    return choices.find(choice => choice === value) ?? this.refuse(`${name} must be ${choices.map(choice => `"${choice}"`).join(' or ')}`, fallback)
  }

  boolean (name: string, fallback: boolean): boolean {
    const value = this.value(name)
    if (value === undefined) return fallback
    return typeof value === 'boolean' ? value : this.refuse(`${name} must be true or false`, fallback)
  }

  /** A time in ms, within bounds. */
  time (name: string, fallback: number, least: number, most: number): number {
    return this.wholeNumber(name, fallback, least, most, 'a time in ms, a whole number')
  }

  /** A whole number within bounds; `what` says of what. */
  wholeNumber (name: string, fallback: number, least: number, most: number, what = 'a whole number'): number {
    const value = this.value(name)
    if (value === undefined) return fallback
    if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return value as number
    return this.refuse(`${name} must be ${what} from ${least} to ${most}`, fallback)
  }

  /** Several texts; `explanation` says of what the array must be. */
  list (name: string, rule: Rule, explanation: string): string[] {
    const value = this.value(name)
    if (value === undefined) return []
    const fits = (entry: unknown): boolean => typeof entry === 'string' && (typeof rule === 'function' ? rule(entry) : rule.test(entry))
    return Array.isArray(value) && value.every(fits) ? value : this.refuse(`${name} must be an array of ${explanation}`, [])
  }

  /** A function, or nothing. */
  hook<Hook extends (...args: never[]) => unknown> (name: string): Hook | undefined {
    const value = this.value(name)
    if (value === undefined || typeof value === 'function') return value as Hook | undefined
    return this.refuse(`${name} must be a function`, undefined)
  }

  /** An object of a foreign class, known by its methods. */
  withMethods<Kind extends object> (name: string, methods: Array<keyof Kind & string>, what: string): Kind | undefined {
    const value = this.value(name)
    if (value === undefined) return undefined
    if (isObject(value) && methods.every(method => typeof value[method] === 'function')) return value as Kind
    return this.refuse(`${name} must be ${what}`, undefined)
  }

  /** An entry for the resolved options only where there is a value, as exact optional properties ask. */
  optional<Name extends string, Value> (name: Name, value: Value): Partial<Record<Name, NonNullable<Value>>> {
    return value === undefined ? {} : { [name]: value } as Record<Name, NonNullable<Value>>
  }
}

function isObject (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
