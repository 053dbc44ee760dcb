// Who is measured. To add one: a script in contestants/, its packages in contestants/package.json, an entry here.
//
//   script   in contestants/; several entries may share one
//   env      what is told to that script besides PORT and IDP
//   login    false: nobody can log in, and nothing is guarded
//   store    true: keeps sessions in a store of the express-session kind
//   redis    true: runs on Redis; left out where redis-server is not installed
export const contestants = [
  { name: 'bare-fastify', script: 'bare-fastify.mjs', login: false, about: 'Fastify alone, nothing guarded: the limit' },
  { name: 'bare-session', script: 'bare-session.mjs', store: true, about: '@fastify/session (`rolling: false`, `saveUninitialized: false`), the user\'s id in it: the floor of a login' },
  { name: 'bare-session-tokens', script: 'bare-session.mjs', store: true, env: { TOKENS: '1' }, about: 'the same with claims and tokens in the session' },
  { name: 'fastify-oauth2', script: 'fastify-oauth2.mjs', store: true, about: '@fastify/oauth2 + @fastify/session, tokens in the session' },
  { name: 'fastify-passport', script: 'fastify-passport.mjs', about: '@fastify/passport + passport-oauth2 + @fastify/secure-session, all in a cookie' },
  { name: 'openid-client', script: 'openid-client.mjs', store: true, about: 'openid-client by hand + @fastify/session, tokens in the session' },
  { name: 'le-auth', script: 'le-auth.mjs', store: true, about: 'fastify-le-auth as its README sets it up' },
  { name: 'le-auth-own-session', script: 'le-auth-own-session.mjs', store: true, about: 'fastify-le-auth beside the app\'s own @fastify/session' },
  { name: 'bare-session-redis', script: 'bare-session.mjs', redis: true, env: { STORE: 'redis' }, about: 'bare-session on Redis (connect-redis)' },
  { name: 'le-auth-redis', script: 'le-auth.mjs', redis: true, env: { STORE: 'redis' }, about: 'fastify-le-auth on Redis (connect-redis), with its refresh lock' }
]
