"""Every block of code in README.md and docs/*.md, run: page by page, in a process and a folder of the page's own."""
