import fc from 'fast-check'
import type { Trouble } from './sentinel.ts'

/** How many people there are in a world. */
export const PEOPLE = 3
/** How many processes of the app there are in a world. */
export const INSTANCES = 2
/** Login names of the emulator, none of them disabled. */
export const USERS = ['maya.osei', 'henrik.dahl', 'sofia.castellanos']

/** Something that a browser does, or that happens to a process. */
export type Deed =
  | { do: 'login'; user: string; callbackAt: number }
  | { do: 'ask'; path: '/who' | '/who/token' | '/who/refresh' }
  | { do: 'slow'; write: boolean; ms: number }
  | { do: 'logout'; revoke: boolean }
  | { do: 'restart' }

/** A deed, with its person, its process, and the pause before the next one, in ms. */
export interface Act {
  deed: Deed
  person: number
  instance: number
  pause: number
}

/** Time has passed, and then much happens at once. */
export interface Scene {
  /** The person who is logged in when it begins and does most of it, so that the deeds meet. */
  hero: number
  minutes: number
  /** What happens to the next refreshes, one each. */
  troubles: Trouble[]
  acts: Act[]
  /** Whether the next scene begins while this one is in progress. */
  overlaps: boolean
}

/** What a world is made from. */
export interface Plan {
  /** The app has registered @fastify/session itself, with `rolling`. */
  ownSession: boolean
  /** In ms. */
  storeDelays: number[]
  scenes: Scene[]
}

const instance = fc.nat({ max: INSTANCES - 1 })
const soon = fc.integer({ min: 0, max: 40 })

const path = fc.constantFrom('/who' as const, '/who/token' as const, '/who/refresh' as const)
const write = fc.boolean()
const user = fc.constantFrom(...USERS)
const callbackAt = instance

const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ do: fc.constant('ask' as const), path }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('slow' as const), write, ms: soon }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('logout' as const), revoke: oneIn(5) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('login' as const), callbackAt, user }) },
  { weight: 1, arbitrary: fc.constant({ do: 'restart' as const }) }
)

const trouble = fc.oneof(
  { weight: 3, arbitrary: fc.record({ responseDelayMs: soon }) },
  { weight: 2, arbitrary: fc.record({ delayMs: soon }) },
  { weight: 1, arbitrary: fc.constant<Trouble>({ status: 503 }) },
  { weight: 1, arbitrary: fc.constant<Trouble>({ cutOff: 'unprocessed' }) }
)

const scene: fc.Arbitrary<Scene> = fc.nat({ max: PEOPLE - 1 }).chain(hero =>
  fc.record({
    hero: fc.constant(hero),
    // Nothing; little; a refresh is due; the access token has expired; the login is idle.
    minutes: fc.constantFrom(0, 1, 31, 61, 61, 61, 61, 61, 125),
    troubles: fc.array(trouble, { maxLength: 2 }),
    acts: fc.array(
      fc.record({
        deed,
        person: fc.oneof(
          { weight: 2, arbitrary: fc.constant(hero) },
          { weight: 1, arbitrary: fc.nat({ max: PEOPLE - 1 }) }
        ),
        instance,
        pause: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 25 }))
      }),
      { minLength: 1, maxLength: 7, size: 'max' }
    ),
    overlaps: oneIn(4)
  })
)

const storeDelay = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 8 }) },
  { weight: 1, arbitrary: soon }
)

/** A random plan of a world. */
export const plan: fc.Arbitrary<Plan> = fc.record({
  ownSession: fc.boolean(),
  storeDelays: fc.array(storeDelay, { minLength: 3, maxLength: 9 }),
  scenes: fc.array(scene, { minLength: 1, maxLength: 6, size: 'max' })
})

function oneIn(times: number): fc.Arbitrary<boolean> {
  return fc.integer({ min: 1, max: times }).map(drawn => drawn === times)
}
