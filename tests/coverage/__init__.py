"""What is covered: a table of calls, tests over it, and the page that is written from it."""
