/** The inline style of all pages. Its digest is in the content security policy. */
export const PAGE_STYLE = `
:root {
  color-scheme: light dark;
  --ground: #eef1f0; --card: #ffffff; --line: #d8dedc; --field: #84918f;
  --ink: #16211f; --soft: #566461; --accent: #17594f; --accent-deep: #0f443c; --on-accent: #ffffff;
  --wash: #f4f7f6; --bad: #9c2a1f; --bad-wash: #fcf0ee; --bad-line: #eac6c1; --ribbon: #f4ecd6;
  --ribbon-ink: #6a5212;
  --shadow: 0 1px 2px rgb(22 33 31 / .06), 0 12px 32px -8px rgb(22 33 31 / .14);
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0f1514; --card: #182120; --line: #2c3937; --field: #5f706d;
    --ink: #e8eeec; --soft: #9fb0ac; --accent: #74c7b5; --accent-deep: #93d8c9;
    --on-accent: #08211c;
    --wash: #1f2a28; --bad: #f3a69c; --bad-wash: #35201d; --bad-line: #5c3530; --ribbon: #262213;
    --ribbon-ink: #dcc88e;
    --shadow: 0 1px 2px rgb(0 0 0 / .4), 0 16px 40px -8px rgb(0 0 0 / .5);
  }
}
* { box-sizing: border-box; margin: 0; }
html { font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial,
  sans-serif; }
body { min-height: 100vh; min-height: 100dvh; background: var(--ground); color: var(--ink);
  display: flex; flex-direction: column; -webkit-font-smoothing: antialiased; }
.ribbon { padding: .25rem 1rem; background: var(--ribbon); color: var(--ribbon-ink);
  font-size: .8125rem; font-weight: 500; text-align: center; }
main { flex: 1; width: 100%; max-width: 26rem; margin: 0 auto; padding: 2rem 1rem 3rem;
  display: flex; flex-direction: column; justify-content: center; }
.brand { display: flex; align-items: center; justify-content: center; gap: .625rem;
  margin-bottom: 1.25rem;
  font-size: 1.125rem; font-weight: 600; letter-spacing: -.01em; }
.mark { width: 1.875rem; height: 1.875rem; color: var(--accent); }
.mark .eye { fill: var(--ground); }
.card { padding: 2rem; background: var(--card); border: 1px solid var(--line); border-radius: 1rem;
  box-shadow: var(--shadow); }
h1 { font-size: 1.5rem; font-weight: 650; line-height: 1.25; letter-spacing: -.02em;
  text-wrap: balance; }
.lead { margin-top: .25rem; color: var(--soft); overflow-wrap: anywhere; }
.lead strong { color: var(--ink); font-weight: 600; }
.problem { margin-top: 1.25rem; padding: .625rem .875rem; border: 1px solid var(--bad-line);
  border-radius: .5rem;
  background: var(--bad-wash); color: var(--bad); font-size: .9375rem; }
form { margin-top: 1.25rem; }
.account { display: flex; justify-content: space-between; gap: 1rem; padding: .5rem .875rem;
  border-radius: .5rem;
  background: var(--wash); color: var(--soft); font-size: .875rem; overflow-wrap: anywhere; }
.account b { color: var(--ink); font-weight: 600; font-variant-numeric: tabular-nums; }
label { display: block; margin: 1rem 0 .375rem; font-size: .875rem; font-weight: 550; }
input { display: block; width: 100%; height: 2.75rem; padding: 0 .875rem;
  border: 1px solid var(--field);
  border-radius: .5rem; background: var(--card); color: inherit; font: inherit; }
input:hover { border-color: var(--soft); }
input[aria-invalid] { border-color: var(--bad); }
button { display: block; width: 100%; height: 2.75rem; border: 1px solid transparent;
  border-radius: .5rem;
  font: inherit; font-weight: 600; cursor: pointer; }
.primary { margin-top: 1.5rem; background: var(--accent); color: var(--on-accent); }
.primary:hover { background: var(--accent-deep); }
.quiet { margin-top: .5rem; background: transparent; color: var(--soft); font-weight: 500; }
.quiet:hover { background: var(--wash); color: var(--ink); }
input:focus-visible, button:focus-visible, summary:focus-visible, a:focus-visible {
  outline: 2px solid var(--accent); outline-offset: 2px; }
input:focus-visible { outline-offset: -1px; border-color: var(--accent); }
details { margin: 1.25rem -2rem -2rem; border-top: 1px solid var(--line); font-size: .875rem; }
summary { padding: .875rem 2rem; border-radius: 0 0 1rem 1rem; color: var(--soft);
  font-weight: 500; cursor: pointer; }
summary:hover { color: var(--ink); }
ul { padding: 0 1rem 1rem; list-style: none; }
li a { display: grid; grid-template-columns: 1fr auto; gap: 0 1rem; padding: .5rem 1rem;
  border-radius: .5rem;
  color: inherit; text-decoration: none; }
li a:hover { background: var(--wash); }
.name { font-weight: 550; }
.role { color: var(--soft); }
.typed { grid-column: 1 / -1; color: var(--soft); overflow-wrap: anywhere; }
code { font: .8125rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; }
.typed code + code::before { content: "/ "; }
.explanation { margin-top: .75rem; color: var(--soft); overflow-wrap: anywhere; }
.status { margin-top: 1.5rem; padding-top: 1rem; border-top: 1px solid var(--line);
  color: var(--soft);
  font-size: .8125rem; }
@media (max-width: 30rem) {
  main { justify-content: flex-start; padding-top: 1.5rem; }
  .card { padding: 1.5rem; }
  details { margin: 1.25rem -1.5rem -1.5rem; }
  summary { padding: .875rem 1.5rem; }
  ul { padding: 0 .5rem .75rem; }
}
`
