/** Something that happens in steps, of which several may be possible, and can start again. */
export interface Stepwise {
  /** The possible next steps, in words; in the same order whenever the same steps came before. */
  next: () => string[]
  /** Lets one of them happen, and resolves when everything that follows from it at once is done. */
  step: (index: number) => Promise<void>
  /** Everything that decides what can follow; two states with the same text are explored once. */
  state: () => string
  /** What is wrong, once no step is possible. */
  problems: () => Promise<string[]>
}

/** The result of an exploration. */
export interface Explored {
  states: number
  /** How many orders were followed. */
  schedules: number
  /** In how many states no step was possible. */
  ends: number
  /** The shortest order that ends with problems. */
  failure: { problems: string[]; schedule: string[] } | null
  /** Whether some states were not explored because there were more than allowed. */
  isIncomplete: boolean
}

/**
 * Follows every order in which the steps can happen: depth first, and from the start for each
 * order, since promises cannot be copied. An order that reaches a known state is not followed
 * further.
 *
 * @param begin starts again
 */
export async function everyOrder(
  begin: () => Promise<Stepwise>,
  maxStates: number
): Promise<Explored> {
  const seen = new Set<string>()
  const open: number[][] = [[]]
  const explored: Explored = {
    states: 0,
    schedules: 0,
    ends: 0,
    failure: null,
    isIncomplete: false
  }
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

async function conclude(run: Run, explored: Explored): Promise<void> {
  explored.ends += 1
  const problems = await run.subject.problems()
  const { schedule } = run
  const isShorter = schedule.length < (explored.failure?.schedule.length ?? Infinity)
  if (problems.length > 0 && isShorter) explored.failure = { problems, schedule }
}

/** One order, up to the present step. */
class Run {
  readonly subject: Stepwise
  readonly schedule: string[] = []
  readonly #indices: number[] = []
  isAtEnd = false

  constructor(subject: Stepwise) {
    this.subject = subject
  }

  static async along(indices: number[], subject: Stepwise): Promise<Run> {
    const run = new Run(subject)
    for (const index of indices) await run.step(index)
    return run
  }

  async step(index: number): Promise<void> {
    this.schedule.push(this.subject.next()[index]!)
    this.#indices.push(index)
    await this.subject.step(index)
  }

  /** Notes the present state. @returns whether it was not known */
  isNew(seen: Set<string>): boolean {
    const before = seen.size
    return seen.add(this.subject.state()).size > before
  }

  /** Notes all possible steps but the first for later. @returns whether there is a first */
  branch(open: number[][]): boolean {
    const ways = this.subject.next().length
    for (let index = ways - 1; index > 0; index -= 1) open.push([...this.#indices, index])
    this.isAtEnd = ways === 0
    return !this.isAtEnd
  }
}
