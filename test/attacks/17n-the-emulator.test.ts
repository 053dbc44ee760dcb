import { startSentinelEmulator } from '../../lib/emulator/index.ts'
import { attack } from '../support/attack/attack.ts'
import { rawExchange } from '../support/raw-http.ts'

const PATHS = [
  '/sentinel/well-known/jwks',
  '/api/account/12345678/service/baseURI.json?version=1.0',
  '/sentinel/api/account/12345678/authorize?v=1.0'
]
const FOREIGN = [
  'rebound.example',
  'rebound.example:80',
  'localhost.rebound.example',
  '127.0.0.1.rebound.example',
  'localhost@rebound.example',
  'rebound.example#localhost',
  'localhost.',
  '10.0.0.1',
  '[::2]'
]
const OWN = ['localhost', 'LOCALHOST:4000', '127.0.0.1:4000', '127.9.9.9', '[::1]', '[::1]:4000']

attack(
  'EM1',
  'the emulator responds only under the names of this machine, also in a container',
  'CWE-350, DNS rebinding',
  async t => {
    for (const inContainer of [false, true]) {
      const sentinel = await startSentinelEmulator({ inContainer })
      t.teardown(() => sentinel.close())
      const statusOf = async (path: string, host: string, version = '1.1'): Promise<string> => {
        const request = `GET ${path} HTTP/${version}\r\nHost: ${host}\r\nConnection: close\r\n\r\n`
        return (await rawExchange(sentinel.url, request)).split(' ', 2)[1]!
      }
      for (const path of PATHS) {
        for (const host of FOREIGN) t.equal(await statusOf(path, host), '403', `${host} ${path}`)
      }
      for (const host of OWN) t.equal(await statusOf(PATHS[0]!, host), '200', host)
      t.equal(await statusOf(PATHS[0]!, 'rebound.example', '1.0'), '403')
    }
  }
)
