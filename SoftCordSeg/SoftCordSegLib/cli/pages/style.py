"""The look of our pages; they must be self-contained, so it travels as text."""

STYLE = """
:root { color-scheme: light dark; --paper: #fbfaf7; --ink: #1d2126; --soft: #5d656e; --rule: #d9d6cf; --band: #efece4;
  --accent: #0e7c86; --known: #1d2126; --warn: #9a5b00; --card: #ffffff; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171a; --ink: #e8e6e1; --soft: #9aa2aa; --rule: #33383d;
  --band: #1d2226; --accent: #4fc3cd; --known: #e8e6e1; --warn: #e0a84a; --card: #1a1e22; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 17px/1.55 "Charter", "Iowan Old Style", Georgia, serif; }
main { max-width: 1080px; margin: 0 auto; padding: 64px 28px 96px; }
h1 { font-size: 40px; line-height: 1.12; font-weight: 600; margin: 0 0 12px; letter-spacing: -0.01em; }
h2 { font-size: 26px; font-weight: 600; margin: 72px 0 4px; }
h3 { font-size: 17px; font-weight: 600; margin: 32px 0 6px; }
p { margin: 8px 0; max-width: 68ch; }
.lead { font-size: 20px; color: var(--soft); }
.facts, figcaption, .small, table, svg text, .figures dt {
  font-family: system-ui, "Segoe UI", Helvetica, Arial, sans-serif !important; }
.facts, .small { color: var(--soft); font-size: 14px; }
.facts, p.small { max-width: none; }
.figures { display: flex; flex-wrap: wrap; gap: 40px; margin: 36px 0 8px; }
.figures dt { font-size: 13px; color: var(--soft); }
.figures dd { margin: 0; font-size: 34px; line-height: 1.2; font-variant-numeric: tabular-nums; }
.views { display: grid; grid-template-columns: repeat(auto-fit, minmax(200px, 1fr)); gap: 8px; margin: 18px 0; }
.views figure { margin: 0; }
.views img { width: 100%; display: block; border-radius: 4px; background: #000; }
figcaption { font-size: 13px; color: var(--soft); padding-top: 4px; }
.plot svg { width: 100%; height: auto; display: block; color: var(--ink); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; margin: 10px 0; }
th, td { text-align: right; padding: 5px 14px 5px 0; border-bottom: 1px solid var(--rule); white-space: nowrap; }
th { font-weight: 500; color: var(--soft); }
th:first-child, td:first-child { text-align: left; }
td.far { color: var(--warn); font-weight: 600; }
code { font: 14px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
ul { padding-left: 20px; } li { margin: 4px 0; max-width: 72ch; }
.remark { color: var(--warn); }
a { color: var(--accent); }
"""
