import t, { type Test } from 'tap'
import type { LeAuthOptions } from '../../lib/index.ts'
import type { PageResponse } from '../support/browser.ts'
import { ADMIN, AGENT, enter, type Person } from '../support/login.ts'
import { TestStore } from '../support/stores.ts'
import { openExample, type Example } from './support.ts'

/** The example app with a logged-in user. */
async function loggedIn(t: Test, options: LeAuthOptions = {}): Promise<Example> {
  const example = await openExample(t, { options })
  await enter(example, example.browser)
  return example
}

/** The people that a page lists. */
function peopleOn({ text }: PageResponse): string[] {
  return [...text.matchAll(/<th role="rowheader".*?<\/span><span>([^<]+?)(?: <|<)/g)].map(
    ([, name]) => name!
  )
}

/** The URL that repeats the last search, if the page offers it. */
function offerOn({ text }: PageResponse): string | undefined {
  return /Your last search:.*?<a [^>]*href="([^"]+)"/.exec(text)?.[1]?.replaceAll('&#38;', '&')
}

function search(example: Example, words: string): Promise<PageResponse> {
  return example.open(`/agents?${String(new URLSearchParams({ q: words }))}`)
}

t.test('A search finds people by name, login name, e-mail and profile.', async t => {
  const example = await loggedIn(t)
  const users = [
    {
      id: 1,
      fullName: 'Sofía Castellanos',
      loginName: 'sc',
      email: 'one@example.com',
      profiles: [{ name: 'Night shift' }]
    },
    {
      id: 2,
      fullName: 'Liam O’Brien',
      loginName: 'Lobrien7',
      email: 'two@example.org',
      profileIds: [4]
    },
    { id: 3 }
  ]
  example.sentinel.always('users', { status: 200, body: JSON.stringify(users) })
  const [sofia, liam, nameless] = peopleOn(await example.open('/agents'))
  t.same([sofia, liam, nameless], ['Sofía Castellanos', 'Liam O’Brien', 'No name'])

  for (const words of ['castell', 'SOFÍA', 'sofia', 'Sofi\u0301a', ' SC ', 'one@', 'night']) {
    t.same(peopleOn(await search(example, words)), [sofia], words)
  }
  for (const words of ['o’brien', "O'Brien", 'lobrien', 'EXAMPLE.ORG', '4']) {
    t.same(peopleOn(await search(example, words)), [liam], words)
  }
  t.same(peopleOn(await search(example, 'example')), [sofia, liam])
  t.same(peopleOn(await search(example, 'enabled')), [], 'the status is not searched')
})

t.test('A page says what was searched for and how many people were found.', async t => {
  const example = await loggedIn(t)
  const found = await search(example, 'dahl')
  t.match(found.text, '<title>Agents: dahl – Northdesk</title>')
  t.match(found.text, 'type="search" value="dahl"')
  t.match(found.text, 'One person found, 1 enabled')
  t.match(found.text, '<a href="/agents">Show everyone</a>')
  t.match((await search(example, 'nobody-of-this-name')).text, 'Nobody found')
})

t.test('The last search is offered, and not repeated by itself.', async t => {
  const example = await loggedIn(t)
  t.equal(offerOn(await example.open('/agents')), undefined, 'there is no last search yet')
  t.equal(offerOn(await search(example, 'maya')), undefined, 'a search does not offer itself')
  await search(example, ' Dahl & co+ ')
  const later = await example.open('/agents')
  t.equal(peopleOn(later).length, 8, 'everyone is there')
  t.match(later.text, '>Dahl &#38; co+</a>')
  t.match(
    (await example.open(offerOn(later)!)).text,
    'value="Dahl &#38; co+"',
    'the link searches for the same'
  )
})

t.test('An empty search forgets the last one.', async t => {
  const example = await loggedIn(t)
  for (const empty of ['', '   ']) {
    await search(example, 'dahl')
    t.ok(offerOn(await example.open('/agents')))
    const forgotten = await search(example, empty)
    t.equal(peopleOn(forgotten).length, 8)
    t.equal(offerOn(forgotten), undefined)
    t.equal(offerOn(await example.open('/agents')), undefined)
  }
})

t.test('A search is text of at most 100 characters, whatever the URL says.', async t => {
  const example = await loggedIn(t)
  await search(example, `${'😀'.repeat(100)}beyond`)
  const { text } = await example.open('/agents')
  t.match(text, `>${'😀'.repeat(100)}</a>`)
  t.notMatch(text, 'beyond')

  const markup = await search(example, '"><script>alert(1)</script>')
  for (const page of [markup, await example.open('/agents')]) {
    t.match(page.text, '&#60;script&#62;alert(1)')
    t.notMatch(page.text, '<script>')
  }

  await search(example, 'dahl')
  for (const query of ['q=a&q=b', 'q[]=a', 'Q=a', '__proto__=a']) {
    const page = await example.open(`/agents?${query}`)
    t.equal(peopleOn(page).length, 8, query)
    t.equal(offerOn(page), '/agents?q=dahl', query)
  }
  for (const query of ['q=%ED%A0%80', 'q=%', 'q=%00', 'q=%0D%0ASet-Cookie:a=b']) {
    t.equal((await example.open(`/agents?${query}`)).status, 200, query)
  }
})

for (const [what, person, leave] of [
  ['after a logout', AGENT, true],
  ['for the next user, after a logout', ADMIN, true],
  ['for the next user, without a logout', ADMIN, false]
] as Array<[string, Person, boolean]>) {
  t.test(`The last search is gone ${what}.`, async t => {
    const example = await loggedIn(t)
    await search(example, 'a secret of Maya')
    t.match((await example.open('/agents')).text, 'a secret of Maya')
    if (leave) await example.browser.submit(example.url('/logout'), {})
    t.equal((await enter(example, example.browser, person)).status, 303)

    const next = await example.open('/agents')
    t.match(next.text, `Logged in as </span>${person.loginName}`)
    t.equal(peopleOn(next).length, 8)
    t.notMatch(next.text, 'a secret of Maya')
  })
}

t.test('A session is stored for a search, and for nothing else.', async t => {
  const store = new TestStore()
  const example = await openExample(t, { options: { store } })
  const sessionWrites = (): number =>
    store.calls.filter(({ operation, kind }) => operation === 'set' && kind === 'session').length

  for (const path of ['/', '/agents?q=visitor', '/agents?q=']) {
    await example.browser.step(example.url(path))
  }
  t.equal(sessionWrites(), 0, 'no write by a visitor')

  await enter(example, example.browser)
  for (const path of ['/', '/agents', '/agents?q=', '/profile']) {
    t.equal((await example.open(path)).status, 200)
  }
  t.equal(sessionWrites(), 0, 'no write by a user who has not searched')
  t.match(await example.browser.cookieNames(example.url('/')), [/^le-auth-\w{8}$/])

  await search(example, 'dahl')
  t.equal(sessionWrites(), 1)
  for (const path of ['/', '/agents', '/agents?q=dahl']) {
    t.equal((await example.open(path)).status, 200)
  }
  t.equal(sessionWrites(), 1, 'no write by a read, and none for the same search')
})
