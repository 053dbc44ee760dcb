/** Something that happens in steps, one of several at a time, and can be begun again from the start. */
export interface Stepwise {
  /** What could happen next, in words; always in the same order after the same steps. */
  next: () => string[]
  /** Lets one of these happen, and resolves when all that follows from it at once is over. */
  step: (index: number) => Promise<void>
  /** All that decides what can follow; two states with one text are explored once. */
  state: () => string
  /** What is wrong when nothing more can happen. */
  problems: () => Promise<string[]>
}

/** What an exploration has found. */
export interface Explored {
  states: number
  /** How many orders were followed, until nothing more could happen or they came to a state that was known. */
  schedules: number
  /** In how many states nothing more could happen. */
  ends: number
  /** The shortest order that ends badly, and what is wrong then. */
  failure: { problems: string[], schedule: string[] } | null
  /** Whether there were more states than allowed, so that some were not looked at. */
  isIncomplete: boolean
}

/**
 * Follows every order in which the steps of something can happen: depth first, and from the start for each order, since
 * promises cannot be copied. An order that comes to a state that is known goes no further.
 *
 * @param begin begins again from the start
 */
export async function everyOrder (begin: () => Promise<Stepwise>, maxStates: number): Promise<Explored> {
  const seen = new Set<string>()
  const open: number[][] = [[]]
  const explored: Explored = { states: 0, schedules: 0, ends: 0, failure: null, isIncomplete: false }
  while (open.length > 0 && !explored.isIncomplete) {
    explored.schedules += 1
    const run = await Run.along(open.pop()!, await begin())
    while (run.isNew(seen) && run.branch(open)) await run.step(0)
    if (run.isAtEnd) await conclude(run, explored)
    explored.states = seen.size
    explored.isIncomplete = seen.size > maxStates
  }
  return explored
}

async function conclude (run: Run, explored: Explored): Promise<void> {
  explored.ends += 1
  const problems = await run.subject.problems()
  const isShorter = explored.failure === null || run.schedule.length < explored.failure.schedule.length
  if (problems.length > 0 && isShorter) explored.failure = { problems, schedule: run.schedule }
}

/** One order, as far as it has gone. */
class Run {
  readonly subject: Stepwise
  readonly schedule: string[] = []
  readonly #indices: number[] = []
  isAtEnd = false

  constructor (subject: Stepwise) {
    this.subject = subject
  }

  static async along (indices: number[], subject: Stepwise): Promise<Run> {
    const run = new Run(subject)
    for (const index of indices) await run.step(index)
    return run
  }

  async step (index: number): Promise<void> {
    this.schedule.push(this.subject.next()[index]!)
    this.#indices.push(index)
    await this.subject.step(index)
  }

  /** Notes the state that it has come to. */
  isNew (seen: Set<string>): boolean {
    const before = seen.size
    return seen.add(this.subject.state()).size > before
  }

  /** Leaves all ways but the first for later. @returns whether there is a first */
  branch (open: number[][]): boolean {
    const ways = this.subject.next().length
    for (let index = ways - 1; index > 0; index -= 1) open.push([...this.#indices, index])
    this.isAtEnd = ways === 0
    return !this.isAtEnd
  }
}
