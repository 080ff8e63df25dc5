"""Reports of evaluations: a folder with a page, figures as JSON, and videos."""
