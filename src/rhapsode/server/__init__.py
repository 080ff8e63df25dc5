"""`rhapsode serve`: portraits, styles, jobs and live sessions over HTTP; needs `rhapsode[serve]`."""
