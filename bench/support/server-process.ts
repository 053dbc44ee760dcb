import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'

/** No measurement waits longer for one answer, in ms. */
const ANSWERS_WITHIN = 60_000

/** A server in a process of its own, so that only its memory and its processor time are counted. */
export interface ServerProcess {
  /** Where it listens. */
  url: string
  /** Asks the server for one of the things that it serves to its parent; see `serveParent`. */
  ask: <Answer>(question: string) => Promise<Answer>
  stop: () => Promise<void>
}

/** Starts one of the files in bench/servers; it listens when this resolves. */
export async function startServer (file: string, args: string[]): Promise<ServerProcess> {
  const child = fork(new URL(`../servers/${file}`, import.meta.url), args, { execArgv: ['--expose-gc', '--disable-warning=ExperimentalWarning', '--import', 'tsx'] })
  const { url } = await answerOf<{ url: string }>(child)
  return {
    url,
    ask (question) {
      child.send(question)
      return answerOf(child)
    },
    async stop () {
      if (child.exitCode !== null) return
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    }
  }
}

async function answerOf<Answer> (child: ChildProcess): Promise<Answer> {
  const done = new AbortController()
  const signal = AbortSignal.any([done.signal, AbortSignal.timeout(ANSWERS_WITHIN)])
  try {
    const [answer] = await Promise.race([once(child, 'message', { signal }), exitOf(child, signal)])
    if (typeof answer.error === 'string') throw new Error(answer.error)
    return answer
  } finally {
    done.abort()
  }
}

async function exitOf (child: ChildProcess, signal: AbortSignal): Promise<never> {
  const [code] = await once(child, 'exit', { signal })
  throw new Error(`a server ended with ${code}`)
}
