import type { Account, Application, User } from '../settings/accounts.ts'
import { pageFrame } from './frame.ts'
import { html, type Html } from './html.ts'

/** The data of the login page. */
export interface LoginForm {
  /** The URL that the form is sent to. */
  readonly action: string
  readonly account: Account
  readonly application: Application
  readonly loginName: string
  /** Why the last attempt failed, or undefined. */
  readonly problem: string | undefined
}

/** A limit, because the account of a test may have thousands of users. */
const USERS_SHOWN = 8

/** The login page. It works without JavaScript. */
export function loginPage(form: LoginForm): Html {
  const { action, account, application, loginName, problem } = form
  return pageFrame(
    'Sign in',
    html`<h1 id="title">Sign in</h1>
<p class="lead">to continue to <strong>${application.clientName}</strong></p>
${problem ? html`<p class="problem" id="problem" role="alert">${problem}</p>` : ''}
<form method="post" action="${action}">
<p class="account"><span>Account</span> <b>${account.accountId}</b></p>
<label for="username">User name</label>
<input id="username" name="username" value="${loginName}" autocomplete="username"
  autocapitalize="none" spellcheck="false" required${focused(!loginName)}${invalid(problem)}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password"
  required${focused(loginName !== '')}${invalid(problem)}>
<button class="primary" name="action" value="sign-in">Sign in</button>
<button class="quiet" name="action" value="cancel" formnovalidate>Cancel</button>
</form>
${hint(action, account.users)}`
  )
}

function focused(isFocused: boolean): Html {
  return isFocused ? html` autofocus` : html``
}

function invalid(problem: string | undefined): Html {
  return problem ? html` aria-invalid="true" aria-describedby="problem"` : html``
}

function hint(action: string, users: readonly User[]): Html {
  return html`<details>
<summary>Try a demo user</summary>
<ul>
${users.slice(0, USERS_SHOWN).map(
  user => html`<li><a href="${hrefOf(action, user)}">
<span class="name">${user.fullName}</span> <span class="role">${roleOf(user)}</span>
<span class="typed"><code>${user.loginName}</code> <code>${user.password}</code></span></a></li>
`
)}</ul>
</details>`
}

function hrefOf(action: string, user: User): string {
  return `${action}&user=${encodeURIComponent(user.loginName)}`
}

function roleOf(user: User): string {
  if (!user.enabled) return 'Disabled'
  if (user.isLpa) return 'LivePerson staff'
  return user.isAdmin ? 'Administrator' : 'Agent'
}
