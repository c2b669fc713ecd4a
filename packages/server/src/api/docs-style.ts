/** How the page at /docs looks: light and dark, wide and on a phone. */
export const DOCS_STYLE = `
:root {
  --ground: #fff; --text: #1c2128; --soft: #59636e; --line: #d8dee4; --panel: #f6f8fa; --link: #0757c2;
  --get: #0a6640; --post: #6b3fb5; --needed: #a4341b;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0f1318; --text: #e3e8ee; --soft: #9aa5b1; --line: #2b333d; --panel: #171d24; --link: #7fb4ff;
    --get: #6fd3a2; --post: #c3a4ff; --needed: #ff9d85;
  }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--ground); color: var(--text);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "PingFang SC", "Microsoft YaHei", sans-serif;
}
a { color: var(--link); text-decoration: none; }
a:hover { text-decoration: underline; }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: 0.875em; }
nav { padding: 1rem 1.25rem; background: var(--panel); border-bottom: 1px solid var(--line); }
nav ul { list-style: none; margin: 0; padding: 0; }
nav > ul > li { margin-top: 0.75rem; font-weight: 600; }
nav > ul > li:first-child { margin-top: 0; }
nav li ul li { font-weight: 400; font-size: 0.85rem; line-height: 1.7; overflow-wrap: anywhere; }
nav li ul a { color: var(--soft); }
main { padding: 1.25rem; max-width: 60rem; margin: 0 auto; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0.5rem 0 1rem; }
h2 { font-size: 1.35rem; margin: 2.5rem 0 0.25rem; }
h3 { font-size: 0.95rem; margin: 1.5rem 0 0.5rem; }
p { margin: 0.5rem 0; }
section > p { color: var(--soft); }
.route { border: 1px solid var(--line); border-radius: 8px; margin: 0.6rem 0; overflow: hidden; }
.route > summary {
  padding: 0.6rem 0.9rem; cursor: pointer; display: flex; flex-wrap: wrap; gap: 0.15rem 0.7rem; align-items: baseline;
}
.route > summary::-webkit-details-marker { display: none; }
.route > summary:hover { background: var(--panel); }
.route[open] > summary { background: var(--panel); border-bottom: 1px solid var(--line); }
.route > summary code { font-weight: 600; overflow-wrap: anywhere; }
.route:has(:target), .route:target { border-color: var(--link); }
.body { scroll-margin-top: 4rem; }
.method { font: 700 0.75rem/1 ui-monospace, Menlo, Consolas, monospace; min-width: 2.4rem; }
.get { color: var(--get); }
.post { color: var(--post); }
.about { color: var(--soft); }
.body { padding: 0.4rem 0.9rem 1rem; }
.body ul { margin: 0; padding-left: 1.2rem; }
table { border-collapse: collapse; width: 100%; font-size: 0.92rem; }
th { text-align: left; font-weight: 600; color: var(--soft); }
th, td { padding: 0.35rem 0.75rem 0.35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td:nth-child(1) { width: 30%; overflow-wrap: anywhere; }
td:nth-child(2) { width: 20%; }
.statuses td:nth-child(1) { width: 5rem; }
small { color: var(--soft); }
.needed { color: var(--needed); }
pre {
  margin: 0.4rem 0; padding: 0.7rem 0.9rem; white-space: pre-wrap; overflow-wrap: anywhere; background: var(--panel);
  border: 1px solid var(--line); border-radius: 6px; line-height: 1.45;
}
pre.answer { border-left: 3px solid var(--get); }
@media (max-width: 63.99rem) {
  nav > ul { display: flex; flex-wrap: wrap; gap: 0.25rem 1.1rem; }
  nav > ul > li { margin: 0; }
  nav li ul { display: none; }
}
@media (min-width: 64rem) {
  body { display: grid; grid-template-columns: 18rem minmax(0, 1fr); }
  nav { position: sticky; top: 0; height: 100vh; overflow-y: auto; border-right: 1px solid var(--line); border-bottom: 0; }
  main { padding: 2rem 3rem 4rem; width: 100%; }
}
@media (max-width: 40rem) {
  thead { display: none; }
  tr { display: block; padding: 0.4rem 0; border-bottom: 1px solid var(--line); }
  td, td:nth-child(n) { display: inline; width: auto; padding: 0.05rem 0.5rem 0.05rem 0; border: 0; }
  td:nth-child(2) { color: var(--soft); font-size: 0.85rem; }
  td:nth-child(3) { display: block; }
  td:empty { display: none; }
}
`;
